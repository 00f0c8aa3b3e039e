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
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_omics
from aws_cdk import aws_sqs as sqs

from cdk_healthomics import RunDashboard, Workflow, WorkflowRun
from template.support import ACCOUNT, REGION, app_of, new_stack, plain_run

pytestmark = pytest.mark.slow

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

    instead: bool = False
    """Whether ``ask`` does what ``before`` does too."""


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


def other_stack(stack: cdk.Stack, account: str = ACCOUNT, region: str = REGION) -> cdk.Stack:
    return cdk.Stack(app_of(stack), "Other", env=cdk.Environment(account=account, region=region))


def refer(stack: cdk.Stack, **place: str) -> cdk.CfnResource:
    """Another stack that uses the run's ARN; its own resource does not count."""
    arn = the_run(stack).run_arn
    return cdk.CfnResource(other_stack(stack, **place), "Use", type="Test::Of::Reference", properties={"Arn": arn})


def strong_run(stack: cdk.Stack) -> WorkflowRun:
    return run_with_a_role(stack, outputs=False, reference_strength=cdk.ReferenceStrength.STRONG)


def run_elsewhere(stack: cdk.Stack, workflow: Callable[[cdk.Stack], Workflow]) -> None:
    """A run in another stack than its workflow."""
    run_with_a_role(other_stack(stack), outputs=False, workflow=workflow(stack))


def workflow_of(stack: cdk.Stack) -> Workflow:
    return Workflow.from_ref(aws_omics.CfnWorkflow(stack, "Workflow", definition_uri="s3://definitions/1.zip"))


def workflow_that_is_only_there(stack: cdk.Stack) -> Workflow:
    workflow_of(stack)
    return Workflow.private("1")


def target_of(stack: cdk.Stack) -> targets.LambdaFunction:
    """A function of the stack that was there before."""
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    function = lambda_.Function(
        stack, "Function", code=code, handler="index.handler", runtime=lambda_.Runtime.PYTHON_3_13
    )
    return targets.LambdaFunction(function)  # type: ignore[arg-type]


def run_with_function_and_queue(stack: cdk.Stack) -> tuple[WorkflowRun, targets.LambdaFunction, sqs.Queue]:
    return run_with_a_role(stack), target_of(stack), sqs.Queue(stack, "Lost")


def targeted(stack: cdk.Stack) -> None:
    run, target, _ = run_with_function_and_queue(stack)
    run.on_failed("Rule", target=target)


def targeted_with_queue(stack: cdk.Stack) -> None:
    run, target, queue = run_with_function_and_queue(stack)
    run.on_failed("Rule", target=target, dead_letter_queue=queue)


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
    "a reference from another account, the first of a stack": Feature(
        lambda stack: run_with_a_role(stack, outputs=False), lambda stack: refer(stack, account="210987654321")
    ),
    "a reference from another stack, strong": Feature(strong_run, refer),
    "a reference from another Region, strong, the first of a stack": Feature(
        strong_run, lambda stack: refer(stack, region="eu-west-1")
    ),
    "a workflow of another stack, with `Workflow.from_ref`": Feature(
        lambda stack: run_elsewhere(stack, workflow_that_is_only_there),
        lambda stack: run_elsewhere(stack, workflow_of),
        instead=True,
    ),
    "`run.on_failed` and the like, without a target": Feature(
        run_with_a_role, lambda stack: the_run(stack).on_failed("Rule")
    ),
    "the same, with a Lambda function as target": Feature(run_with_function_and_queue, targeted, instead=True),
    "the same, with a dead-letter queue of yours as well": Feature(
        run_with_function_and_queue, targeted_with_queue, instead=True
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
        for document in documents(each.get("Properties", {}))
        for statement in document["Statement"]
    ]
    return Additions(types, len(statements), sum(len(template.get("Outputs", {})) for template in templates))


def documents(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The policy documents of a resource, those within a role included."""
    yield from (properties[name] for name in POLICIES if name in properties)
    yield from (policy["PolicyDocument"] for policy in properties.get("Policies", []))


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

    after = measured(asked.ask) if asked.instead else measured(asked.before, asked.ask)
    assert after - measured(asked.before) == described
    assert at_rest
    assert used
