"""The encoding of the properties is a compatibility contract: a golden file freezes it.

A changed property is an Update of every run that is deployed, and a changed spec digest starts every one of them anew.
So an entry of the golden file never changes. A new way of using the construct gets a new entry: add it to
``representative_runs.py`` and run the test with ``UPDATE_GOLDEN=1``, which adds what is missing and changes nothing.

Whatever changes in the golden file, users read of it: the CHANGELOG names the digest of the file as it is.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from healthomics_run_handler.spec import parse_spec
from template.representative_runs import RUNS, stack_of_all
from template.support import RUN_TYPE, deployed, resources, synthesized

GOLDEN = Path(__file__).parent / "golden" / "run_properties.json"
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
NAMES = [*RUNS, "Duplicate"]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Run -> its logical id, its properties, and the digest of the spec that the handler reads from them."""
    entries: dict[str, Any] = {}
    for logical_id, run in resources(synthesized(stack_of_all()), RUN_TYPE).items():
        properties = run["Properties"]
        readable = deployed(properties) | {"Priority": "5"} if "Priority" in properties else deployed(properties)
        if "<Count>" in readable.get("Parameters", ""):
            readable["Parameters"] = readable["Parameters"].replace("<Count>", "7")
        entries[logical_id[:-8]] = {
            "logicalId": logical_id,
            "properties": {key: value for key, value in properties.items() if key != "ServiceToken"},
            "specDigest": parse_spec(readable).digest,
        }
    return entries


@pytest.fixture(scope="module")
def golden(found: dict[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("UPDATE_GOLDEN"):
        entries = found | entries
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
    return entries


@pytest.mark.parametrize("name", NAMES)
def test_the_properties_of_a_run_stay_as_they_are(name: str, found: dict[str, Any], golden: dict[str, Any]) -> None:
    assert found[name] == golden[name], (
        "this change would update every deployed run of this kind, and a changed specDigest would start it anew"
    )


def test_no_entry_is_forgotten(golden: dict[str, Any]) -> None:
    assert set(golden) == set(NAMES)


def test_the_changelog_names_the_golden_file_as_it_is() -> None:
    canonical = json.dumps(json.loads(GOLDEN.read_text()), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()[:12]

    assert f"`golden:{digest}`" in CHANGELOG.read_text(), (
        "tests/template/golden/run_properties.json has changed: say in an entry of CHANGELOG.md what it is that users "
        f"will see of it, and whether a deployed run restarts, and name the digest there: `golden:{digest}`"
    )
