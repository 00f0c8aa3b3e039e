"""What tests of other projects use."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from healthomics_local.endpoint import LocalHealthOmics


def test_the_fixture_is_an_endpoint_on_a_virtual_clock(healthomics: LocalHealthOmics) -> None:
    healthomics.advance(60)

    assert healthomics.call("ListRuns")["items"] == []
    assert healthomics.settings.engine == "simulated"


@pytest.mark.parametrize("healthomics_settings", [{"start_run_tps": 1, "region": "eu-west-1"}])
def test_the_fixture_takes_settings(healthomics: LocalHealthOmics) -> None:
    assert healthomics.settings.start_run_tps == 1
    assert ":eu-west-1:" in healthomics.add_workflow().arn


def test_the_context_manager_works_without_pytest() -> None:
    code = """
import sys

sys.modules["pytest"] = None
from healthomics_local.testing import local_healthomics

with local_healthomics() as omics:
    assert omics.call("ListRuns")["items"] == []
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=90)

    assert done.returncode == 0, done.stderr
