"""The API reference says what the package says, and every example in it runs."""

import doctest
from types import ModuleType

import pytest

import cdk_healthomics
from scripts import script


@pytest.fixture(scope="module", name="script")
def api_reference() -> ModuleType:
    return script("api_reference")


def test_the_reference_is_up_to_date(script: ModuleType) -> None:
    assert script.REFERENCE.read_text(encoding="utf-8") == script.reference(), "run python scripts/api_reference.py"


def test_the_reference_has_every_public_name(script: ModuleType) -> None:
    assert sorted(name for names in script.GROUPS.values() for name in names) == sorted(cdk_healthomics.__all__)


def test_the_reference_has_arguments_fields_inherited_methods_and_examples(script: ModuleType) -> None:
    text = script.reference()

    assert "- `storage` (`Storage`): By default `Storage.dynamic()`" in text
    assert "- `workflow` (`Workflow | SourceRun`, required): What to run" in text
    assert "- `run_arn`: `str` — ARN of the run, a token." in text
    assert "#### `WorkflowRun.on_failed(rule_id, *, …)`" in text
    assert "- raises `InvalidRunError`: HealthOmics would refuse the run" in text
    assert text.count("```pycon") == len(cdk_healthomics.__all__)


@pytest.mark.parametrize("name", cdk_healthomics.__all__)
def test_every_public_class_has_an_example_that_runs(name: str) -> None:
    (found,) = doctest.DocTestFinder(recurse=False).find(getattr(cdk_healthomics, name), name, globs={})
    outcome = doctest.DocTestRunner().run(found)

    assert outcome.attempted > 0
    assert outcome.failed == 0
