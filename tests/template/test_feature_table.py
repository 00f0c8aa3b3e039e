"""What the guide says that a feature adds to a template is what it adds."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
import pytest

from cdk_healthomics import RunDashboard, WorkflowRun
from template.support import ACCOUNT, REGION, app_of, new_stack, plain_run

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "costs.md"
HEAD: Final = "feature | resources | IAM statements | outputs | at rest | when used"
POLICIES: Final = ("PolicyDocument", "ResourcePolicyDocument")


@dataclass(frozen=True)
class Additions:
    """What a template, or the difference of two, has."""

    resources: Counter[str]
    statements: int
    outputs: int

    def __sub__(self, other: "Additions") -> "Additions":
        """What this has beyond the other."""
        assert not other.resources - self.resources, "a feature takes nothing away"
        return Additions(
            self.resources - other.resources, self.statements - other.statements, self.outputs - other.outputs
        )


@dataclass(frozen=True)
class Feature:
    """How to get a feature: what is there before, and what asks for it."""

    before: Callable[[cdk.Stack], object]
    ask: Callable[[cdk.Stack], object]


def nothing(_: cdk.Stack) -> None: ...


def run_with_a_role(stack: cdk.Stack, construct_id: str = "Run", **arguments: Any) -> WorkflowRun:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{construct_id}"
    return plain_run(
        stack, construct_id, role=cdk.aws_iam.Role.from_role_arn(stack, f"{construct_id}Imported", arn), **arguments
    )


def the_run(stack: cdk.Stack, construct_id: str = "Run") -> WorkflowRun:
    run = stack.node.find_child(construct_id)
    assert isinstance(run, WorkflowRun)
    return run


def refer(stack: cdk.Stack) -> cdk.CfnResource:
    """Another stack that uses the run's ARN; its own resource does not count."""
    other = cdk.Stack(app_of(stack), "Other", env=cdk.Environment(account=ACCOUNT, region=REGION))
    arn = the_run(stack).run_arn
    return cdk.CfnResource(other, "Use", type="Test::Of::Reference", properties={"Arn": arn})


def two_runs(stack: cdk.Stack) -> None:
    run_with_a_role(stack)
    run_with_a_role(stack, "Two")


FEATURES: dict[str, Feature] = {
    "the first run of a stack, with a role of yours": Feature(nothing, run_with_a_role),
    "a further run, with a role of yours": Feature(run_with_a_role, lambda stack: run_with_a_role(stack, "Two")),
    "a further run, with a role of its own": Feature(run_with_a_role, lambda stack: plain_run(stack, "Two")),
    "a further run, with `outputs=False`": Feature(
        run_with_a_role, lambda stack: run_with_a_role(stack, "Two", outputs=False)
    ),
    "a further run, with `export_name_prefix=`": Feature(
        run_with_a_role, lambda stack: run_with_a_role(stack, "Two", export_name_prefix="p")
    ),
    "a reference from another stack, weak": Feature(lambda stack: run_with_a_role(stack, outputs=False), refer),
    "a reference from another stack, strong": Feature(
        lambda stack: run_with_a_role(stack, outputs=False, reference_strength=cdk.ReferenceStrength.STRONG), refer
    ),
    "`run.on_failed` and the like, without a target": Feature(
        run_with_a_role, lambda stack: the_run(stack).on_failed("Rule")
    ),
    "`run.metric_failed` and the like": Feature(run_with_a_role, lambda stack: the_run(stack).metric_failed()),
    "`run.alarm_on_failure`": Feature(run_with_a_role, lambda stack: the_run(stack).alarm_on_failure("Alarm")),
    "`run.record_history`, the first of a stack": Feature(
        run_with_a_role, lambda stack: the_run(stack).record_history()
    ),
    "`run.record_history`, each further run": Feature(
        lambda stack: (two_runs(stack), the_run(stack).record_history()),
        lambda stack: the_run(stack, "Two").record_history(),
    ),
    "`RunDashboard` of runs that are recorded": Feature(
        lambda stack: run_with_a_role(stack).record_history(),
        lambda stack: RunDashboard(stack, "D", runs=[the_run(stack)]),
    ),
    "`WorkflowRun.on_any_failed` and the like, without a target": Feature(
        two_runs, lambda stack: WorkflowRun.on_any_failed(stack, "Rule")
    ),
    "`run.publish`": Feature(run_with_a_role, lambda stack: the_run(stack).publish(parameter_prefix="/genomics")),
    "`run.wait_for_completion`, the first of a stack": Feature(
        run_with_a_role, lambda stack: the_run(stack).wait_for_completion()
    ),
    "`run.wait_for_completion`, each further run": Feature(
        lambda stack: (two_runs(stack), the_run(stack).wait_for_completion()),
        lambda stack: the_run(stack, "Two").wait_for_completion(),
    ),
}


@cache
def measured(before: Callable[[cdk.Stack], object], ask: Callable[[cdk.Stack], object] = nothing) -> Additions:
    """What the templates of an app have."""
    stack = new_stack()
    before(stack)
    ask(stack)
    templates = [artifact.template for artifact in app_of(stack).synth().stacks]
    resources = [each for template in templates for each in template.get("Resources", {}).values()]
    types = Counter(each["Type"] for each in resources if each["Type"] != "Test::Of::Reference")
    statements = [
        statement
        for each in resources
        for name in POLICIES
        for statement in each.get("Properties", {}).get(name, {}).get("Statement", [])
    ]
    return Additions(types, len(statements), sum(len(template.get("Outputs", {})) for template in templates))


def rows() -> Iterator[tuple[str, Additions, str, str]]:
    """Of the table in the guide: feature, what it adds, cost at rest, cost when used."""
    lines = [line.strip().strip("|").strip() for line in GUIDE.read_text().splitlines() if line.startswith("|")]
    start = lines.index(HEAD) + 2
    for line in lines[start:]:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != HEAD.count("|") + 1:
            return
        feature, resources, statements, outputs, at_rest, used = cells
        counted = {kind: int(number) for number, kind in re.findall(r"(\d+) `([\w:]+)`", resources)}
        yield feature, Additions(Counter(counted), int(statements), int(outputs)), at_rest, used


TABLE = {feature: (additions, at_rest, used) for feature, additions, at_rest, used in rows()}


def test_the_table_has_every_feature() -> None:
    assert list(TABLE) == list(FEATURES)


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_adds_what_the_table_says(feature: str) -> None:
    described, at_rest, used = TABLE[feature]
    asked = FEATURES[feature]

    assert measured(asked.before, asked.ask) - measured(asked.before) == described
    assert at_rest
    assert used
