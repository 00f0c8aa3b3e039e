"""Which engine executes the runs of which workflow engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthomics_local.endpoint.engines.cwl import CwlEngine
from healthomics_local.endpoint.engines.simulated import SimulatedEngine

if TYPE_CHECKING:
    from healthomics_local.endpoint.clock import Clock
    from healthomics_local.endpoint.engines.engine import Engine
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.settings import Settings


class EngineSelection:
    """The engines of one endpoint."""

    def __init__(self, *, settings: Settings, clock: Clock, objects: ObjectStore) -> None:
        self._simulated: Engine = SimulatedEngine(clock=clock, settings=settings)
        self._engines: dict[str, Engine] = {}
        if settings.engine == "auto":
            self._engines["CWL"] = CwlEngine(objects=objects, python=settings.cwl_python)
        elif settings.engine != "simulated":
            self._engines.update(settings.engine)

    def engine_for(self, workflow_engine: str) -> Engine:
        """The engine for ``CWL``, ``WDL``, ``WDL_LENIENT`` or ``NEXTFLOW``."""
        return self._engines.get(workflow_engine, self._simulated)

    def close(self) -> None:
        """End whatever they have started."""
        for engine in (*self._engines.values(), self._simulated):
            engine.close()
