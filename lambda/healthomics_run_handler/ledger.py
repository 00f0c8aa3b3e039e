"""The tags by which a run says whose it is. HealthOmics itself is the ledger: there is no table. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from healthomics_run_handler.attempts import Attempts, parse_attempts
from healthomics_run_handler.contract import LEDGER_TAG_PREFIX
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.request import Request
from healthomics_run_handler.tag_text import TAG_VALUE_LIMIT, escape, unescape

STACK_ID = LEDGER_TAG_PREFIX + "stack-id"
LOGICAL_ID = LEDGER_TAG_PREFIX + "logical-id"
REQUEST = LEDGER_TAG_PREFIX + "request"
"""``<CloudFormation RequestId>/<generation>``: the intent that started the run."""
DELIVERY = LEDGER_TAG_PREFIX + "delivery"
"""``<date>/<digest>`` of the ResponseURL: when, and in which sending, the request that started the run was sent."""
SPEC = LEDGER_TAG_PREFIX + "spec"
REPLACES = LEDGER_TAG_PREFIX + "replaces"
"""``<id>/<uuid>/<spec digest>`` of the run that this one replaces."""
REPLACES_URI = tuple(
    LEDGER_TAG_PREFIX + name for name in ("replaces-uri", "replaces-uri-2", "replaces-uri-3", "replaces-uri-4")
)
"""That run's output URI, escaped, in pieces: a rollback needs it when the record of that run is gone."""
ATTEMPTED = LEDGER_TAG_PREFIX + "attempted"
"""Written on a run *before* StartRun of its replacement: some run may replace this one, whatever was answered. The
value is read by :mod:`~healthomics_run_handler.attempts`."""
RELEASED = LEDGER_TAG_PREFIX + "released"
"""CloudFormation has sent the Delete for this run, or it was cancelled as unwanted: nobody owns it any more. The value
is the id of the request that said so, behind ``left/`` if the run may go on (``OnDelete`` LEAVE)."""

_LEFT = "left/"

ACTIVE_STATUSES = ("PENDING", "STARTING", "RUNNING", "STOPPING")
"""In the order in which a run goes through them: listing status by status never misses a run that moves on."""

GONE_STATUS = "DELETED"


def tags_at_start(
    request: Request, *, generation: int, spec_digest: str, replaces: RunIdentity | None
) -> dict[str, str]:
    """Return the ledger tags that StartRun sends."""
    tags = {
        STACK_ID: request.stack_id,
        LOGICAL_ID: request.logical_id,
        REQUEST: request_tag(request.request_id, generation),
        DELIVERY: f"{request.sent_at}/{request.delivery}",
        SPEC: spec_digest,
    }
    if replaces is not None:
        tags[REPLACES] = replaces_tag(replaces)
        tags.update(_uri_tags(replaces.output_uri))
    return tags


def replaces_tag(run: RunIdentity) -> str:
    """Return the ``replaces`` tag's value."""
    return f"{run.run_id}/{run.uuid}/{run.spec_digest}"


def _uri_tags(uri: str) -> dict[str, str]:
    escaped = escape(uri)
    pieces = [escaped[at : at + TAG_VALUE_LIMIT] for at in range(0, len(escaped), TAG_VALUE_LIMIT)]
    return dict(zip(REPLACES_URI, pieces, strict=False)) if len(pieces) <= len(REPLACES_URI) else {}


def _uri_from_tags(tags: Mapping[str, str]) -> str:
    return unescape("".join(tags.get(key, "") for key in REPLACES_URI))


def released_tag(request: Request, *, leave: bool) -> str:
    """Return the ``released`` tag's value."""
    return (_LEFT if leave else "") + request.request_id


def request_tag(request_id: str, generation: int) -> str:
    """Return the ``request`` tag's value."""
    return f"{request_id}/{generation}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run as GetRun shows it."""

    run_id: str
    uuid: str
    arn: str
    status: str
    output_uri: str
    tags: Mapping[str, str]
    name: str = ""
    """Empty where a response does not tell (StartRun's)."""

    @property
    def active(self) -> bool:
        """Whether the run can still cost money."""
        return self.status in ACTIVE_STATUSES

    @property
    def released(self) -> bool:
        """Whether nobody owns the run any more."""
        return RELEASED in self.tags

    @property
    def left(self) -> bool:
        """Whether the run may go on though nobody owns it."""
        return self.tags.get(RELEASED, "").startswith(_LEFT)

    @property
    def delivery(self) -> str:
        """Which sending of its request started the run."""
        return self.tags.get(DELIVERY, "").rpartition("/")[2]

    @property
    def request_id(self) -> str:
        """RequestId of the request that started the run."""
        return self.tags.get(REQUEST, "").rpartition("/")[0]

    def sent_before(self, date: str) -> bool:
        """Whether the request that started the run was surely sent before a date."""
        sent_at = self.tags.get(DELIVERY, "").rpartition("/")[0]
        return bool(sent_at) and sent_at < date

    def sent_after(self, request: Request) -> bool:
        """Whether the request that started the run was sent after another one; False if a date is missing."""
        sent_at = self.tags.get(DELIVERY, "").rpartition("/")[0]
        return bool(request.sent_at) and sent_at > request.sent_at

    @property
    def attempts(self) -> Attempts:
        """What the run remembers about attempts to replace it."""
        return parse_attempts(self.tags.get(ATTEMPTED, ""))

    def belongs_to(self, request: Request) -> bool:
        """Whether this resource started the run."""
        return self.tags.get(STACK_ID) == request.stack_id and self.tags.get(LOGICAL_ID) == request.logical_id

    def started_by(self, request_id: str) -> bool:
        """Whether a request of this id started the run, in whichever generation."""
        return self.request_id == request_id

    @property
    def replaces(self) -> RunIdentity | None:
        """The run that this one replaces."""
        run_id, _, rest = self.tags.get(REPLACES, "").partition("/")
        uuid, _, spec_digest = rest.partition("/")
        if not (run_id and uuid):
            return None
        return RunIdentity(run_id=run_id, uuid=uuid, spec_digest=spec_digest, output_uri=_uri_from_tags(self.tags))

    def identity(self) -> RunIdentity:
        """Return the run as its physical id names it."""
        return RunIdentity(
            run_id=self.run_id,
            uuid=self.uuid,
            spec_digest=self.tags.get(SPEC, "unknown"),
            output_uri=self.output_uri,
        )


def run_from_response(response: Mapping[str, Any]) -> Run:
    """Read a GetRun or StartRun response; both carry these members."""
    return Run(
        run_id=str(response["id"]),
        uuid=str(response.get("uuid", "")),
        arn=str(response.get("arn", "")),
        status=str(response.get("status", "")),
        output_uri=str(response.get("runOutputUri", "")),
        tags=dict(response.get("tags") or {}),
        name=str(response.get("name") or ""),
    )


def tag_changes(*, run: Run, wanted: Mapping[str, str], before: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys to remove so that the run carries what the user asks for.

    Tags that were never in the template, the ledger's among them, are somebody else's and stay.
    """
    to_set = {key: value for key, value in wanted.items() if run.tags.get(key) != value}
    to_remove = sorted(key for key in before if key not in wanted and key in run.tags)
    return to_set, [key for key in to_remove if not key.startswith(LEDGER_TAG_PREFIX)]
