"""The one place that knows how the handler is put together and called."""

import random
from typing import Any, Final

from healthomics_run_handler.ports import Ports as HandlerPorts
from healthomics_run_handler.resource import RunResource
from laws.ports import Ports, Timer


class _Silence:
    """The log port; what the log may say is tested elsewhere."""

    def info(self, message: str, /, **fields: object) -> None: ...

    def problem(self, message: str, /, **fields: object) -> None: ...


class Container:
    """A Lambda execution environment: one handler object that serves one invocation after the other."""

    def __init__(self) -> None:
        self._ports: Ports | None = None
        self._resource: Final = RunResource(self._make_ports, put=self._put, start_timer=self._start_timer)

    def run(self, ports: Ports, event: dict[str, Any]) -> None:
        self._ports = ports
        self._resource(event, ports.context)

    def _make_ports(self) -> HandlerPorts:
        ports = self._current
        return HandlerPorts(
            omics=ports.omics,
            stacks=ports.stacks,
            clock=ports.clock,
            random=random.Random(ports.calls.invocation.number),
            log=_Silence(),
        )

    def _put(self, url: str, body: bytes) -> int:
        return self._current.put(url, body)

    def _start_timer(self, seconds: float, callback: Any) -> Timer:
        return self._current.start_timer(seconds, callback)

    @property
    def _current(self) -> Ports:
        assert self._ports is not None
        return self._ports


_warm: list[Container] = []


def run_handler(ports: Ports, event: dict[str, Any]) -> None:
    """Run the handler on one event, in a warm environment if one is free. A killed environment never comes back."""
    container = _warm.pop() if _warm else Container()
    try:
        container.run(ports, event)
    finally:
        if not ports.calls.invocation.killed:
            _warm.append(container)
