"""HealthOmics as a fixture of pytest.

Make it known with ``pytest_plugins = ["healthomics_local.pytest_plugin"]`` in a ``conftest.py``:

    def test_a_run_completes(healthomics):
        client = healthomics.client()
        workflow = healthomics.add_workflow()
        run = client.start_run(workflowId=workflow.workflow_id, roleArn=…, outputUri="s3://bucket/out")

        healthomics.run_until_idle()

        assert client.get_run(id=run["id"])["status"] == "COMPLETED"

Only this module needs pytest: what brings pytest is the tests' affair, not the extra ``local``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from healthomics_local.endpoint import LocalHealthOmics


@pytest.fixture
def healthomics_settings() -> Mapping[str, Any]:
    """Members of Settings that should be different.

    A fixture of the same name in a ``conftest.py`` or a module changes them for all its tests,
    ``@pytest.mark.parametrize("healthomics_settings", [{"start_run_tps": 1}])`` for one.
    """
    return {}


@pytest.fixture
def healthomics(healthomics_settings: Mapping[str, Any]) -> Generator[LocalHealthOmics]:
    """An empty HealthOmics on a virtual clock; `advance` or `run_until_idle` lets its runs go on."""
    with local_healthomics(**healthomics_settings) as omics:
        yield omics
