"""An adversarial HealthOmics in memory: the run part of the API, as far as the handler uses it.

Facts: the developer guide and the API reference of AWS HealthOmics, botocore's service model 2022-11-28. What they
leave open is a switch of ``HealthOmicsReadings``; the handler has to be right under every setting.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from math import inf
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from healthomics_run_handler.contract import LEDGER_TAG_PREFIX, TAG_LIMIT
from healthomics_run_handler.errors import ApiError
from laws.template import ACCOUNT, REGION

ACTIVE: Final = ("PENDING", "STARTING", "RUNNING", "STOPPING")
MAX_TOKEN_LENGTH: Final = 128
MAX_TAG_KEY_LENGTH: Final = 128
TAG_VALUE_LIMIT: Final = 256
ID_QUARANTINE: Final = 60.0
"""Seconds for which the id of a vanished run is certainly not used again."""

Caller = TypeVar("Caller")


class SameToken(StrEnum):
    """What StartRun answers to a ``requestId`` that it has seen. Undocumented: the API text says only that the service
    "identifies duplicate requests and starts the run only once" (StartRun, StartRunBatch)."""

    SAME_RUN = "the run, as it is now"
    REPLAY = "the first response once more"
    CONFLICT = "409, always"
    CONFLICT_IN_FLIGHT = "409 while the first request is in flight, then the run"
    OTHER_BODY_REFUSED = "the run, but 400 if the request differs in anything"


@dataclass(frozen=True)
class Life:
    """How long a run stays in each status, in seconds.

    PENDING: queued; STARTING: storage and engine provisioning; RUNNING; STOPPING: deprovision, through which failures
    pass, too (developer guide, monitoring runs).
    """

    pending: float = 20.0
    starting: float = 30.0
    running: float = 36_000.0
    stopping: float = 60.0
    outcome: str = "COMPLETED"


SHORT: Final = Life(pending=1, starting=2, running=5, stopping=2)
FAILING: Final = Life(pending=5, starting=10, running=1, stopping=10, outcome="FAILED")


@dataclass(frozen=True)
class HealthOmicsReadings:
    """The switches."""

    same_token: SameToken = SameToken.SAME_RUN
    listing_lag: float = 0.0
    """Seconds until ListRuns shows a new run. Eventual consistency; 30 s is the most that the laws assume."""
    lives: tuple[Life, ...] = (Life(),)
    """Of the runs, in the order of their start, again and again from the start."""
    removal_delay: float = 30.0
    """Seconds after which a finished run with retention REMOVE loses its record ("deleted automatically when the run
    quota is exceeded")."""
    in_flight: float = 3.0
    """Seconds for which a request counts as in flight under CONFLICT_IN_FLIGHT."""
    cancels_stopping: bool = True
    """Whether CancelRun accepts a run that is STOPPING, as the developer guide has it, or refuses it with a 400."""
    forgets_tokens: bool = False
    """Whether a ``requestId`` is forgotten with the record of its run, and starts another. Not in the usual mix: no
    ledger is left then that a second delivery could consult."""
    page: int = 3
    """Runs per page of ListRuns."""


@dataclass(eq=False)
class Run(Generic[Caller]):
    """One run, from its start to long after its record is gone."""

    id: str
    uuid: str
    request: dict[str, Any]
    tags: dict[str, str]
    started: float
    life: Life
    starter: Caller | None
    """Whose StartRun it was; None for a foreign run."""
    removes_itself_after: float = inf
    cancelled: float = inf
    deleted: float = inf

    @property
    def arn(self) -> str:
        return f"arn:aws:omics:{REGION}:{ACCOUNT}:run/{self.id}"

    @property
    def name(self) -> str:
        return str(self.request.get("name", ""))

    def status(self, now: float) -> str:
        life = self.life
        if now >= self.cancelled:  # a cancellation, too, goes through STOPPING
            return "STOPPING" if now < self.cancelled + life.stopping else "CANCELLED"
        end = self.started
        for status, seconds in (
            ("PENDING", life.pending),
            ("STARTING", life.starting),
            ("RUNNING", life.running),
            ("STOPPING", life.stopping),
        ):
            end += seconds
            if now < end:
                return status
        return life.outcome

    def finished(self) -> float:
        """When the run is, or will be, over."""
        life = self.life
        if self.cancelled < inf:
            return self.cancelled + life.stopping
        return self.started + life.pending + life.starting + life.running + life.stopping

    def gone_since(self) -> float:
        """When the record is, or will be, gone."""
        return min(self.deleted, self.finished() + self.removes_itself_after)


@dataclass
class Write(Generic[Caller]):
    """A call that changed a run."""

    time: float
    operation: str
    run: Run[Caller]
    caller: Caller
    details: dict[str, str] = field(default_factory=dict)


class FakeHealthOmics(Generic[Caller]):
    """The service. Its operations do their work at once; time, faults and latency are the ports' business."""

    def __init__(self, now: Callable[[], float], readings: HealthOmicsReadings, tally: Counter[str]) -> None:
        self._now = now
        self.readings = readings
        self._tally = tally
        self.runs: list[Run[Caller]] = []
        """Every run that ever was."""
        self.writes: list[Write[Caller]] = []
        self.on_write: Callable[[Write[Caller]], None] = lambda _: None
        self.complaints: list[str] = []
        """Requests that break the service's rules, for the laws."""
        self._tokens: dict[str, tuple[Run[Caller], dict[str, Any]]] = {}
        self._free_ids: list[Run[Caller]] = []
        self._records: dict[str, Run[Caller]] = {}
        self._next_start = -inf

    # --- the API ----------------------------------------------------------------------------------------------

    def start_run(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """StartRun: one per second and account (API quotas), then 429; one run per ``requestId``."""
        self._admit_start()
        token = request["requestId"]
        if not 1 <= len(token) <= MAX_TOKEN_LENGTH:
            raise self._refusal("StartRun", f"requestId has {len(token)} characters, 1 to {MAX_TOKEN_LENGTH} are valid")
        self._check_tags("StartRun", request.get("tags", {}))
        for member in ("workflowId", "roleArn", "outputUri"):
            if not request.get(member):
                raise self._refusal("StartRun", f"{member} is missing")
        known = self._tokens.get(token)
        if known is not None and not (self.readings.forgets_tokens and not self.existing(known[0])):
            return self._start_again(token, request)
        run = self._new_run(request, caller)
        self._tally["runs"] += 1
        self._log("start_run", run, caller)
        response = self._start_response(run)
        self._tokens[token] = (run, response)
        return dict(response)

    def get_run(self, run_id: str) -> dict[str, Any]:
        run = self._record(run_id, "GetRun")
        request = {key: value for key, value in run.request.items() if key not in ("requestId", "tags")}
        return {
            **request,
            "arn": run.arn,
            "id": run.id,
            "uuid": run.uuid,
            "status": run.status(self._now()),
            "tags": dict(run.tags),
            "runOutputUri": self._output_uri(run),
            "creationTime": datetime.fromtimestamp(run.started, UTC),
            "startedBy": f"arn:aws:iam::{ACCOUNT}:role/handler",
        }

    def page_of_runs(self, name: str, status: str | None, start: int) -> tuple[list[dict[str, Any]], int | None]:
        """ListRuns: the items carry neither uuid nor tags nor requestId (service model); new runs show up late."""
        now = self._now()
        matching = [
            run
            for run in self.runs
            if run.name == name
            and now >= run.started + self.readings.listing_lag
            and now < run.gone_since()
            and status in (None, run.status(now))
        ]
        items = [
            {
                "arn": run.arn,
                "id": run.id,
                "status": run.status(now),
                "name": run.name,
                "workflowId": run.request["workflowId"],
                "creationTime": datetime.fromtimestamp(run.started, UTC),
            }
            for run in matching[start : start + self.readings.page]
        ]
        end = start + self.readings.page
        return items, end if end < len(matching) else None

    def cancel_run(self, run_id: str, caller: Caller) -> None:
        """CancelRun: "allowed in PENDING, STARTING, RUNNING, STOPPING" (developer guide)."""
        run = self._record(run_id, "CancelRun")
        now = self._now()
        status = run.status(now)
        if status not in ACTIVE:
            raise _conflict("CancelRun", "the run is not active")
        if status == "STOPPING" and not self.readings.cancels_stopping:
            self._tally["CancelRun refused while STOPPING"] += 1
            raise ApiError("CancelRun", "ValidationException", "the run is stopping", status=400)
        self._log("cancel_run", run, caller)
        run.cancelled = min(run.cancelled, now)

    def delete_run(self, run_id: str, caller: Caller) -> None:
        """DeleteRun: "COMPLETED, FAILED, CANCELLED only" (API reference)."""
        run = self._record(run_id, "DeleteRun")
        if run.status(self._now()) in ACTIVE:
            raise _conflict("DeleteRun", "the run is active")
        self._log("delete_run", run, caller)
        run.deleted = self._now()

    def tag_run(self, arn: str, tags: dict[str, str], caller: Caller) -> None:
        run = self._record(arn.rpartition("/")[2], "TagResource")
        self._check_tags("TagResource", {**run.tags, **tags})
        self._log("tag_run", run, caller, tags)
        run.tags.update(tags)

    def untag_run(self, arn: str, keys: list[str], caller: Caller) -> None:
        run = self._record(arn.rpartition("/")[2], "UntagResource")
        self._log("untag_run", run, caller, {key: run.tags.get(key, "") for key in keys})
        for key in keys:
            run.tags.pop(key, None)

    # --- other people in the same account ------------------------------------------------------------------------

    def foreign_start(self, name: str, *, takes_over_id: bool) -> Run[Caller]:
        """Somebody else starts a run. "HealthOmics reuses deleted run IDs, so a run and a deleted run can have the same
        run ID" (developer guide, running workflows)."""
        request = {"name": name, "workflowId": "7777777", "tags": {"owner": "somebody else"}}
        return self._new_run(request, None, takes_over_id=takes_over_id)

    def external_cancel(self, run: Run[Caller]) -> None:
        if run.status(self._now()) in ACTIVE:
            run.cancelled = min(run.cancelled, self._now())
            self._tally["external cancel"] += 1

    def external_strip(self, run: Run[Caller]) -> None:
        """Somebody removes the ledger's tags, or a tag policy does."""
        if self.existing(run):
            run.tags = {key: value for key, value in run.tags.items() if not key.startswith(LEDGER_TAG_PREFIX)}
            self._tally["external strip"] += 1

    def external_delete(self, run: Run[Caller]) -> None:
        if run.status(self._now()) not in ACTIVE:
            run.deleted = min(run.deleted, self._now())
            self._tally["external delete"] += 1

    # --- for the laws -----------------------------------------------------------------------------------------

    def run_with_uuid(self, uuid: str) -> Run[Caller] | None:
        return next((run for run in self.runs if run.uuid == uuid), None)

    def existing(self, run: Run[Caller]) -> bool:
        return self._now() < run.gone_since()

    # --- inside -----------------------------------------------------------------------------------------------

    def _admit_start(self) -> None:
        """A token bucket of one token, filled in a second."""
        now = self._now()
        if now < self._next_start:
            self._tally["rate limited"] += 1
            raise ApiError("StartRun", "ThrottlingException", "Rate exceeded", status=429)
        self._next_start = now + 1.0

    def _check_tags(self, operation: str, tags: dict[str, Any]) -> None:
        """Tags as the service model has them: at most 50, keys of 1 to 128 and values of at most 256 characters."""
        if len(tags) > TAG_LIMIT:
            raise self._refusal(operation, f"{len(tags)} tags, at most {TAG_LIMIT} are valid")
        for key, value in tags.items():
            if not (0 < len(key) <= MAX_TAG_KEY_LENGTH and isinstance(value, str) and len(value) <= TAG_VALUE_LIMIT):
                raise self._refusal(operation, f"tag {key} is not valid: {value!r}")

    def _refusal(self, operation: str, text: str) -> ApiError:
        """What the service says of a request that breaks its rules; that the handler made it is a breach, too.

        An exception of another type would be a defect of the handler's, which answers those, and the laws would hold.
        """
        self.complaints.append(f"{operation}: {text}")
        return ApiError(operation, "ValidationException", text, status=400)

    def _start_again(self, token: str, request: dict[str, Any]) -> dict[str, Any]:
        run, first_response = self._tokens[token]
        reading = self.readings.same_token
        self._tally[f"same token: {reading.name}"] += 1
        in_flight = self._now() < run.started + self.readings.in_flight
        if reading is SameToken.CONFLICT or (reading is SameToken.CONFLICT_IN_FLIGHT and in_flight):
            raise _conflict("StartRun", "a run with this requestId is being, or was, created")
        if reading is SameToken.OTHER_BODY_REFUSED and request != run.request:
            self._tally["same token: another body"] += 1
            raise ApiError("StartRun", "ValidationException", "requestId was used with other parameters", status=400)
        if reading is SameToken.REPLAY:
            return dict(first_response)
        return self._start_response(run) | {"tags": dict(run.tags)}

    def _start_response(self, run: Run[Caller]) -> dict[str, Any]:
        return {
            "arn": run.arn,
            "id": run.id,
            "uuid": run.uuid,
            "status": run.status(self._now()) if self.existing(run) else "DELETED",
            "tags": dict(run.tags),
            "runOutputUri": self._output_uri(run),
        }

    def _output_uri(self, run: Run[Caller]) -> str:
        return f"{run.request.get('outputUri', 's3://elsewhere')}/{run.id}"

    def _new_run(self, request: dict[str, Any], starter: Caller | None, *, takes_over_id: bool = False) -> Run[Caller]:
        lives = self.readings.lives
        number = len(self.runs)
        run = Run(
            id=self._new_id(takes_over_id=takes_over_id),
            uuid=str(UUID(int=0x5EED_0000 + number)),
            request=dict(request),
            tags=dict(request.get("tags", {})),
            started=self._now(),
            life=replace(lives[number % len(lives)]) if starter is not None else Life(),
            starter=starter,
        )
        if request.get("retentionMode") == "REMOVE":
            run.removes_itself_after = self.readings.removal_delay
        self.runs.append(run)
        self._records[run.id] = run
        return run

    def _new_id(self, *, takes_over_id: bool) -> str:
        if takes_over_id:
            for run in self.runs:
                if run.gone_since() + ID_QUARANTINE < self._now() and self._records[run.id] is run:
                    self._tally["run id reused"] += 1
                    return run.id
        return str(1_000_000 + len(self.runs))

    def _record(self, run_id: str, operation: str) -> Run[Caller]:
        run = self._records.get(run_id)
        if run is None or not self.existing(run):
            raise ApiError(operation, "ResourceNotFoundException", f"Run {run_id} not found", status=404)
        return run

    def _log(self, operation: str, run: Run[Caller], caller: Caller, details: dict[str, str] | None = None) -> None:
        write = Write(self._now(), operation, run, caller, dict(details or {}))
        self.writes.append(write)
        self.on_write(write)


def _conflict(operation: str, message: str) -> ApiError:
    return ApiError(operation, "ConflictException", message, status=409)


def pages(
    fetch: Callable[[int], tuple[list[dict[str, Any]], int | None]],
) -> Iterator[dict[str, Any]]:
    """Page through a listing, each page a call of its own."""
    start: int | None = 0
    while start is not None:
        items, start = fetch(start)
        yield from items
