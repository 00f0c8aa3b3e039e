"""The names that a release promises."""

import doctest
import inspect
import re

import pytest

import cdk_healthomics
from cdk_healthomics import RunOverrides, WorkflowRun, workflow_run
from healthomics_run_handler import contract

EXPORTED = [
    "CacheBehavior",
    "EngineSettings",
    "IWorkflowRun",
    "InvalidRunError",
    "LogLevel",
    "NetworkingMode",
    "OnDelete",
    "OutputUriPrefixMode",
    "RetentionMode",
    "RunOverrides",
    "RunProvider",
    "ScratchStorageMode",
    "SourceRun",
    "Storage",
    "Workflow",
    "WorkflowRun",
    "WorkflowType",
]


def test_the_exported_names_stay() -> None:
    assert sorted(cdk_healthomics.__all__) == EXPORTED


@pytest.mark.parametrize("name", EXPORTED)
def test_every_public_name_and_attribute_is_documented(name: str) -> None:
    exported = getattr(cdk_healthomics, name)
    public = [
        member
        for key, member in vars(exported).items()
        if not key.startswith("_") and (inspect.isfunction(member) or isinstance(member, property | staticmethod))
    ]

    assert exported.__doc__
    assert all(inspect.getdoc(member) for member in public)


def test_every_argument_is_documented_and_keyword_only() -> None:
    parameters = list(inspect.signature(WorkflowRun.__init__).parameters.values())[3:]
    arguments, _, _ = (WorkflowRun.__init__.__doc__ or "").partition("Raises:")
    documented = set(re.findall(r"^            (\w+): ", arguments, re.MULTILINE))

    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert documented == {"scope", "construct_id"} | {parameter.name for parameter in parameters}


def test_a_duplicate_takes_every_argument_of_a_run() -> None:
    arguments = set(list(inspect.signature(WorkflowRun.__init__).parameters)[3:])

    assert set(RunOverrides.__annotations__) == arguments - {
        "workflow",
        "role",
        "output_uri",
        "output_bucket",
        "output_prefix",
    }


def test_the_documented_number_of_tags_is_what_the_ledger_leaves_free() -> None:
    free = contract.TAG_LIMIT - contract.LEDGER_TAG_LIMIT

    assert f"at most {free} with those of ``Tags.of``" in (WorkflowRun.__init__.__doc__ or "")


def test_the_example_in_the_documentation_works() -> None:
    results = doctest.testmod(workflow_run)

    assert results.attempted > 0
    assert results.failed == 0
