"""Parameters keep type and value on their way from Python through CloudFormation to StartRun."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize("app", ["parameters"], indirect=True)
def test_every_json_type_arrives_at_start_run_as_it_was_written(machine: Machine, app: Path) -> None:
    machine.succeed("--speed", "10000", "deploy", app)

    run = machine.client("omics").get_run(id=machine.runs()[0]["id"])

    # As text, because 4 == 4.0 == True would hold for the values.
    assert repr(sorted(run["parameters"].items())) == repr(
        sorted(
            {
                "integer": 4,
                "float": 4.0,
                "true": True,
                "null": None,
                "beyond_doubles": 9007199254740993,
                "nested": {"empty": {}, "list": [1, 2.5, False, None, {"deep": 'é " \\ \n'}], "text": "4"},
            }.items()
        )
    )
