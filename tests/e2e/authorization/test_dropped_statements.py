"""With IAM enforced, every statement of the roles that the construct creates is needed: each is left out in turn.

The stacks are real (CloudFormation, Lambda and IAM of the local AWS, the endpoint, a CWL run), only the CDK CLI is left
out: one synthesized template is deployed in variants, several at a time.
"""

from __future__ import annotations

import copy
import io
import json
import time
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from cdk_healthomics import OnDelete, Workflow, WorkflowRun

from .conftest import ACCOUNT, REGION, WAITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .conftest import LocalAws

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RUN_TYPE = "Custom::HealthOmicsRun"
CODE = "code"
CAPABILITIES = ["CAPABILITY_IAM"]
PATIENCE_SECONDS = 240.0

COPY_CWL = """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: cat
inputs:
  reads: {type: File, inputBinding: {position: 1}}
outputs:
  copy: {type: stdout}
stdout: copy.txt
"""


@pytest.fixture(scope="module")
def template(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The template of a stack with one run, and all that it refers to."""
    s3 = local_aws.client("s3")
    for bucket in ("reads", "results", CODE):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="reads", Key="a.fq", Body=b"ACGT\n")
    workflow = local_aws.client("omics").create_workflow(
        name="copy", engine="CWL", definitionZip=archive({"main.cwl": COPY_CWL.encode()})
    )
    local_aws.client("omics").get_waiter("workflow_active").wait(id=workflow["id"], WaiterConfig={"Delay": 1})
    out = tmp_path_factory.mktemp("cdk.out")
    app = cdk.App(outdir=str(out))
    stack = cdk.Stack(app, "Dropped", env=cdk.Environment(account=ACCOUNT, region=REGION))
    WorkflowRun(
        stack,
        "Run",
        workflow=Workflow.private(workflow["id"]),
        output_uri="s3://results/out",
        parameters={"reads": "s3://reads/a.fq"},
        on_delete=OnDelete.CANCEL_AND_DELETE_RECORD,
        tags={"kept": "1", "removed": "1"},
    )
    synthesized: dict[str, Any] = app.synth().get_stack_artifact(stack.artifact_id).template
    for section in ("Parameters", "Rules"):  # about the bootstrap stack, which is not there
        del synthesized[section]
    (asset,) = (folder for folder in out.glob("asset.*") if folder.is_dir())
    files = {path.relative_to(asset).as_posix(): path.read_bytes() for path in asset.rglob("*") if path.is_file()}
    files["impatient.py"] = Path(__file__).with_name("impatient_handler.py").read_bytes()
    s3.put_object(Bucket=CODE, Key="handler.zip", Body=archive(files))
    (function,) = of_type(synthesized, "AWS::Lambda::Function").values()
    function["Properties"] |= {"Code": {"S3Bucket": CODE, "S3Key": "handler.zip"}, "Handler": "impatient.handler"}
    return synthesized


def archive(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in files.items():
            written.writestr(name, data)
    return content.getvalue()


def of_type(template: Mapping[str, Any], resource_type: str) -> dict[str, Any]:
    return {key: each for key, each in template["Resources"].items() if each["Type"] == resource_type}


@dataclass(frozen=True)
class Statement:
    """One statement of a role's policy in the template; `position` counts within the policy."""

    policy: str
    position: int
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.policy}[{self.position}] {', '.join(self.actions)}"

    def dropped_from(self, template: dict[str, Any]) -> dict[str, Any]:
        changed = copy.deepcopy(template)
        document = changed["Resources"][self.policy]["Properties"]["PolicyDocument"]
        # In its place something of no use: IAM takes no policy without a statement.
        document["Statement"][self.position] = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
        return changed

    def is_named_in(self, text: str) -> bool:
        return any(f"not authorized to perform: {action}" in text for action in self.actions)


def statements(template: dict[str, Any], *, of_provider: bool) -> list[Statement]:
    found = [
        Statement(name, position, tuple([actions] if isinstance(actions, str) else actions))
        for name, policy in of_type(template, "AWS::IAM::Policy").items()
        if ("HealthOmicsRunProvider" in name) is of_provider
        for position, statement in enumerate(policy["Properties"]["PolicyDocument"]["Statement"])
        for actions in [statement["Action"]]
    ]
    assert found
    return found


@dataclass
class Stack:
    """One stack, in one variant of the template."""

    local_aws: LocalAws
    name: str
    template: dict[str, Any]

    def __post_init__(self) -> None:
        self.client = self.local_aws.client("cloudformation")
        self.stack_id = ""

    def create(self) -> str:
        answer = self.client.create_stack(
            StackName=self.name, TemplateBody=json.dumps(self.template), Capabilities=CAPABILITIES
        )
        self.stack_id = answer["StackId"]
        return self.settled()

    def update(self, template: dict[str, Any]) -> str:
        self.client.update_stack(StackName=self.name, TemplateBody=json.dumps(template), Capabilities=CAPABILITIES)
        return self.settled()

    def delete(self) -> str:
        self.client.delete_stack(StackName=self.name)
        return self.settled()

    def settled(self) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            status: str = self.client.describe_stacks(StackName=self.stack_id)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.1)
        raise TimeoutError(f"{self.name} is still {status}")

    def reasons(self) -> str:
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=self.stack_id)
        return "\n".join(event.get("ResourceStatusReason", "") for page in pages for event in page["StackEvents"])

    def physical_id(self, resource_type: str) -> str:
        resources = self.client.describe_stack_resources(StackName=self.stack_id)["StackResources"]
        return next(each["PhysicalResourceId"] for each in resources if each["ResourceType"] == resource_type)

    def log_streams(self) -> list[str]:
        group = self.physical_id("AWS::Logs::LogGroup")
        found = self.local_aws.client("logs").describe_log_streams(logGroupName=group)
        return [stream["logStreamName"] for stream in found["logStreams"]]


def with_run(template: dict[str, Any], **properties: Any) -> dict[str, Any]:
    changed = copy.deepcopy(template)
    (run,) = of_type(changed, RUN_TYPE).values()
    run["Properties"] |= properties
    return changed


def with_second_run(template: dict[str, Any]) -> dict[str, Any]:
    """With another run in the place of the first, and then one that fails: StartRun refuses where its outputs go."""
    changed = with_run(template, Priority="7")
    ((logical_id, run),) = of_type(changed, RUN_TYPE).items()
    second = copy.deepcopy(run) | {"DependsOn": logical_id}
    second["Properties"]["OutputUri"] = "nowhere"
    changed["Resources"]["Second"] = second
    return changed


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What became of a stack on its way through everything that the handler does."""

    statuses: list[str]
    reasons: str
    log_streams: list[str]


WHOLE_WAY = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "DELETE_COMPLETE"]


def journey(local_aws: LocalAws, name: str, template: dict[str, Any]) -> Journey:
    """Create a stack with a run, change its tags, fail to replace it, delete the stack: as far as it goes."""
    template = with_run(template, Name=f"{WAITS}{name}")
    tagged = with_run(template, Tags={"kept": "2"})
    stack = Stack(local_aws, name, template)
    log_streams: list[str] = []

    def fail_to_replace() -> str:
        status = stack.update(with_second_run(tagged))
        log_streams.extend(stack.log_streams())
        return status

    statuses: list[str] = []
    steps = (stack.create, lambda: stack.update(tagged), fail_to_replace, stack.delete)
    for step, expected in zip(steps, WHOLE_WAY, strict=True):
        statuses.append(step())
        if statuses[-1] != expected:
            break
    return Journey(statuses=statuses, reasons=stack.reasons(), log_streams=log_streams)


def outcome_of_run(local_aws: LocalAws, name: str, template: dict[str, Any]) -> tuple[str, str]:
    """The status of a stack's run when it has ended, and why it failed."""
    stack = Stack(local_aws, name, template)
    assert stack.create() == "CREATE_COMPLETE", stack.reasons()
    run_arn = next(
        output["OutputValue"]
        for output in stack.client.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
        if ":run/" in output["OutputValue"]
    )
    omics = local_aws.client("omics")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        run = omics.get_run(id=run_arn.rpartition("/")[2])
        if run["status"] in {"COMPLETED", "FAILED"}:
            return run["status"], run.get("statusMessage", "")
        time.sleep(0.1)
    raise TimeoutError(f"the run of {name} is still {run['status']}")


@pytest.fixture(scope="module")
def stacks(local_aws: LocalAws, template: dict[str, Any]) -> Iterator[dict[str, Future[Any]]]:
    """What becomes of every variant: all are under way at once, and each test waits for its own."""
    with ThreadPoolExecutor(4) as pool:
        under_way: dict[str, Future[Any]] = {
            "whole": pool.submit(journey, local_aws, "whole", template),
            "whole run": pool.submit(outcome_of_run, local_aws, "whole-run", template),
        }
        for of_provider, follow in ((True, journey), (False, outcome_of_run)):
            for each in statements(template, of_provider=of_provider):
                name = f"without-{'provider' if of_provider else 'run'}-{each.policy[-8:]}-{each.position}"
                under_way[str(each)] = pool.submit(follow, local_aws, name, each.dropped_from(template))
        yield under_way


def test_with_every_statement_all_goes_well(stacks: dict[str, Future[Any]]) -> None:
    whole = stacks["whole"].result()

    assert whole.statuses == WHOLE_WAY, whole.reasons
    assert "not authorized" not in whole.reasons
    assert whole.log_streams != []
    assert stacks["whole run"].result() == ("COMPLETED", "")


def test_without_any_statement_of_the_provider_the_deployment_is_denied_its_action(
    stacks: dict[str, Future[Any]], template: dict[str, Any]
) -> None:
    results = {each: stacks[str(each)].result() for each in statements(template, of_provider=True)}

    for statement, result in results.items():
        if statement.actions[0].startswith("logs:"):
            # Lambda drops the logs of a function that may not write them, and says nothing.
            assert (result.statuses, result.log_streams) == (WHOLE_WAY, []), f"{statement}: {result}"
        else:
            assert result.statuses != WHOLE_WAY, f"nobody needs {statement}"
            assert statement.is_named_in(result.reasons), f"{statement}: {result.reasons}"
            assert "AccessDenied" in result.reasons


def test_without_any_statement_of_the_run_role_the_run_fails_and_names_its_action(
    stacks: dict[str, Future[Any]], template: dict[str, Any]
) -> None:
    results = {each: stacks[str(each)].result() for each in statements(template, of_provider=False)}

    for statement, (status, message) in results.items():
        assert status == "FAILED", f"nobody needs {statement}"
        assert statement.is_named_in(message), f"{statement}: {message}"
