"""HealthOmics for tests, as a context manager; `healthomics_local.pytest_plugin` has it as a fixture of pytest."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint import LocalHealthOmics, Settings, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def local_healthomics(**settings: Any) -> Generator[LocalHealthOmics]:
    """An endpoint on a virtual clock that starts no process.

    Args:
        settings: Members of Settings that should be different.
    """
    base = Settings(clock=VirtualClock(), engine="simulated")
    with LocalHealthOmics(replace(base, **settings)) as omics:
        yield omics
