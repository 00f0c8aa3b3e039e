"""Every policy statement that the library writes is as narrow as HealthOmics lets it be, and linters agree."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import cfnlint
import pytest

from template.representative_runs import stack_of_all, stack_with_every_option
from template.support import PROVIDER, WAITER, app_of, arn_text, listed

pytestmark = pytest.mark.slow

LEGAL_WILDCARDS = {
    "omics:CancelRun": ":run/*",
    "omics:GetRun": ":run/*",
    "omics:TagResource": ":run/*",
    "omics:UntagResource": ":run/*",
    "omics:DeleteRun": ":run/*",
    "logs:CreateLogGroup": ":log-group:/aws/omics/WorkflowLog:*",
    "logs:CreateLogStream": ":log-group:/aws/omics/WorkflowLog:log-stream:*",
    "logs:DescribeLogStreams": ":log-group:/aws/omics/WorkflowLog:log-stream:*",
    "logs:PutLogEvents": ":log-group:/aws/omics/WorkflowLog:log-stream:*",
}
WITHOUT_RESOURCES = {
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "omics:ListRuns",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""Actions for which the services have no resource."""
ONLY_SOME_RUNS = {"omics:CancelRun", "omics:GetRun", "omics:GetRunTask", "omics:ListRunTasks"}
"""What ``run.grants`` gives, by a condition on the runs' tags."""
WHOLE_BUCKETS = {("s3:GetObject", "data")}
"""What representative runs ask for a whole bucket of: one in ``input_buckets``."""
OF_A_COPIED_RUN = ("workflow/*", "configuration/*", "runCache/*", "runGroup/*")


@pytest.fixture(scope="module")
def synthesized_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, list[Any]]:
    """Template, its file, and the findings of cdk-nag's AwsSolutions rules about what the library defines."""
    stack = stack_of_all()
    app = app_of(stack)
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    assembly = app.synth()
    artifact = assembly.get_stack_artifact(stack.artifact_id)
    report = json.loads((Path(assembly.directory) / "validation-report.json").read_text())
    return artifact.template, Path(artifact.template_full_path), list(violations(report))


def violations(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        if "violations" in node:
            yield from node["violations"]
        for value in node.values():
            yield from violations(value)
    elif isinstance(node, list):
        for item in node:
            yield from violations(item)


def policy_statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if resource["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}:
            documents.append(properties["PolicyDocument"])
        for document in documents:
            for statement in document["Statement"]:
                yield logical_id, statement


def test_every_statement_is_narrow(synthesized_files: tuple[dict[str, Any], Path, list[Any]]) -> None:
    template, _, _ = synthesized_files

    assert check_all_statements(template) > 50


def test_every_statement_of_the_options_is_narrow() -> None:
    stack = stack_with_every_option()
    assembly = app_of(stack).synth()
    template = assembly.get_stack_artifact(stack.artifact_id).template
    actions = {action for _, statement in policy_statements(template) for action in listed(statement["Action"])}

    assert check_all_statements(template) > 20
    assert actions >= WITHOUT_RESOURCES
    assert actions >= ONLY_SOME_RUNS
    assert {"cloudformation:DescribeStacks", "ssm:GetParameter", "ec2:CreateNetworkInterface"} <= actions


def check_all_statements(template: dict[str, Any]) -> int:
    seen = 0
    for logical_id, statement in policy_statements(template):
        seen += 1
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & set(statement)
        for action in listed(statement["Action"]):
            assert "*" not in action, (logical_id, action)
            for arn in map(arn_text, listed(statement["Resource"])):
                assert is_narrow(action, arn, statement), (logical_id, action, arn)
        if "iam:PassRole" in listed(statement["Action"]):
            assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "omics.amazonaws.com"}}
    return seen


def is_narrow(action: str, arn: str, statement: dict[str, Any]) -> bool:
    if "*" not in arn:
        return True
    if action in WITHOUT_RESOURCES:
        return arn == "*"
    match action.partition(":")[0]:
        case "s3":
            return is_narrow_in_s3(action, arn)
        case "ec2":  # the account of a subnet or a security group may be another one, its id is known
            return arn.endswith(":network-interface/*") or ("/*" not in arn and arn.count("*") == 1)
        case "cloudformation":  # nobody but AWS puts what follows the name
            return arn.endswith(":stack/Options/*")
        case _:
            return is_narrow_in_omics(action, arn, statement)


def is_narrow_in_omics(action: str, arn: str, statement: dict[str, Any]) -> bool:
    resource = arn.rpartition(":")[2]
    if action == "omics:StartRun":
        return resource == "run/*" or resource in OF_A_COPIED_RUN or resource.endswith("/version/*")
    if action in ONLY_SOME_RUNS and set(statement.get("Condition", {})) == {"StringEquals", "StringLike"}:
        return resource == "run/*"
    if action == "omics:GetRunTask":  # the id of a task says nothing of its run, whose permission is needed too
        return resource == "task/*"
    return action in LEGAL_WILDCARDS and arn.endswith(LEGAL_WILDCARDS[action])


def is_narrow_in_s3(action: str, arn: str) -> bool:
    """Whole objects of one bucket, below what the run names."""
    bucket, _, key = arn.partition(":::")[2].partition("/") if ":::" in arn else arn.partition("/")
    is_asked_for = key != "*" or (action, bucket) in WHOLE_BUCKETS
    return "*" not in bucket and key.endswith("*") and is_asked_for and action != "s3:ListBucket"


def test_a_whole_bucket_is_not_narrow_unless_it_is_asked_for() -> None:
    assert not is_narrow("s3:PutObject", "arn:aws:s3:::results/*", {})
    assert not is_narrow("s3:GetObject", "arn:aws:s3:::*/x", {})
    assert is_narrow("s3:GetObject", "arn:aws:s3:::results/x/*", {})


def test_only_services_are_trusted(synthesized_files: tuple[dict[str, Any], Path, list[Any]]) -> None:
    template, _, _ = synthesized_files
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        (statement,) = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if logical_id.startswith((PROVIDER, WAITER)):
            assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
        else:
            assert statement["Principal"] == {"Service": "omics.amazonaws.com"}
            assert set(statement["Condition"]) == {"StringEquals", "ArnLike"}


def test_cdk_nag_finds_nothing_without_a_reason(
    synthesized_files: tuple[dict[str, Any], Path, list[Any]],
) -> None:
    _, _, findings = synthesized_files

    assert [finding for finding in findings if "AwsSolutions" in json.dumps(finding)] == []


def test_cdk_nag_was_asked() -> None:
    """Without the reasons that the library gives, the rules would speak: the test above is no empty promise."""
    stack = cdk.Stack(cdk.App(), "S")
    cdk.aws_iam.Policy(
        stack,
        "Wide",
        roles=[cdk.aws_iam.Role(stack, "R", assumed_by=cdk.aws_iam.ServicePrincipal("x.amazonaws.com"))],
        statements=[cdk.aws_iam.PolicyStatement(actions=["omics:ListRuns"], resources=["*"])],
    )
    cdk.Validations.of(app_of(stack)).add_plugins(cdk_nag.AwsSolutionsChecks(app_of(stack)))

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app_of(stack).synth()


def test_cfn_lint_finds_nothing(synthesized_files: tuple[dict[str, Any], Path, list[Any]]) -> None:
    _, file, _ = synthesized_files
    # W3005 finds DependsOn redundant beside a reference: the CDK names the whole tree of what something depends on.
    findings = cfnlint.lint_file(file, cfnlint.ManualArgs(regions=["us-east-1"], ignore_checks=["W3005"]))

    assert [str(finding) for finding in findings] == []
