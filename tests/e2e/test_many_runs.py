"""A stack that is full of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RUNS = 490


@pytest.mark.parametrize("app", ["many_runs"], indirect=True)
def test_each_of_490_runs_starts_once_and_completes(machine: Machine, app: Path) -> None:
    machine.succeed("--speed", "10000", "deploy", app)

    pages = machine.client("omics").get_paginator("list_runs").paginate()
    runs = [run for page in pages for run in page["items"]]
    assert len(runs) == RUNS
    assert len({run["name"] for run in runs}) == RUNS
    assert {run["status"] for run in runs} == {"COMPLETED"}
