"""The custom resource of a run: what it says, and what it waits for."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_healthomics import OnDelete, Storage, Workflow, WorkflowRun
from template.support import PROVIDER, RUN_TYPE, arn_text, new_stack, run_properties, synthesized, the

ROLE_ARN = "arn:aws:iam::123456789012:role/genomics"


def imported_role(stack: cdk.Stack) -> iam.IRole:
    return iam.Role.from_role_arn(stack, "Imported", ROLE_ARN)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """One run with nothing but what it needs, one that deletes its record."""
    stack = new_stack()
    WorkflowRun(stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="s3://results/alignment")
    return synthesized(stack)


def test_a_run_adds_one_custom_resource_with_the_longest_timeout(template: dict[str, Any]) -> None:
    _, run = the(template, RUN_TYPE)

    assert run["Properties"]["ServiceTimeout"] == "3600"
    assert arn_text(run["Properties"]["ServiceToken"]).startswith(f"<{PROVIDER}Function")
    assert (run["DeletionPolicy"], run["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_a_run_says_nothing_that_it_was_not_told_but_the_storage_type(template: dict[str, Any]) -> None:
    properties = run_properties(template)

    assert arn_text(properties.pop("RoleArn")).startswith("<AlignmentRole")
    assert properties.pop("Name").startswith("Genomics-Alignment-")
    assert properties == {
        "WorkflowId": "1234567",
        "WorkflowType": "PRIVATE",
        "StorageType": "DYNAMIC",
        "OutputUri": "s3://results/alignment",
        "OnDelete": "CANCEL",
    }


def test_a_run_waits_for_its_role_with_policies_and_for_the_function_with_its_retry_settings(
    template: dict[str, Any],
) -> None:
    _, run = the(template, RUN_TYPE)
    types = {template["Resources"][name]["Type"] for name in run["DependsOn"]}

    assert types == {
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::Lambda::EventInvokeConfig",
    }


def test_a_run_of_a_ready2run_workflow_leaves_the_storage_to_the_service() -> None:
    stack = new_stack()
    WorkflowRun(stack, "Run", workflow=Workflow.ready2run("12"), output_uri="s3://b/p", storage=Storage.dynamic())

    assert not {"StorageType", "StorageCapacity"} & set(run_properties(synthesized(stack)))


def test_a_duplicate_says_only_what_differs_from_its_source() -> None:
    stack = new_stack()
    WorkflowRun.duplicate(
        stack, "Again", run_id="7654321", role=imported_role(stack), output_uri="s3://b/p", priority=7, name="again"
    )

    assert run_properties(synthesized(stack)) == {
        "RunId": "7654321",
        "RoleArn": ROLE_ARN,
        "OutputUri": "s3://b/p",
        "Priority": 7,
        "Name": "again",
        "OnDelete": "CANCEL",
    }


def test_deploy_time_values_resolve_wherever_they_stand() -> None:
    stack = new_stack()
    text = cdk.CfnParameter(stack, "Text").value_as_string
    number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
    quoted = cdk.Fn.join("", ['say "', text, '"'])
    WorkflowRun(
        stack,
        "Run",
        workflow=Workflow.private(text, version_name=text),
        output_uri=f"s3://{text}/p",
        role=imported_role(stack),
        name=text,
        parameters={
            "sample": f"id-{text}",
            "threads": number,
            "note": quoted,
            "big": 2**53 + 1,
            "nested": [{"a": text}],
        },
        priority=number,
        run_group=text,
        cache=text,
        cache_behavior=text,
        log_level=text,
        retention_mode=text,
        networking_mode=text,
        configuration=text,
        storage=Storage.static(cdk.Size.gibibytes(number)),
        rerun_on=text,
    )
    properties = run_properties(synthesized(stack))

    parameters = arn_text(properties["Parameters"]).replace("<Number>", "5")
    assert json.loads(parameters) == {
        "sample": "id-<Text>",
        "threads": 5,
        "note": 'say "<Text>"',
        "big": 2**53 + 1,
        "nested": [{"a": "<Text>"}],
    }
    assert properties["Priority"] == properties["StorageCapacity"] == {"Ref": "Number"}
    for name in ("WorkflowId", "WorkflowVersionName", "Name", "RunGroupId", "CacheId", "LogLevel", "RerunOn"):
        assert properties[name] == {"Ref": "Text"}


def test_a_literal_that_a_token_turns_out_to_be_is_escaped() -> None:
    stack = new_stack()
    literal = cdk.Token.as_string('a "quoted" \\ text\n')
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b", parameters={"text": f"<{literal}>"})

    assert json.loads(run_properties(synthesized(stack))["Parameters"]) == {"text": '<a "quoted" \\ text\n>'}


def test_a_run_that_deletes_its_record_is_deleted_before_the_permission_is() -> None:
    stack = new_stack()
    WorkflowRun(
        stack,
        "Run",
        workflow=Workflow.private("1"),
        output_uri="s3://b",
        on_delete=OnDelete.CANCEL_AND_DELETE_RECORD,
    )
    template = synthesized(stack)
    _, run = the(template, RUN_TYPE)
    policies = [
        statement["Action"]
        for name in run["DependsOn"]
        if template["Resources"][name]["Type"] == "AWS::IAM::Policy"
        for statement in template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]
    ]

    assert "omics:DeleteRun" in policies


def test_a_run_is_deleted_before_its_bucket_is_emptied() -> None:
    stack = new_stack()
    bucket = s3.Bucket(stack, "Bucket", auto_delete_objects=True, removal_policy=cdk.RemovalPolicy.DESTROY)
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_bucket=bucket)
    template = synthesized(stack)
    _, run = the(template, RUN_TYPE)
    types = {template["Resources"][name]["Type"] for name in run["DependsOn"]}

    assert {"AWS::S3::BucketPolicy", "Custom::S3AutoDeleteObjects"} <= types


def test_the_construct_can_depend_and_be_depended_on() -> None:
    stack = new_stack()
    first = WorkflowRun(stack, "First", workflow=Workflow.private("1"), output_uri="s3://b", outputs=False)
    second = WorkflowRun(stack, "Second", workflow=Workflow.private("1"), output_uri="s3://b", outputs=False)
    second.node.add_dependency(first)
    template = synthesized(stack)
    runs = {name[:3]: run for name, run in template["Resources"].items() if run["Type"] == RUN_TYPE}

    assert any(
        name.startswith("First") and template["Resources"][name]["Type"] == RUN_TYPE
        for name in runs["Sec"]["DependsOn"]
    )


def test_a_session_policy_is_one_text_however_it_is_given() -> None:
    stack = new_stack()
    statement = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
    document = iam.PolicyDocument()
    common = {"workflow": Workflow.private("1"), "output_uri": "s3://b", "outputs": False}
    WorkflowRun(stack, "A", session_policy=document, **common)  # type: ignore[arg-type]
    WorkflowRun(
        stack,
        "B",
        session_policy={"Version": "2012-10-17", "Statement": [statement]},
        **common,  # type: ignore[arg-type]
    )
    document.add_statements(  # after the run was defined
        iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=["*"])
    )
    template = synthesized(stack)
    policies = [
        resource["Properties"]["SessionPolicy"]
        for resource in template["Resources"].values()
        if resource["Type"] == RUN_TYPE
    ]

    expected = {"Version": "2012-10-17", "Statement": [statement]}
    assert [json.loads(policy)["Version"] for policy in policies] == ["2012-10-17"] * 2
    assert json.loads(policies[1]) == expected
    assert json.loads(policies[0])["Statement"][0] == statement
    assert ", " not in policies[1]
