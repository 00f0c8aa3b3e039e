"""Which engine executes the runs of which workflow."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from healthomics_local.endpoint.engines.container_backends import HELP, WdlSupport
from healthomics_local.endpoint.engines.cwl import CwlEngine
from healthomics_local.endpoint.engines.simulated import SimulatedEngine
from healthomics_local.endpoint.engines.wdl import WdlEngine

if TYPE_CHECKING:
    from healthomics_local.endpoint.clock import Clock
    from healthomics_local.endpoint.engines.engine import Engine
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Workflow
    from healthomics_local.endpoint.settings import Settings
    from healthomics_local.endpoint.storage_check import StorageCheck


class EngineSelection:
    """The engines of one endpoint; those that execute are made when the first workflow needs them."""

    def __init__(self, *, settings: Settings, clock: Clock, objects: ObjectStore, storage: StorageCheck) -> None:
        self._settings = settings
        self._clock = clock
        self._objects = objects
        self._storage = storage
        self._simulated: Engine = SimulatedEngine(clock=clock, settings=settings, storage=storage)
        self._made: dict[str, Engine] = {}
        self._lock = threading.Lock()

    def engine_for(self, workflow: Workflow) -> Engine:
        """The engine for a workflow in ``CWL``, ``WDL``, ``WDL_LENIENT`` or ``NEXTFLOW``."""
        wanted = self._settings.engine
        if wanted == "simulated":
            return self._simulated
        language = "WDL" if workflow.engine == "WDL_LENIENT" else workflow.engine
        if wanted != "auto":
            named = wanted.get(workflow.engine) or wanted.get(language, "simulated")
            return self._named(named) if isinstance(named, str) else named
        if language == "CWL":
            return self._named("cwltool")
        # Without a definition there is nothing that could be executed: a READY2RUN workflow, or a quick one of a test.
        if language == "WDL" and (workflow.definition.archive or workflow.definition.uri):
            return self._named("miniwdl if possible")
        return self._simulated

    def close(self) -> None:
        """End whatever they have started."""
        given = () if isinstance(self._settings.engine, str) else self._settings.engine.values()
        with self._lock:
            engines = [*self._made.values(), *(each for each in given if not isinstance(each, str)), self._simulated]
        for engine in engines:
            engine.close()

    def _named(self, name: str) -> Engine:
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def _make(self, name: str) -> Engine:
        if name == "cwltool":
            return CwlEngine(objects=self._objects, python=self._settings.cwl_python)
        if name == "simulated":
            return self._simulated
        support = WdlSupport.found(self._settings.wdl_python)
        if name == "miniwdl" or support.backend is not None:
            return WdlEngine(objects=self._objects, support=support)
        return SimulatedEngine(clock=self._clock, settings=self._settings, storage=self._storage, reason=HELP)
