"""Physical ids of completions: they hold everything that was ever said of a run's end. Pure.

An Update, such as an upgrade of the library brings, is then answered with the very same attributes, without a call that
could fail and after the run's record is gone. Whoever uses an attribute, perhaps another run, does not change:

    completion|<id>|<uuid>|<status>|<failure reason>|<start>|<stop>

A completion whose run was replaced in place remembers the one before in six more fields, for the rollback.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from healthomics_run_handler.identity import PHYSICAL_ID_MAX_BYTES, quote, unquote
from healthomics_run_waiter.contract import COMPLETION_TYPE
from healthomics_run_waiter.run_state import RunState
from healthomics_run_waiter.stack_state import StackResource

_KIND = "completion"
_FIELDS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionId:
    """What a completion remembers."""

    run: RunState
    """How the run ended."""
    before: RunState | None = None
    """How the run ended that this one has replaced without a new completion."""

    def __str__(self) -> str:
        """Return the id for CloudFormation."""
        fields = [_KIND, *_fields(self.run)]
        text = "|".join(fields if self.before is None else [*fields, *_fields(self.before)])
        # Only a rollback misses what is left out, and it asks HealthOmics then.
        return text if len(text.encode()) <= PHYSICAL_ID_MAX_BYTES else "|".join(fields)


def parse_completion_id(text: str) -> CompletionId | None:
    """Read a physical id back; None for those that CloudFormation invented."""
    kind, *quoted = text.split("|")
    fields = [unquote(field) for field in quoted]
    if kind != _KIND or len(fields) not in (_FIELDS, 2 * _FIELDS):
        return None
    return CompletionId(run=_run(fields[:_FIELDS]), before=_run(fields[_FIELDS:]) if fields[_FIELDS:] else None)


def remembered_ending(resources: Iterable[StackResource], key: tuple[str, str]) -> RunState | None:
    """Return how a run ended, as another completion of the stack remembers it.

    With another time-out comes another completion, and until the deployment is done the stack has both.
    """
    for resource in resources:
        known = parse_completion_id(resource.physical_id) if resource.resource_type == COMPLETION_TYPE else None
        if known is not None and known.run.key == key:
            return known.run
    return None


def _fields(run: RunState) -> list[str]:
    texts = (run.run_id, run.uuid, run.status, run.failure_reason, run.start_time, run.stop_time)
    return [quote(text) for text in texts]


def _run(fields: list[str]) -> RunState:
    run_id, uuid, status, failure_reason, start_time, stop_time = fields
    return RunState(
        run_id=run_id,
        uuid=uuid,
        status=status,
        failure_reason=failure_reason,
        start_time=start_time,
        stop_time=stop_time,
    )
