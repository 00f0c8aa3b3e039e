"""A run's attributes as parameters of Systems Manager."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from cdk_healthomics import InvalidRunError, PublishedRun, Workflow, WorkflowRun
from cdk_healthomics.published_run import prefix_problems
from template.support import ACCOUNT, REGION, RUN_TYPE, app_of, new_stack, resources, statements, synthesized, the

PARAMETER = "AWS::SSM::Parameter"
PREFIX = "/genomics/alignment"


def run_in(stack: cdk.Stack, construct_id: str = "Run") -> WorkflowRun:
    return WorkflowRun(stack, construct_id, workflow=Workflow.private("1"), output_uri="s3://b", outputs=False)


def values(template: dict[str, Any]) -> dict[str, Any]:
    """Name -> value of every parameter."""
    found = [each["Properties"] for each in resources(template, PARAMETER).values()]
    assert {each["Type"] for each in found} == {"String"}
    return {str(each["Name"]): each["Value"] for each in found}


def test_a_published_run_has_four_parameters_that_follow_it() -> None:
    stack = new_stack()
    published = run_in(stack).publish(parameter_prefix=PREFIX)
    template = synthesized(stack)
    logical_id, _ = the(template, RUN_TYPE)

    assert isinstance(published, PublishedRun)
    assert published.parameter_prefix == PREFIX
    assert values(template) == {
        f"{PREFIX}/run-arn": {"Fn::GetAtt": [logical_id, "RunArn"]},
        f"{PREFIX}/run-id": {"Fn::GetAtt": [logical_id, "RunId"]},
        f"{PREFIX}/run-uuid": {"Fn::GetAtt": [logical_id, "RunUuid"]},
        f"{PREFIX}/run-output-uri": {"Fn::GetAtt": [logical_id, "RunOutputUri"]},
    }
    assert stack.resolve(published.parameters["run-arn"].parameter_name) in (
        {"Ref": logical_id} for logical_id in resources(template, PARAMETER)
    )


def test_the_same_prefix_gives_the_same_parameters_and_another_one_more() -> None:
    """So that readers can move from one prefix to another."""
    stack = new_stack()
    run = run_in(stack)
    first = run.publish(parameter_prefix=PREFIX)

    assert run.publish(parameter_prefix=PREFIX) is first
    assert run.publish(parameter_prefix="/other") is not first
    assert len(values(synthesized(stack))) == 8


def test_every_prefix_has_parameters_of_its_own_whatever_came_before() -> None:
    def published(*names: str) -> dict[str, str]:
        """Prefix -> logical id of its first parameter."""
        stack = new_stack()
        tokens = {name: cdk.CfnParameter(stack, name).value_as_string for name in ("X", "Y")}
        run = run_in(stack)
        prefixes = {name: name.format(**tokens) for name in names}
        found = {name: run.publish(parameter_prefix=prefix) for name, prefix in prefixes.items()}
        assert {run.publish(parameter_prefix=prefix) for prefix in prefixes.values()} == set(found.values())
        assert len(values(synthesized(stack))) == 4 * len(names)
        return {
            name: str(stack.resolve(each.parameters["run-arn"].node.default_child.logical_id))  # type: ignore[union-attr]
            for name, each in found.items()
        }

    names = ("/a/b", "/a-b", "/a-b/c", "/a/b-c", "{X}", "{Y}", "/{X}/a", "/{X}-a")

    assert published(*names) == published(*reversed(names))
    # The names of parameters are taken: another logical id could not be deployed.
    assert published("/a/b") == {"/a/b": "RunPublishedabrunarnCB71F224"}


def test_a_prefix_may_be_known_to_the_deployment_only() -> None:
    stack = new_stack()
    stage = cdk.CfnParameter(stack, "Stage")
    run_in(stack).publish(parameter_prefix=f"/genomics/{stage.value_as_string}")
    names = [each["Properties"]["Name"] for each in resources(synthesized(stack), PARAMETER).values()]

    assert names[0] == {"Fn::Join": ["", ["/genomics/", {"Ref": "Stage"}, "/run-arn"]]}


@pytest.mark.parametrize("place", ["same stack", "another stack"])
def test_readers_may_read_these_parameters_and_no_others(place: str) -> None:
    stack = new_stack()
    later = cdk.Stack(app_of(stack), "Later", env=cdk.Environment(account=ACCOUNT, region=REGION))
    scope = stack if place == "same stack" else later
    reader = iam.Role(scope, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    grant = run_in(stack).publish(parameter_prefix=PREFIX).grant_read(reader)
    template = app_of(stack).synth().get_stack_artifact(scope.artifact_id).template
    (statement,) = statements(template, of_role="Reader")

    assert grant.success
    assert statement["Action"] == ["ssm:GetParameter", "ssm:GetParameters"]
    assert [each["Fn::Join"][1][2] for each in statement["Resource"]] == [
        f":ssm:{REGION}:{ACCOUNT}:parameter{PREFIX}/{name}"
        for name in ("run-arn", "run-id", "run-uuid", "run-output-uri")
    ]
    assert "Outputs" not in synthesized(stack)


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("genomics", "parameter_prefix is 'genomics': use a slash before each level"),
        ("/genomics/", "use a slash before each level"),
        ("//genomics", "use a slash before each level"),
        ("/", "use a slash before each level"),
        ("", "use a slash before each level"),
        ("/gen omics", "use a slash before each level"),
        ("/aws/genomics", "names that begin with aws or ssm are AWS's own"),
        ("/SSM-genomics", "names that begin with aws or ssm are AWS's own"),
        ("/a" * 15, "parameter_prefix has 15 levels, but parameters have 15 at most"),
        ("/" + "a" * 941, "parameter_prefix has 942 characters: use 941 at most"),
    ],
)
def test_a_prefix_that_parameters_cannot_have_fails(prefix: str, message: str) -> None:
    with pytest.raises(InvalidRunError, match=re.escape(message)):
        run_in(new_stack()).publish(parameter_prefix=prefix)


@pytest.mark.parametrize("prefix", ["/a", "/a" * 14, "/" + "a" * 940, "/my.aws/s_s-m"])
def test_prefixes_within_the_limits_are_accepted(prefix: str) -> None:
    assert list(prefix_problems(prefix)) == []


@pytest.mark.parametrize("prefix", ["{}", "/{}", "/genomics/{}", "/genomics/{}/alignment", "{}/alignment"])
def test_what_is_around_a_token_can_be_right(prefix: str) -> None:
    assert list(prefix_problems(prefix.format(cdk.Token.as_string({"Ref": "Stage"})))) == []


@pytest.mark.parametrize("prefix", ["genomics/{}", "/genomics/{}/", "{}/"])
def test_what_is_around_a_token_can_be_wrong(prefix: str) -> None:
    (problem,) = prefix_problems(prefix.format(cdk.Token.as_string({"Ref": "Stage"})))

    assert "begin it with a slash, and end it without one" in problem
