"""Which workflow a run executes, and what a policy must name for it."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_omics as omics
from aws_cdk.interfaces.aws_omics import WorkflowReference

from cdk_healthomics import Workflow
from cdk_healthomics.run_uses import run_uses
from cdk_healthomics.workflow import SourceRun
from template.support import ACCOUNT, REGION, arn_text

ENV = cdk.Environment(account=ACCOUNT, region=REGION)


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    return cdk.Stack(cdk.App(), "Genomics", env=ENV)


def arns(workflow: Workflow, stack: cdk.Stack) -> list[str]:
    return [arn_text(stack.resolve(arn)) for arn in workflow.arns(stack)]


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        pytest.param(
            Workflow.private("12"),
            [
                "arn:<AWS::Partition>:omics:us-east-1:123456789012:workflow/12",
                "arn:<AWS::Partition>:omics:us-east-1:123456789012:workflow/12/version/*",
            ],
            id="private",
        ),
        pytest.param(
            Workflow.private("12", version_name="v2"),
            [
                "arn:<AWS::Partition>:omics:us-east-1:123456789012:workflow/12",
                "arn:<AWS::Partition>:omics:us-east-1:123456789012:workflow/12/version/v2",
            ],
            id="version",
        ),
        pytest.param(
            Workflow.ready2run("12"),
            [
                "arn:<AWS::Partition>:omics:us-east-1::workflow/12",
                "arn:<AWS::Partition>:omics:us-east-1::workflow/12/version/*",
            ],
            id="ready2run has no account",
        ),
        pytest.param(
            Workflow.shared("12", owner_id="210987654321"),
            [
                "arn:<AWS::Partition>:omics:us-east-1:210987654321:workflow/12",
                "arn:<AWS::Partition>:omics:us-east-1:210987654321:workflow/12/version/*",
            ],
            id="shared has the owner's account",
        ),
        pytest.param(
            Workflow.from_arn("arn:aws:omics:us-east-1:210987654321:workflow/12/version/v1"),
            [
                "arn:aws:omics:us-east-1:210987654321:workflow/12",
                "arn:aws:omics:us-east-1:210987654321:workflow/12/version/v1",
            ],
            id="by ARN",
        ),
    ],
)
def test_a_policy_names_the_workflow_and_its_version(workflow: Workflow, expected: list[str], stack: cdk.Stack) -> None:
    assert arns(workflow, stack) == expected


def test_the_account_of_an_arn_tells_the_kind_of_workflow(stack: cdk.Stack) -> None:
    own, shared, published = (
        Workflow.from_arn(f"arn:aws:omics:us-east-1:{account}:workflow/12").in_stack(stack)
        for account in (ACCOUNT, "210987654321", "")
    )

    assert (own.owner_id, own.is_ready2run) == (None, False)
    assert (shared.owner_id, shared.is_ready2run) == ("210987654321", False)
    assert (published.owner_id, published.is_ready2run) == (None, True)


def test_an_arn_of_another_region_fails(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="is in Region eu-west-1, but the stack is in us-east-1"):
        Workflow.from_arn(f"arn:aws:omics:eu-west-1:{ACCOUNT}:workflow/12").in_stack(stack)


def test_an_arn_in_a_stack_without_an_account_fails_unless_it_is_ready2run() -> None:
    anywhere = cdk.Stack()

    with pytest.raises(ValueError, match="give the stack an explicit env"):
        Workflow.from_arn(f"arn:aws:omics:us-east-1:{ACCOUNT}:workflow/12").in_stack(anywhere)
    assert Workflow.from_arn("arn:aws:omics:us-east-1::workflow/12").in_stack(anywhere).is_ready2run


@pytest.mark.parametrize(
    "arn",
    [
        "12",
        "arn:aws:omics:us-east-1:123456789012:run/12",
        "arn:aws:omics:us-east-1:123456789012:workflow/",
        "arn:aws:omics:us-east-1:123456789012:workflow/12/version",
        "arn:aws:s3:us-east-1:123456789012:workflow/12",
        "urn:aws:omics:us-east-1:123456789012:workflow/12",
        "workflow/12",
    ],
)
def test_what_is_not_the_arn_of_a_workflow_fails(arn: str) -> None:
    with pytest.raises(ValueError, match="give arn:<partition>:omics:"):
        Workflow.from_arn(arn)


def test_an_arn_that_names_another_version_fails() -> None:
    arn = "arn:aws:omics:us-east-1:123456789012:workflow/12/version/v1"

    assert Workflow.from_arn(arn, version_name="v1").version_name == "v1"
    with pytest.raises(ValueError, match="one version at most"):
        Workflow.from_arn(arn, version_name="v2")


def test_an_arn_that_only_the_deployment_knows_is_taken_apart_by_it(stack: cdk.Stack) -> None:
    workflow = Workflow.from_arn(cdk.Token.as_string({"Ref": "Arn"}), version_name="v1")

    assert stack.resolve(workflow.workflow_id) == {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Arn"}]}]}
    assert workflow.in_stack(stack).version_name == "v1"


def test_workflows_and_versions_of_the_app_are_references(stack: cdk.Stack) -> None:
    workflow = omics.CfnWorkflow(stack, "Workflow")
    version = omics.CfnWorkflowVersion(stack, "Version", version_name="v1", workflow_id=workflow.attr_id)
    by_version = Workflow.from_version_ref(version)

    assert stack.resolve(Workflow.from_ref(workflow).workflow_id) == {"Ref": "Workflow"}
    assert Workflow.from_ref(workflow, version_name="v1").version_name == "v1"
    split = {"Fn::Split": ["/", {"Ref": "Version"}]}
    assert stack.resolve(by_version.workflow_id) == {"Fn::Select": [1, split]}
    assert stack.resolve(by_version.version_name) == {"Fn::Select": [3, split]}


def test_a_copied_run_may_start_from_whatever_its_source_used(stack: cdk.Stack) -> None:
    def named(source: SourceRun) -> set[str]:
        kinds = dict.fromkeys(("configuration", "runCache", "runGroup"))
        uses = run_uses(source, kinds, {}, stack)
        texts = [arn_text(stack.resolve(arn)) for arns in uses.values() for arn in arns]
        return {text.removeprefix("arn:<AWS::Partition>:omics:us-east-1:") for text in texts}

    used = {f"{ACCOUNT}:{kind}/*" for kind in ("configuration", "runCache", "runGroup")}
    assert named(SourceRun(run_id="1")) == used | {f"{ACCOUNT}:workflow/*", ":workflow/*"}
    assert named(SourceRun(run_id="1", workflow=Workflow.private("12", version_name="v"))) == used | {
        f"{ACCOUNT}:workflow/12",
        f"{ACCOUNT}:workflow/12/version/v",
    }


def test_parts_of_an_arn_may_be_tokens() -> None:
    anywhere = cdk.Stack()
    region, account = anywhere.region, anywhere.account
    version = Workflow.from_arn(f"arn:aws:omics:{region}:{account}:workflow/12/version/v2").in_stack(anywhere)
    published = Workflow.from_arn(f"arn:aws:omics:{region}::workflow/12").in_stack(anywhere)
    known = cdk.Stack(cdk.App(), "Known", env=ENV)
    shared = Workflow.from_arn(f"arn:aws:omics:{region}:210987654321:workflow/12").in_stack(known)
    own = Workflow.from_arn(f"arn:{known.partition}:omics:{region}:{cdk.Aws.ACCOUNT_ID}:workflow/12").in_stack(known)

    assert (version.workflow_id, version.version_name, version.owner_id) == ("12", "v2", None)
    assert published.is_ready2run
    assert (shared.owner_id, own.owner_id) == ("210987654321", None)
    assert arns(version, anywhere) == [
        "arn:aws:omics:<AWS::Region>:<AWS::AccountId>:workflow/12",
        "arn:aws:omics:<AWS::Region>:<AWS::AccountId>:workflow/12/version/v2",
    ]


def test_an_arn_whose_owner_nobody_knows_fails(stack: cdk.Stack) -> None:
    parameter = cdk.CfnParameter(cdk.Stack(), "Owner").value_as_string

    with pytest.raises(ValueError, match="give the stack an explicit env and the ARN a literal account"):
        Workflow.from_arn(f"arn:aws:omics:us-east-1:{parameter}:workflow/12").in_stack(stack)
    with pytest.raises(ValueError, match="a token may stand for one of the parts, or for all"):
        Workflow.from_arn(f"arn:aws:omics:{parameter}")


def test_a_ready2run_workflow_of_another_region_fails(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="is in Region eu-west-1, but the stack is in us-east-1"):
        Workflow.from_arn("arn:aws:omics:eu-west-1::workflow/12").in_stack(stack)


def test_nobody_shares_a_workflow_with_its_own_account(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match=r"the stack's own account: use Workflow\.private"):
        Workflow.shared("12", owner_id=ACCOUNT).in_stack(stack)
    assert Workflow.shared("12", owner_id=ACCOUNT).in_stack(cdk.Stack()).owner_id == ACCOUNT


def beside(stack: cdk.Stack, account: str, region: str) -> omics.CfnWorkflow:
    app = stack.node.root
    there = cdk.Stack(app, f"In{account}{region}", env=cdk.Environment(account=account, region=region))
    return omics.CfnWorkflow(there, "Workflow")


def test_a_workflow_in_a_stack_of_another_account_is_shared(stack: cdk.Stack) -> None:
    workflow = Workflow.from_ref(beside(stack, "210987654321", REGION)).in_stack(stack)

    assert workflow.owner_id == "210987654321"
    assert ":210987654321:workflow/" in str(workflow.arns(stack)[0])


def test_a_workflow_in_a_stack_of_another_region_fails(stack: cdk.Stack) -> None:
    workflow = beside(stack, ACCOUNT, "eu-west-1")
    version = omics.CfnWorkflowVersion(cdk.Stack.of(workflow), "V", version_name="v", workflow_id="1")

    for found in (Workflow.from_ref(workflow), Workflow.from_version_ref(version)):
        with pytest.raises(ValueError, match="a run starts in its workflow's Region"):
            found.in_stack(stack)


def test_the_workflow_of_a_copied_run_is_looked_at_in_its_stack(stack: cdk.Stack) -> None:
    foreign = Workflow.from_arn("arn:aws:omics:us-east-1:210987654321:workflow/12")
    found = SourceRun(run_id="1", workflow=foreign).in_stack(stack).workflow

    assert found is not None
    assert found.owner_id == "210987654321"
    assert SourceRun(run_id="1").in_stack(stack) == SourceRun(run_id="1")


@pytest.mark.parametrize("make", [Workflow.from_ref, Workflow.from_version_ref, Workflow.from_arn])
@pytest.mark.parametrize("value", [5, None])
def test_a_workflow_of_another_kind_fails(make: Callable[[Any], Workflow], value: object) -> None:
    with pytest.raises(TypeError, match=f"is {value}, a .*: give "):
        make(value)


def test_a_reference_by_a_literal_arn_is_taken_apart(stack: cdk.Stack) -> None:
    class Shared:
        workflow_ref = WorkflowReference(
            workflow_arn="arn:aws:omics:us-east-1:210987654321:workflow/12", workflow_id="12"
        )

    workflow = Workflow.from_ref(Shared(), version_name="v").in_stack(stack)  # type: ignore[arg-type]

    assert (workflow.owner_id, workflow.version_name) == ("210987654321", "v")
