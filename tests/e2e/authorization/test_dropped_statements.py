"""With IAM enforced, every statement of the roles that the construct creates is needed: each is left out in turn.

The stacks are real (CloudFormation, Lambda and IAM of the local AWS, the endpoint, a CWL run), only the CDK CLI is left
out: one synthesized template is deployed in variants, several at a time. A second template waits for its run, for the
role of the run waiter. The role that reads a run from another account is not among them: the local AWS has one account.
"""

from __future__ import annotations

import copy
import io
import json
import time
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from botocore.exceptions import ClientError

from cdk_healthomics import OnDelete, Workflow, WorkflowRun

from .conftest import ACCOUNT, REGION, WAITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .conftest import LocalAws

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RUN_TYPE = "Custom::HealthOmicsRun"
PROVIDER, WAITER, RUN_ROLE = "HealthOmicsRunProvider", "HealthOmicsRunWaiter", "RunRole"
"""How the logical ids of what belongs to a role begin."""
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
def workflow_id(local_aws: LocalAws) -> str:
    """A workflow, with the buckets of its runs."""
    s3 = local_aws.client("s3")
    for bucket in ("reads", "results", CODE):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="reads", Key="a.fq", Body=b"ACGT\n")
    workflow = local_aws.client("omics").create_workflow(
        name="copy", engine="CWL", definitionZip=archive({"main.cwl": COPY_CWL.encode()})
    )
    local_aws.client("omics").get_waiter("workflow_active").wait(
        id=workflow["id"], WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    return str(workflow["id"])


@pytest.fixture(scope="module")
def template(local_aws: LocalAws, workflow_id: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The template of a stack with one run, and all that it refers to."""
    return synthesized(local_aws, workflow_id, tmp_path_factory.mktemp("cdk.out"), waits=False)


@pytest.fixture(scope="module")
def waiting_template(local_aws: LocalAws, workflow_id: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same, and the deployment waits for the run; not for long, because in some variants nobody ends the wait."""
    template = synthesized(local_aws, workflow_id, tmp_path_factory.mktemp("cdk.out"), waits=True)
    (wait,) = of_type(template, "AWS::CloudFormation::WaitCondition").values()
    wait["CreationPolicy"]["ResourceSignal"]["Timeout"] = "PT60S"
    return template


def synthesized(local_aws: LocalAws, workflow_id: str, out: Path, *, waits: bool) -> dict[str, Any]:
    s3 = local_aws.client("s3")
    app = cdk.App(outdir=str(out))
    stack = cdk.Stack(app, "Dropped", env=cdk.Environment(account=ACCOUNT, region=REGION))
    run = WorkflowRun(
        stack,
        "Run",
        workflow=Workflow.private(workflow_id),
        output_uri="s3://results/out",
        parameters={"reads": "s3://reads/a.fq"},
        on_delete=OnDelete.CANCEL_AND_DELETE_RECORD,
        tags={"kept": "1", "removed": "1"},
    )
    if waits:
        run.wait_for_completion()
    template: dict[str, Any] = app.synth().get_stack_artifact(stack.artifact_id).template
    for section in ("Parameters", "Rules"):  # about the bootstrap stack, which is not there
        del template[section]
    for function in of_type(template, "AWS::Lambda::Function").values():
        package, _, _ = function["Properties"]["Handler"].partition(".")
        key = function["Properties"]["Code"]["S3Key"]
        asset = out / f"asset.{key.removesuffix('.zip')}"
        files = {path.relative_to(asset).as_posix(): path.read_bytes() for path in asset.rglob("*") if path.is_file()}
        impatient = Path(__file__).with_name("impatient_handler.py").read_text()
        files["impatient.py"] = impatient.replace("healthomics_run_handler.index", f"{package}.index").encode()
        s3.put_object(Bucket=CODE, Key=key, Body=archive(files))
        function["Properties"] |= {"Code": {"S3Bucket": CODE, "S3Key": key}, "Handler": "impatient.handler"}
    return template


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


def statements(template: dict[str, Any], whose: str) -> list[Statement]:
    found = [
        Statement(name, position, tuple([actions] if isinstance(actions, str) else actions))
        for name, policy in of_type(template, "AWS::IAM::Policy").items()
        if name.startswith(whose)
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

    def physical_id_of(self, beginning: str) -> str:
        resources = self.client.describe_stack_resources(StackName=self.stack_id)["StackResources"]
        return next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"].startswith(beginning))

    def log_streams(self, whose: str = PROVIDER) -> list[str]:
        group = self.physical_id_of(f"{whose}Logs")
        found = self.local_aws.client("logs").describe_log_streams(logGroupName=group)
        return [stream["logStreamName"] for stream in found["logStreams"]]

    def logs(self, whose: str) -> str:
        found = self.local_aws.client("logs").filter_log_events(logGroupName=self.physical_id_of(f"{whose}Logs"))
        return "\n".join(event["message"] for event in found["events"])


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


@dataclass(frozen=True, kw_only=True)
class Waited:
    """What became of a stack that waits for its run, and what the run waiter says of it."""

    status: str
    reasons: str
    logs: str


def waited(local_aws: LocalAws, name: str, template: dict[str, Any]) -> Waited:
    """Create a stack that waits, and look at the logs of the run waiter while its log group is there."""
    ((_, run),) = of_type(template, RUN_TYPE).items()
    # Rules know runs by their names, and must not look at those of other stacks.
    own: dict[str, Any] = json.loads(json.dumps(template).replace(run["Properties"]["Name"], name))
    stack = Stack(local_aws, name, own)
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(stack.create)
        logs = ""
        while not under_way.done():
            with suppress(ClientError, KeyError, StopIteration):
                logs = stack.logs(WAITER) or logs
            time.sleep(0.5)
        status = under_way.result()
    with suppress(ClientError, KeyError, StopIteration):
        logs = stack.logs(WAITER) or logs
    reasons = stack.reasons()
    stack.delete()
    return Waited(status=status, reasons=reasons, logs=logs)


@pytest.fixture(scope="module")
def stacks(
    local_aws: LocalAws, template: dict[str, Any], waiting_template: dict[str, Any]
) -> Iterator[dict[str, Future[Any]]]:
    """What becomes of every variant: all are under way at once, and each test waits for its own."""
    with ThreadPoolExecutor(4) as pool:
        under_way: dict[str, Future[Any]] = {
            "whole": pool.submit(journey, local_aws, "whole", template),
            "whole run": pool.submit(outcome_of_run, local_aws, "whole-run", template),
        }
        # The longest ones first: some wait until the time is up.
        for each in statements(waiting_template, WAITER):
            name = f"without-waiter-{each.policy[-8:]}-{each.position}"
            under_way[str(each)] = pool.submit(waited, local_aws, name, each.dropped_from(waiting_template))
        under_way["whole wait"] = pool.submit(waited, local_aws, "whole-wait", waiting_template)
        for whose, follow in ((PROVIDER, journey), (RUN_ROLE, outcome_of_run)):
            for each in statements(template, whose):
                name = f"without-{whose}-{each.policy[-8:]}-{each.position}"
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
    results = {each: stacks[str(each)].result() for each in statements(template, PROVIDER)}

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
    results = {each: stacks[str(each)].result() for each in statements(template, RUN_ROLE)}

    for statement, (status, message) in results.items():
        assert status == "FAILED", f"nobody needs {statement}"
        assert statement.is_named_in(message), f"{statement}: {message}"


def test_without_any_statement_of_the_run_waiter_the_wait_is_denied_its_action(
    stacks: dict[str, Future[Any]], waiting_template: dict[str, Any]
) -> None:
    whole: Waited = stacks["whole wait"].result()
    results = {each: stacks[str(each)].result() for each in statements(waiting_template, WAITER)}

    assert whole.status == "CREATE_COMPLETE", whole
    assert "not authorized" not in whole.reasons + whole.logs
    assert whole.logs
    for statement, result in results.items():
        if statement.actions[0].startswith("logs:"):
            assert (result.status, result.logs) == ("CREATE_COMPLETE", ""), f"{statement}: {result}"
        else:
            assert result.status != "CREATE_COMPLETE", f"nobody needs {statement}"
            # Nobody but its log hears of a denied look; what CloudFormation has asked for is in the stack's events.
            assert statement.is_named_in(result.reasons + result.logs), f"{statement}: {result}"
