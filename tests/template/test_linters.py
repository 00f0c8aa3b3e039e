"""Checkers find nothing in the library's resources, or a reason beside what they find; and the example app is clean.

``make checkov`` installs checkov into an environment of its own, because it pins an old boto3.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import cfnlint
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm

from cdk_healthomics import RunDashboard, RunProvider, Workflow, WorkflowRun
from template.representative_runs import stack_of_all
from template.support import ACCOUNT, REGION, RUN_TYPE, app_of, new_stack, resources, synthesized
from template.test_policies import violations

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHECKOV = ROOT / ".checkov" / "bin" / "checkov"
CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
PACKS = (cdk_nag.AwsSolutionsChecks, cdk_nag.HIPAASecurityChecks, cdk_nag.NIST80053R5Checks)
# Of a bucket that stands for a user's: which other Region its copy goes to is theirs to say.
USERS = {("Genomics/Results/Resource", "S3BucketReplicationEnabled")}


def findings(app: cdk.App, *, packs: bool = True) -> Iterator[tuple[str, str]]:
    """Construct and rule of everything that cdk-nag's packs and the CDK's own validation find."""
    if packs:
        cdk.Validations.of(app).add_plugins(*(pack(app) for pack in PACKS))
    with suppress(RuntimeError):  # findings make synth fail, with the report written; anything else writes none
        app.synth()
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    for violation in violations(report):
        for construct in violation["violatingConstructs"]:
            yield construct["constructPath"], violation["ruleName"]


def observe(run: WorkflowRun) -> None:
    """Define an alarm about a run, and a dashboard with a history."""
    stack = cdk.Stack.of(run)
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:{REGION}:{ACCOUNT}:failures")
    RunDashboard(
        stack, "Dashboard", runs=[run], alarms=[run.alarm_on_failure("Failed", action=actions.SnsAction(topic))]
    )


def tell(run: WorkflowRun) -> None:
    """Publish a run, define rules about it and others, and let another account read its ARN."""
    stack = cdk.Stack.of(run)
    topic = sns.Topic.from_topic_arn(stack, "Subscribers", f"arn:aws:sns:{REGION}:{ACCOUNT}:ends")
    queue = sqs.Queue.from_queue_arn(stack, "Lost", f"arn:aws:sqs:{REGION}:{ACCOUNT}:lost")
    target = targets.SnsTopic(topic)
    run.publish(parameter_prefix="/genomics/run")
    run.on_completed("Ended", target=target, retry_attempts=3, dead_letter_queue=queue)
    WorkflowRun.on_any_failed(stack, "AnyFailed", stack=stack, target=target)
    elsewhere = cdk.Stack(app_of(stack), "Elsewhere", env=cdk.Environment(account="210987654321", region="eu-west-1"))
    ssm.StringParameter(elsewhere, "Arn", string_value=run.run_arn)


def test_three_packs_find_nothing_in_representative_runs() -> None:
    stack = stack_of_all()
    run = stack.node.find_child("Minimal")
    assert isinstance(run, WorkflowRun)
    observe(run)
    tell(run)
    found = set(findings(app_of(stack)))

    assert {(path, rule) for path, rule in found if (path, rule.rpartition("-")[2]) not in USERS} == set()


def test_the_packs_were_asked() -> None:
    stack = new_stack()
    s3.Bucket(stack, "Results")
    rules = {rule for _, rule in findings(app_of(stack))}

    assert {rule.partition("-")[0] for rule in rules} == {"AwsSolutions", "HIPAA.Security", "NIST.800.53.R5"}


def test_reasons_hold_for_references_to_other_stacks_and_for_grants() -> None:
    """What a policy says of another stack is an output or an export of it, which is known only at the end of synth."""
    for strength in ("weak", "strong"):
        stack = new_stack("Data", context={"@aws-cdk/core:defaultCrossStackReferences": strength})
        bucket = s3.Bucket(stack, "Results")
        runs = cdk.Stack(app_of(stack), "Runs", env=cdk.Environment(account=ACCOUNT, region=REGION))
        run = WorkflowRun(
            runs, "Run", workflow=Workflow.private("1"), output_bucket=bucket, output_prefix="p", input_buckets=[bucket]
        )
        reader = iam.Role(runs, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        run.grants.read(reader)
        run.grants.cancel(reader)
        found = {(path, rule) for path, rule in findings(app_of(stack)) if path.startswith("Runs/")}

        assert {rule for path, rule in found if "IAM5" in rule} == set()
        assert {path for path, _ in found} <= {"Runs/Reader/DefaultPolicy/Resource"}  # its inline policy is the user's


def test_a_reason_silences_nothing_else() -> None:
    stack = new_stack()
    run = WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b")
    run.role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::mine/*"]))
    found = list(findings(app_of(stack)))

    assert found == [("Genomics/Run/Role/DefaultPolicy/Resource", "AwsSolutions-IAM5[Resource::arn:aws:s3:::mine/*]")]


def test_the_reason_goes_when_the_option_is_there() -> None:
    stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["us-east-1a"], private_subnet_ids=["subnet-1"]
    )
    RunProvider.configure(stack, vpc=vpc, reserved_concurrent_executions=5)
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b")
    template = synthesized(stack)
    (function,) = resources(template, "AWS::Lambda::Function").values()

    assert [skip["id"] for skip in function["Metadata"]["checkov"]["skip"]] == ["CKV_AWS_116"]
    assert not [rule for _, rule in findings(app_of(stack)) if "Lambda" in rule]


def test_the_validation_of_the_cdk_finds_nothing() -> None:
    stack = new_stack(context=CONTEXT)
    assert CONTEXT["@aws-cdk/core:validateAgainstDefaultRules"]
    run = WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b")
    run.on_failed("Rule")
    observe(run)
    tell(run)

    assert list(findings(app_of(stack), packs=False)) == []


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of the example app, as the CDK CLI has it made."""
    folder = tmp_path_factory.mktemp("example")
    environment = {**os.environ, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(CONTEXT)}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def templates(assembly: Path) -> list[Path]:
    return sorted(assembly.glob("*.template.json"))


def test_the_validation_of_the_cdk_finds_nothing_in_the_example(example: Path) -> None:
    report = json.loads((example / "validation-report.json").read_text())

    assert list(violations(report)) == []
    assert len(templates(example)) == 4


def test_cfn_lint_finds_nothing_in_the_example(example: Path) -> None:
    for template in templates(example):
        # W3005 finds DependsOn redundant beside a reference: the CDK names the whole tree of what something depends on.
        found = cfnlint.lint_file(template, cfnlint.ManualArgs(regions=[REGION], ignore_checks=["W3005"]))

        assert [str(finding) for finding in found] == []


def test_three_packs_find_nothing_in_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    app = cdk.App(context=CONTEXT)
    stacks = {
        name: getattr(importlib.import_module(f"example.{name}_stack"), f"{name.capitalize()}Stack")
        for name in ("data", "workflow", "run", "consumer")
    }
    data, workflow = stacks["data"](app, "PhiX174Data"), stacks["workflow"](app, "PhiX174Workflow")
    run = stacks["run"](app, "PhiX174Run", data=data, workflow=workflow)
    stacks["consumer"](app, "PhiX174Consumer", data=data, run=run.run)

    assert list(findings(app)) == []


def failed_checks(folder: Path) -> list[tuple[str, str]]:
    """Check and resource of everything that checkov finds in the templates of a folder."""
    command = [CHECKOV, "--directory", folder, "--framework", "cloudformation", "--skip-download", "--output", "json"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "LOG_LEVEL": "ERROR"}
    )
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 10
    return [(check["check_id"], check["resource"]) for check in report["results"]["failed_checks"]]


@pytest.mark.slow
@pytest.mark.skipif(not CHECKOV.exists(), reason="make checkov installs it")
def test_checkov_finds_nothing_in_a_run(tmp_path: Path) -> None:
    stack = new_stack()
    run = WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b")
    run.on_failed("Rule")
    run.metric_completed()
    observe(run)
    tell(run)
    template = synthesized(stack)
    assert resources(template, RUN_TYPE)
    (tmp_path / "Genomics.template.json").write_text(json.dumps(template))

    assert failed_checks(tmp_path) == []


@pytest.mark.slow
@pytest.mark.skipif(not CHECKOV.exists(), reason="make checkov installs it")
def test_checkov_finds_nothing_in_the_example(example: Path) -> None:
    assert failed_checks(example) == []
