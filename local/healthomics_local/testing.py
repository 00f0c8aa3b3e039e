"""HealthOmics for tests: a pytest fixture and a context manager.

Make the fixture known with ``pytest_plugins = ["healthomics_local.testing"]`` in a ``conftest.py``:

    def test_a_run_completes(healthomics):
        client = healthomics.client()
        workflow = healthomics.add_workflow()
        run = client.start_run(workflowId=workflow.workflow_id, roleArn=…, outputUri="s3://bucket/out")

        healthomics.run_until_idle()

        assert client.get_run(id=run["id"])["status"] == "COMPLETED"
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

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


@pytest.fixture
def healthomics() -> Generator[LocalHealthOmics]:
    """An empty HealthOmics on a virtual clock; `advance` or `run_until_idle` lets its runs go on."""
    with local_healthomics() as omics:
        yield omics
