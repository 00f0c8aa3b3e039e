"""How an endpoint behaves: identity, timings, quotas, and what AWS leaves undocumented, as switches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from healthomics_local.endpoint.published_workflows import EXAMPLE_CATALOGUE, Ready2RunWorkflow, SharedWorkflow
from healthomics_local.endpoint.setting_rules import check_settings, check_timings

if TYPE_CHECKING:
    from pathlib import Path

    from healthomics_local.endpoint.authorization.authorizer import Authorizer
    from healthomics_local.endpoint.clock import Clock
    from healthomics_local.endpoint.engines.engine import Engine
    from healthomics_local.endpoint.logs.sink import LogSink
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.script import RunScript

EventSink = Callable[[dict[str, Any]], None]
"""Takes one EventBridge-shaped event."""


class RepeatedRequest(StrEnum):
    """What StartRun answers when its requestId was used before."""

    SAME_RUN = "SAME_RUN"
    """The run that exists, in its present status."""
    REPLAY = "REPLAY"
    """The first response, word for word."""
    CONFLICT = "CONFLICT"
    """ConflictException."""


class StorageChecks(StrEnum):
    """Which buckets and objects must exist for a run to get on."""

    OFF = "OFF"
    """A simulated run takes what it is given. A workflow that is executed needs its inputs, as ever."""
    KNOWN_BUCKETS = "KNOWN_BUCKETS"
    """An input that lies in a bucket of the local S3 must be there, and an output bucket must be in this Region;
    a bucket that the local S3 does not have counts as one that exists elsewhere."""
    ALL = "ALL"
    """Buckets must be there as well."""


class RunOutputLayout(StrEnum):
    """What the service appends to outputUri."""

    RUN_ID = "RUN_ID"
    RUN_ID_AND_UUID = "RUN_ID_AND_UUID"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """Seconds that a simulated run spends in each status; the defaults are those of a recorded run."""

    pending: float = 22
    starting: float = 7
    running: float = 239
    """Only for simulated runs: an engine that executes takes the time it takes."""
    stopping: float = 308
    cancelling: float = 60
    """In STOPPING, after CancelRun; not known from a recording."""
    workflow_creating: float = 2
    configuration_creating: float = 0
    """Until a configuration is ACTIVE, at most fifteen minutes on AWS; 0: at once. Before, no run can name it."""
    batch_creating: float = 2
    """Of a run batch; neither this nor the next is known from a recording."""
    batch_pending: float = 10
    """While the settings of a batch's runs are checked."""

    def __post_init__(self) -> None:
        check_timings(self)

    @classmethod
    def none(cls) -> Timings:
        """Every transition follows at once."""
        return cls(
            pending=0,
            starting=0,
            running=0,
            stopping=0,
            cancelling=0,
            workflow_creating=0,
            configuration_creating=0,
            batch_creating=0,
            batch_pending=0,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything that can be chosen about an endpoint."""

    partition: str = "aws"
    region: str = "us-east-1"
    account_id: str = "123456789012"
    started_by: str | None = None
    """The principal that GetRun reports where no `authorizer` knows who calls; None: a role session of the account."""

    clock: Clock | None = None
    """None: one that starts with the wall clock, and goes at `speed`."""
    timings: Timings = field(default_factory=Timings)
    speed: float = 1.0
    """How many times faster than the wall clock the endpoint's own clock goes: 60 turns a minute into a second.

    Timings, limits, rates, lifetimes and dates go by it; the work of an engine that executes does not.
    A `clock` that is given has a speed of its own.
    """
    seed: int | None = None
    """Makes ids and uuids repeatable; None: random."""

    repeated_request: RepeatedRequest = RepeatedRequest.SAME_RUN
    changed_request_conflicts: bool = False
    """A used requestId with other members is a ConflictException; False: it counts as a repeated request."""
    in_flight_seconds: float = 0.0
    """For this long after the first StartRun its repetition is a ConflictException; 0: never."""
    request_id_lifetime_seconds: float | None = None
    """After this a requestId is new again; None: never."""
    deletion_frees_request_id: bool = False
    """Whether the requestId of a deleted run or batch starts a new one; False: it still names the deleted one. That of
    any other deleted resource always makes a new one."""
    reuse_deleted_run_ids: bool = False
    """Give ids of deleted runs to new runs, at once: shows who takes a run id for an identity."""

    start_run_tps: float | None = None
    """StartRun calls per second at the beginning, as a token bucket; None: unlimited. The service's default is 1."""
    max_stored_runs: int | None = 5000
    """Above it, old REMOVE runs vanish; without one, StartRun fails with ServiceQuotaExceededException."""
    max_run_groups: int | None = 1000
    max_run_caches: int | None = 1000
    max_workflow_versions: int | None = 1000
    """Of one workflow. Above these three, creating one more is a ServiceQuotaExceededException; None: unlimited."""
    max_concurrent_runs: int | None = None
    """Further runs wait in PENDING; None: unlimited."""
    lowest_priority_first: bool = False
    """Of waiting runs, start the one with the lowest priority first, as the API reference of StartRun has it ("highest:
    1"); False: the highest number first, as the guide and StartRunBatch say."""
    max_run_seconds: float = 604_800
    """A run that is RUNNING for longer fails with RUN_TIMED_OUT. A run that is really executed takes real time, so this
    and the limit of its group are real seconds for it, whatever the `speed`."""

    reject_unknown_members: bool = True
    """Unknown members in a request are a ValidationException; False: they are ignored."""
    require_signature: bool = True
    """Refuse requests without an AWS signature. It is not verified. No web page of another origin can send the header,
    and one whose name was made to point here is refused because of its Host."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names under which the endpoint is reached, such as that of a container. IP addresses, localhost and the
    name that it listens on are always served, for the API also names below .local and amazonaws.com."""
    authorizer: Authorizer | None = None
    """Who knows the callers and what they may do. With one, signatures are verified, each call needs the permissions
    that AWS asks for, and a run is limited to what its role may do. None: everybody may do everything."""
    check_run_role: Callable[..., str | None] | None = None
    """Asked with a run when it has been STARTING: why its role cannot be assumed, or None when it can be.
    Such a run fails with ASSUME_ROLE_FAILED. None: the authorizer is asked, if there is one."""
    accept_unknown_references: bool = False
    """Take a workflow, run group, run cache or configuration that was never created as an existing one."""
    default_storage_type: Literal["STATIC", "DYNAMIC"] = "STATIC"
    """The API reference says STATIC, the guide says DYNAMIC."""
    run_output_layout: RunOutputLayout = RunOutputLayout.RUN_ID
    cancelled_runs_are_listed: bool = True
    duplicate_copies_tags: bool = False
    """Whether a run started from another run's id also gets that run's tags."""
    ready2run_workflows: Mapping[str, Ready2RunWorkflow] = field(default_factory=lambda: dict(EXAMPLE_CATALOGUE))
    """The READY2RUN workflows that exist, by id. The default is a few examples, not the catalogue of AWS: give those
    that you use, with their parameter templates, to have the parameters of runs checked."""
    shared_workflows: tuple[SharedWorkflow, ...] = ()
    """Workflows of other accounts that exist from the beginning."""

    nextflow_versions: tuple[str, ...] = ("22.04", "23.10", "24.10", "25.10", "26.04")
    """What engineSettings.engineVersion can name."""
    engine: Literal["auto", "simulated"] | Mapping[str, Engine | Literal["cwltool", "miniwdl", "simulated"]] = "auto"
    """Who executes runs: "auto" runs CWL with cwltool, WDL with miniwdl where that is installed and can run containers,
    and simulates the rest; "simulated" simulates all; a mapping names an engine for each workflow engine (``CWL``,
    ``WDL``, ``NEXTFLOW``), the rest is simulated. A WDL run fails when "miniwdl" is named and cannot be used."""
    script: Callable[[Mapping[str, Any]], RunScript | None] | None = None
    """Decides, from the members of StartRun, how a run goes; None: as `timings` say, and successfully. What
    `Service.add_script` has added comes first."""
    cwl_python: str = sys.executable
    """The Python interpreter that has cwltool."""
    wdl_python: str = sys.executable
    """The Python interpreter that has miniwdl."""
    aws_endpoint_url: str | None = None
    """The local AWS, where engines read inputs and write outputs; None: a private store in memory."""
    object_store: ObjectStore | None = None
    """Where engines read and write objects; None: S3 at `aws_endpoint_url`."""
    storage_checks: StorageChecks | None = None
    """What fails a run with EXPORT_FAILED or, if it is simulated, with INPUT_URI_NOT_FOUND; None: KNOWN_BUCKETS with an
    `aws_endpoint_url`, else OFF."""

    state_file: Path | None = None
    """Where the records survive a restart, as a SQLite file that is made when it does not exist; None: in memory."""
    event_sink: EventSink | None = None
    """Gets an event for each change of status; what it raises is logged and otherwise ignored."""
    log_sink: LogSink | None = None
    """Gets the logs and manifests of runs; None: the service keeps the latest in memory (`Service.logs`)."""
    max_log_entries: int = 100_000
    """How many entries the service keeps in memory."""
    max_recorded_requests: int = 10_000
    """How many calls the service remembers (`Service.requests`)."""
    max_recorded_bytes: int = 64 * 1024 * 1024
    """How much memory their members may take; of a call that would need all of it, only the sizes are kept."""
    max_body_bytes: int = 8 * 1024 * 1024

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def principal(self) -> str:
        """The principal that starts runs, as an ARN."""
        default = f"arn:{self.partition}:sts::{self.account_id}:assumed-role/local/healthomics"
        return self.started_by or default
