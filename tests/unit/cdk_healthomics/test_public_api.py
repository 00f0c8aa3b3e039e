"""The names that a release promises."""

import inspect
import re
from collections.abc import Callable

import pytest

import cdk_healthomics
from cdk_healthomics import RunDashboard, RunOverrides, RunProvider, WorkflowRun
from healthomics_run_handler import contract

EXPORTED = [
    "AnyRunRuleOptions",
    "CacheBehavior",
    "EngineSettings",
    "IWorkflowRun",
    "InvalidRunError",
    "LogLevel",
    "NetworkingMode",
    "OnDelete",
    "OutputUriPrefixMode",
    "PublishedRun",
    "RetentionMode",
    "RunAlarmOptions",
    "RunCompletion",
    "RunDashboard",
    "RunEvent",
    "RunHistory",
    "RunMetricOptions",
    "RunOverrides",
    "RunProvider",
    "RunRuleOptions",
    "RunStatus",
    "ScratchStorageMode",
    "SourceRun",
    "Storage",
    "Workflow",
    "WorkflowRun",
    "WorkflowRunGrants",
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


@pytest.mark.parametrize(
    ("function", "positional"),
    [
        pytest.param(WorkflowRun.__init__, ["scope", "construct_id"], id="WorkflowRun"),
        pytest.param(WorkflowRun.from_run_attributes, ["scope", "construct_id"], id="from_run_attributes"),
        pytest.param(WorkflowRun.on_status_change, ["rule_id"], id="on_status_change"),
        pytest.param(WorkflowRun.on_any_status_change, ["scope", "rule_id"], id="on_any_status_change"),
        pytest.param(WorkflowRun.publish, [], id="publish"),
        pytest.param(WorkflowRun.alarm_on_failure, ["alarm_id"], id="alarm_on_failure"),
        pytest.param(RunDashboard.__init__, ["scope", "construct_id"], id="RunDashboard"),
        pytest.param(RunProvider.configure, ["scope"], id="configure"),
    ],
)
def test_every_argument_is_documented_and_keyword_only(function: Callable[..., object], positional: list[str]) -> None:
    parameters = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
    arguments, _, _ = (function.__doc__ or "").partition("Raises:")
    documented = set(re.findall(r"^            \*{0,2}(\w+): ", arguments, re.MULTILINE))
    by_position = [each.name for each in parameters if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]

    assert by_position == positional
    assert documented == {each.name for each in parameters}


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
