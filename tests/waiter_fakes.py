"""In-memory AWS for the waiter's tests: one stack, its runs and wait conditions, and a schedule."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from handler_fakes import STACK_ID, FakeClock, api_error
from healthomics_run_handler.contract import RESOURCE_TYPE
from healthomics_run_handler.errors import ApiError
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.ledger import LOGICAL_ID
from healthomics_run_handler.ledger import STACK_ID as STACK_TAG
from healthomics_run_handler.logs import JsonLog
from healthomics_run_waiter import contract
from healthomics_run_waiter.calls import Calls
from healthomics_run_waiter.ports import Ports
from healthomics_run_waiter.stack_state import StackResource, StackState

RULE = "genomes-Schedule-1A2B3C"
NOT_WAITING = api_error("ValidationError", 400, "is not waiting for signals", operation="SignalResource")


@dataclass(kw_only=True)
class FakeCloud:
    """AWS as the waiter sees it. Time passes only when somebody sleeps, and ``while_asleep`` is then told."""

    clock: FakeClock = field(default_factory=FakeClock)
    status: str = "CREATE_IN_PROGRESS"
    began_at: float = 0.0
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: dict[str, StackResource] = field(default_factory=dict)
    signals: list[tuple[str, str]] = field(default_factory=list)
    switched: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    script: dict[str, list[ApiError | Callable[[], None]]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    while_asleep: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.began_at = self.clock.now()

    # --- what is there ---

    def run(self, run_id: str = "1000001", status: str = "RUNNING", *, of: str = "Alignment", **members: Any) -> str:
        """A run of the stack, held by its resource; return its uuid."""
        uuid = f"uuid-{run_id}-{len(self.runs)}"
        self.runs[run_id] = {
            "id": run_id,
            "uuid": uuid,
            "status": status,
            "tags": {STACK_TAG: STACK_ID, LOGICAL_ID: of},
            **members,
        }
        self.hold(of, run_id, uuid)
        return uuid

    def hold(self, logical_id: str, run_id: str, uuid: str, status: str = "CREATE_COMPLETE") -> None:
        identity = RunIdentity(run_id=run_id, uuid=uuid, spec_digest="d" * 32, output_uri=f"s3://results/{run_id}")
        self.list(logical_id, RESOURCE_TYPE, status, identity.physical_id())

    def wait(self, of: str = "Alignment", *, seconds: int = 43_200, digest: str = "0" * 16) -> str:
        """A wait condition that waits; return its logical id."""
        logical_id = str(contract.wait_id(of, seconds=seconds, digest=digest))
        self.list(logical_id, contract.WAIT_CONDITION_TYPE, "CREATE_IN_PROGRESS", "")
        return logical_id

    def list(self, logical_id: str, resource_type: str, status: str, physical_id: str) -> None:
        self.listed[logical_id] = StackResource(
            logical_id=logical_id,
            resource_type=resource_type,
            status=status,
            physical_id=physical_id,
            changed_at=self.clock.now(),
        )

    # --- the ports ---

    def calls_until(self, seconds: float = 870.0) -> Calls:
        ports = Ports(
            runs=self,
            stacks=self,
            schedule=self,
            clock=self,
            random=random.Random(7),
            log=JsonLog(self.lines.append, {}),
        )
        return Calls(ports, deadline=self.clock.now() + seconds)

    def now(self) -> float:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.while_asleep()

    def _begin(self, operation: str) -> None:
        self.calls.append(operation)
        if self.script.get(operation):
            action = self.script[operation].pop(0)
            if isinstance(action, Exception):
                raise action
            action()

    def get_run(self, run_id: str, /) -> Mapping[str, Any]:
        self._begin("GetRun")
        if run_id not in self.runs:
            raise api_error("ResourceNotFoundException", 404, operation="GetRun")
        return dict(self.runs[run_id])

    def state(self, stack_id: str, /) -> StackState:
        self._begin("DescribeStacks")
        assert stack_id == STACK_ID
        return StackState(status=self.status, began_at=self.began_at)

    def resources(self, stack_id: str, /) -> Sequence[StackResource]:
        self._begin("ListStackResources")
        assert stack_id == STACK_ID
        return [*self.listed.values()]

    def signal(self, stack_id: str, logical_id: str, unique_id: str, /) -> None:
        self._begin("SignalResource")
        assert stack_id == STACK_ID
        wait = self.listed.get(logical_id)
        if wait is None or wait.status != "CREATE_IN_PROGRESS":
            raise NOT_WAITING
        self.signals.append((logical_id, unique_id))
        self.listed[logical_id] = replace(wait, status="CREATE_COMPLETE", changed_at=self.clock.now())

    def enable(self, rule_name: str, /) -> None:
        self._begin("EnableRule")
        self.switched.append(("on", rule_name))

    def disable(self, rule_name: str, /) -> None:
        self._begin("DisableRule")
        self.switched.append(("off", rule_name))
