"""What the operations work on, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from healthomics_local.endpoint.authorization.run_access import RunAccess
    from healthomics_local.endpoint.clock import Clock
    from healthomics_local.endpoint.engines.engine import Engine
    from healthomics_local.endpoint.events import EventDelivery
    from healthomics_local.endpoint.faults import FaultPlan
    from healthomics_local.endpoint.ids import ArnFormat, IdSource
    from healthomics_local.endpoint.ledger import RequestLedger
    from healthomics_local.endpoint.lifecycle import Lifecycle
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Workflow
    from healthomics_local.endpoint.script_plan import ScriptPlan
    from healthomics_local.endpoint.settings import Settings
    from healthomics_local.endpoint.state import State
    from healthomics_local.endpoint.throttle import TokenBucket


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """The parts of a running endpoint."""

    settings: Settings
    clock: Clock
    state: State
    ids: IdSource
    arns: ArnFormat
    ledger: RequestLedger
    events: EventDelivery
    lifecycle: Lifecycle
    engine_for: Callable[[Workflow], Engine]
    objects: ObjectStore
    access: RunAccess | None
    """What the roles of runs may do; None: everything."""
    faults: FaultPlan
    scripts: ScriptPlan
    start_run_rate: TokenBucket
    """What StartRun and the submissions of run batches share."""
    base_url: Callable[[], str | None]
    """The endpoint's own address; None while it has none."""

    def now(self) -> datetime:
        """The current time on the endpoint's clock."""
        return self.clock.now()
