"""Every input member of every implemented operation, sent alone by a real client: it is accepted, and it counts.

Invariants:
- a call with the least that the operation requires and one more member succeeds, for each of its members;
- what the matching Get operation knows under the same name is what was sent;
- a listing that is filtered by a member has the resource that was meant, and none with another value.
"""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from healthomics_local.endpoint import LocalHealthOmics, MemoryObjectStore, RunScript, Service
from healthomics_local.endpoint.operations.registry import operations
from healthomics_local.endpoint.service_model import operation_model
from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_omics import OmicsClient

    Members = dict[str, Any]

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/run"
TAGS = {"team": "blue"}
TEMPLATE = {"sample": {"description": "name", "optional": True}}
REGISTRY_MAP = {"imageMappings": [{"sourceImage": "a", "destinationImage": "b"}]}
VPC = {"vpcConfig": {"securityGroupIds": ["sg-0123"], "subnetIds": ["subnet-0123"]}}
REPOSITORY = {
    "connectionArn": f"arn:aws:codeconnections:us-east-1:{ACCOUNT}:connection/c",
    "fullRepositoryId": "owner/repository",
    "sourceReference": {"type": "BRANCH", "value": "main"},
}

# What this endpoint cannot do, and says so.
REFUSED = {("CreateWorkflow", "definitionRepository"), ("CreateWorkflowVersion", "definitionRepository")}


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        written.writestr("main.wdl", "version 1.0")
        written.writestr("other.wdl", "version 1.0")
        written.writestr("template.json", json.dumps(TEMPLATE))
        written.writestr("docs/README.md", "# in the archive")
    return content.getvalue()


ARCHIVE = archive()


class World:
    """What a call can refer to; each thing is made when it is needed first."""

    def __init__(self, omics: LocalHealthOmics, number: int) -> None:
        self.omics = omics
        self.name = f"name-{number}"

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        return self.omics.call(operation, members)

    @cached_property
    def workflow(self) -> str:
        workflow_id = self.call("CreateWorkflow", name=self.name, definitionZip=ARCHIVE, main="main.wdl")["id"]
        self.omics.advance(2)
        return str(workflow_id)

    @cached_property
    def version(self) -> str:
        self.call(
            "CreateWorkflowVersion",
            workflowId=self.workflow,
            versionName="v1",
            definitionZip=ARCHIVE,
            main="main.wdl",
        )
        self.omics.advance(2)
        return "v1"

    @cached_property
    def group(self) -> str:
        return str(self.call("CreateRunGroup", name=self.name)["id"])

    @cached_property
    def cache(self) -> str:
        return self.new_cache()

    def new_cache(self) -> str:
        return str(self.call("CreateRunCache", cacheS3Location="s3://bucket/cache")["id"])

    @cached_property
    def configuration(self) -> str:
        return str(self.call("CreateConfiguration", name=self.name, runConfigurations=VPC)["name"])

    @cached_property
    def run_setting(self) -> Members:
        return {"workflowId": self.workflow, "roleArn": ROLE, "outputUri": "s3://bucket/out"}

    @cached_property
    def run(self) -> dict[str, Any]:
        started = self.call("StartRun", **self.run_setting, name=self.name, runGroupId=self.group)
        self.omics.advance(60)
        return started

    @cached_property
    def ended_run(self) -> str:
        started = self.call("StartRun", **self.run_setting)
        self.call("CancelRun", id=started["id"])
        self.omics.advance(60)
        return str(started["id"])

    @cached_property
    def task(self) -> str:
        return str(self.call("ListRunTasks", id=self.run["id"])["items"][0]["taskId"])

    @cached_property
    def batch(self) -> str:
        setting = {**self.run_setting, "name": self.name, "runGroupId": self.group}
        runs = {"inlineSettings": [{"runSettingId": "a"}, {"runSettingId": "b"}]}
        started = self.call("StartRunBatch", batchName=self.name, defaultRunSetting=setting, batchRunSettings=runs)
        self.omics.advance(60)
        return str(started["id"])

    @cached_property
    def ended_batch(self) -> str:
        batch = self.batch
        self.call("CancelRunBatch", batchId=batch)
        self.omics.advance(300)
        return batch

    @cached_property
    def batch_run(self) -> str:
        return str(self.call("ListRunsInBatch", batchId=self.batch)["runs"][0]["runId"])

    @cached_property
    def two_runs(self) -> str:
        for _ in range(2):
            self.call("StartRun", **self.run_setting, name=f"{self.name}-two")
        return f"{self.name}-two"

    @cached_property
    def two_batches(self) -> str:
        runs = {"inlineSettings": [{"runSettingId": "a"}]}
        for _ in range(2):
            self.call(
                "StartRunBatch",
                batchName=f"{self.name}-two",
                defaultRunSetting=self.run_setting,
                batchRunSettings=runs,
            )
        return f"{self.name}-two"

    @cached_property
    def two_workflows(self) -> str:
        for _ in range(2):
            self.call("CreateWorkflow", name=f"{self.name}-two", definitionZip=ARCHIVE, main="main.wdl")
        return f"{self.name}-two"

    @cached_property
    def two_groups(self) -> str:
        for _ in range(2):
            self.call("CreateRunGroup", name=f"{self.name}-two")
        return f"{self.name}-two"

    @cached_property
    def workflow_of_two_versions(self) -> str:
        for name in ("v2", "v3"):
            self.call("CreateWorkflowVersion", workflowId=self.workflow, versionName=name, definitionZip=ARCHIVE)
        return self.workflow

    @cached_property
    def two_configurations(self) -> str:
        for name in ("a", "b"):
            self.call("CreateConfiguration", name=f"{self.name}-{name}", runConfigurations=VPC)
        return self.name

    @cached_property
    def run_of_two_tasks(self) -> str:
        self.omics.add_script(RunScript(tasks=("one", "two")), run_name=f"{self.name}-two")
        started = self.call("StartRun", **self.run_setting, name=f"{self.name}-two")
        self.omics.advance(200)
        return str(started["id"])

    def token(self, operation: str, limit: str, **members: Any) -> str:
        """Where the second page of a listing begins."""
        return str(self.call(operation, **members, **{limit: 1})["nextToken"])


@dataclass(frozen=True, kw_only=True)
class Example:
    """How an operation is called: with the least that it needs, and with each of its other members."""

    least: Callable[[World], Members]
    more: Callable[[World], dict[str, Callable[[], Members]]] = lambda _: {}
    """For each other member, the members that are sent for it; a value of None takes a member away."""
    get: Callable[[World, Members, Mapping[str, Any]], tuple[str, Members]] | None = None
    """The operation that knows what was sent, and its members; from what was sent, and the response."""


def after(_: object, value: Any) -> Any:
    """The value, when something is there that it depends on."""
    return value


def plain(**members: Any) -> dict[str, Callable[[], Members]]:
    """Members that can be sent alone."""
    return {name: lambda name=name, value=value: {name: value} for name, value in members.items()}


def source(world: World) -> dict[str, Callable[[], Members]]:
    """What CreateWorkflow and CreateWorkflowVersion have in common."""
    uri = {"definitionZip": None, "definitionUri": "s3://bucket/workflow.zip"}
    return {
        **plain(
            description="calls variants",
            engine="CWL",
            main="other.wdl",
            parameterTemplate=TEMPLATE,
            storageType="DYNAMIC",
            tags=TAGS,
            requestId=f"{world.name}-again",
            accelerators="GPU",
            containerRegistryMap=REGISTRY_MAP,
            containerRegistryMapUri="s3://bucket/map.json",
            readmeMarkdown="# markdown",
            readmeUri="s3://bucket/README.md",
            readmePath="docs/README.md",
            parameterTemplatePath="template.json",
        ),
        "storageCapacity": lambda: {"storageType": "STATIC", "storageCapacity": 1200},
        "definitionUri": lambda: uri,
        "workflowBucketOwnerId": lambda: {**uri, "workflowBucketOwnerId": ACCOUNT},
        "definitionRepository": lambda: {"definitionZip": None, "definitionRepository": REPOSITORY},
    }


def started(world: World) -> dict[str, Callable[[], Members]]:
    vpc = {"networkingMode": "VPC", "configurationName": world.configuration}
    return {
        **plain(
            workflowType="PRIVATE",
            name="Prøve №1",
            cacheId=world.cache,
            runGroupId=world.group,
            priority=7,
            parameters={"sample": "NA12878", "list": [1, 1.5, None, {"a": True}]},
            logLevel="ERROR",
            tags=TAGS,
            requestId=f"{world.name}-again",
            retentionMode="REMOVE",
            workflowVersionName=world.version,
            scratchStorageMode="LOCAL",
            sessionPolicy='{"Version": "2012-10-17"}',
            outputUriPrefixMode="NONE_WITH_OVERWRITE",
            storageType="DYNAMIC",
            workflowOwnerId=ACCOUNT,
        ),
        "runId": lambda: {"workflowId": None, "runId": world.run["id"]},
        "cacheBehavior": lambda: {"cacheId": world.cache, "cacheBehavior": "CACHE_ALWAYS"},
        "storageCapacity": lambda: {"storageType": "STATIC", "storageCapacity": 2400},
        "networkingMode": lambda: vpc,
        "configurationName": lambda: vpc,
        "engineSettings": lambda: {
            "workflowId": world.omics.add_workflow(engine="NEXTFLOW").workflow_id,
            "engineSettings": {"engineVersion": "25.10"},
        },
    }


def listing(
    operation: str,
    least: Callable[[World], Members],
    more: Callable[[World], Members] = lambda _: {},
    *,
    limit: str = "maxResults",
) -> Example:
    """A listing of two or more, so that there is a second page."""

    def others(world: World) -> dict[str, Callable[[], Members]]:
        page = {
            limit: lambda: {limit: 1},
            "startingToken": lambda: {"startingToken": world.token(operation, limit, **least(world))},
        }
        return page | plain(**more(world))

    return Example(least=least, more=others)


def by_id(operation: str) -> Callable[[World, Members, Mapping[str, Any]], tuple[str, Members]]:
    return lambda _, sent, response: (operation, {"id": sent.get("id") or response["id"]})


def workflow(_: World, sent: Members, response: Mapping[str, Any]) -> tuple[str, Members]:
    return "GetWorkflow", {"id": sent.get("id") or response["id"], "export": ["DEFINITION", "README"]}


def version(_: World, sent: Members, __: Mapping[str, Any]) -> tuple[str, Members]:
    named = {name: sent[name] for name in ("workflowId", "versionName")}
    return "GetWorkflowVersion", {**named, "export": ["DEFINITION", "README"]}


def export(world: World) -> Members:
    """What GetWorkflow and GetWorkflowVersion take."""
    return {"type": "PRIVATE", "export": ["DEFINITION", "README"], "workflowOwnerId": ACCOUNT}


def tags(_: World, sent: Members, __: Mapping[str, Any]) -> tuple[str, Members]:
    return "ListTagsForResource", {"resourceArn": sent["resourceArn"]}


def of_run(world: World) -> Members:
    return {"id": world.run["id"]}


def of_version(world: World) -> Members:
    return {"workflowId": world.workflow, "versionName": world.version}


def tagged(world: World) -> Members:
    return {"resourceArn": world.call("StartRun", **world.run_setting, tags={"removed": "1"})["arn"]}


UPDATES: Members = {"name": "new name", "description": "new", "storageType": "DYNAMIC", "readmeMarkdown": "# new"}
LIMITS: Members = {"name": "new name", "maxCpus": 3, "maxRuns": 4, "maxDuration": 5, "maxGpus": 6}
STATIC: Members = {"storageType": "STATIC", "storageCapacity": 3600}

EXAMPLES: dict[str, Example] = {
    "StartRun": Example(least=lambda world: world.run_setting, more=started, get=by_id("GetRun")),
    "GetRun": Example(least=of_run, more=lambda _: plain(export=["DEFINITION"])),
    "CancelRun": Example(least=of_run),
    "DeleteRun": Example(least=lambda world: {"id": world.ended_run}),
    "ListRuns": listing(
        "ListRuns",
        lambda world: after(world.two_runs, {}),
        lambda world: {
            "name": world.two_runs,
            "runGroupId": after(world.run, world.group),
            "batchId": world.batch,
            "status": after(world.run, "RUNNING"),
        },
    ),
    "ListRunTasks": listing(
        "ListRunTasks", lambda world: {"id": world.run_of_two_tasks}, lambda _: {"status": "RUNNING"}
    ),
    "GetRunTask": Example(least=lambda world: {"id": world.run["id"], "taskId": world.task}),
    "StartRunBatch": Example(
        least=lambda world: {
            "defaultRunSetting": world.run_setting,
            "batchRunSettings": {"inlineSettings": [{"runSettingId": "a"}]},
        },
        more=lambda world: plain(batchName="cohort", tags=TAGS, requestId=f"{world.name}-again"),
        get=lambda _, __, response: ("GetBatch", {"batchId": response["id"]}),
    ),
    "GetBatch": Example(least=lambda world: {"batchId": world.batch}),
    "CancelRunBatch": Example(least=lambda world: {"batchId": world.batch}),
    "DeleteRunBatch": Example(least=lambda world: {"batchId": world.ended_batch}),
    "DeleteBatch": Example(least=lambda world: {"batchId": world.ended_batch}),
    "ListBatch": listing(
        "ListBatch",
        lambda world: after(world.two_batches, {}),
        lambda world: {
            "name": world.two_batches,
            "runGroupId": after(world.batch, world.group),
            "status": after(world.batch, "INPROGRESS"),
        },
        limit="maxItems",
    ),
    "ListRunsInBatch": listing(
        "ListRunsInBatch",
        lambda world: {"batchId": world.batch},
        lambda world: {"submissionStatus": "SUCCESS", "runSettingId": "a", "runId": world.batch_run},
        limit="maxItems",
    ),
    "TagResource": Example(least=lambda world: {**tagged(world), "tags": TAGS}, get=tags),
    "UntagResource": Example(least=lambda world: {**tagged(world), "tagKeys": ["removed"]}, get=tags),
    "ListTagsForResource": Example(least=tagged),
    "CreateWorkflow": Example(
        least=lambda world: {"name": world.name, "definitionZip": ARCHIVE, "main": "main.wdl"},
        more=source,
        get=workflow,
    ),
    "GetWorkflow": Example(least=lambda world: {"id": world.workflow}, more=lambda world: plain(**export(world))),
    "ListWorkflows": listing(
        "ListWorkflows",
        lambda world: after(world.two_workflows, {}),
        lambda world: {"type": "PRIVATE", "name": world.two_workflows},
    ),
    "UpdateWorkflow": Example(
        least=lambda world: {"id": world.workflow},
        more=lambda _: {**plain(**UPDATES), "storageCapacity": lambda: STATIC},
        get=workflow,
    ),
    "DeleteWorkflow": Example(least=lambda world: {"id": world.workflow}),
    "CreateWorkflowVersion": Example(
        least=lambda world: {
            "workflowId": world.workflow,
            "versionName": "v2",
            "definitionZip": ARCHIVE,
            "main": "main.wdl",
        },
        more=source,
        get=version,
    ),
    "GetWorkflowVersion": Example(least=of_version, more=lambda world: plain(**export(world))),
    "ListWorkflowVersions": listing(
        "ListWorkflowVersions",
        lambda world: {"workflowId": world.workflow_of_two_versions},
        lambda _: {"type": "PRIVATE", "workflowOwnerId": ACCOUNT},
    ),
    "UpdateWorkflowVersion": Example(
        least=of_version,
        more=lambda _: {
            **plain(**{name: value for name, value in UPDATES.items() if name != "name"}),
            "storageCapacity": lambda: STATIC,
        },
        get=version,
    ),
    "DeleteWorkflowVersion": Example(least=of_version),
    "CreateRunGroup": Example(
        least=lambda _: {},
        more=lambda world: plain(**LIMITS, tags=TAGS, requestId=f"{world.name}-again"),
        get=by_id("GetRunGroup"),
    ),
    "GetRunGroup": Example(least=lambda world: {"id": world.group}),
    "ListRunGroups": listing(
        "ListRunGroups", lambda world: after(world.two_groups, {}), lambda world: {"name": world.two_groups}
    ),
    "UpdateRunGroup": Example(
        least=lambda world: {"id": world.group}, more=lambda _: plain(**LIMITS), get=by_id("GetRunGroup")
    ),
    "DeleteRunGroup": Example(least=lambda world: {"id": world.group}),
    "CreateRunCache": Example(
        least=lambda _: {"cacheS3Location": "s3://bucket/cache"},
        more=lambda world: plain(
            cacheBehavior="CACHE_ALWAYS",
            description="of exomes",
            name="exomes",
            tags=TAGS,
            requestId=f"{world.name}-again",
            cacheBucketOwnerId=ACCOUNT,
        ),
        get=by_id("GetRunCache"),
    ),
    "GetRunCache": Example(least=lambda world: {"id": world.cache}),
    "ListRunCaches": listing("ListRunCaches", lambda world: after([world.new_cache() for _ in range(2)], {})),
    "UpdateRunCache": Example(
        least=lambda world: {"id": world.cache},
        more=lambda _: plain(cacheBehavior="CACHE_ALWAYS", description="new", name="new name"),
        get=by_id("GetRunCache"),
    ),
    "DeleteRunCache": Example(least=lambda world: {"id": world.cache}),
    "CreateConfiguration": Example(
        least=lambda world: {"name": world.name, "runConfigurations": VPC},
        more=lambda world: plain(description="private", tags=TAGS, requestId=f"{world.name}-again"),
        get=lambda _, sent, __: ("GetConfiguration", {"name": sent["name"]}),
    ),
    "GetConfiguration": Example(least=lambda world: {"name": world.configuration}),
    "ListConfigurations": listing("ListConfigurations", lambda world: after(world.two_configurations, {})),
    "DeleteConfiguration": Example(least=lambda world: {"name": world.configuration}),
}


def _cases() -> Iterator[Any]:
    service = Service()
    implemented = sorted(operations(service._backend, service._batches))
    service.close()
    for operation in implemented:
        for member in getattr(operation_model(operation).input_shape, "members", {}):
            yield pytest.param(operation, member, id=f"{operation}-{member}")


CASES = list(_cases())


@pytest.fixture(scope="module")
def omics() -> Iterator[LocalHealthOmics]:
    store = MemoryObjectStore()
    store.put("s3://bucket/workflow.zip", ARCHIVE)
    store.put("s3://bucket/map.json", json.dumps(REGISTRY_MAP))
    store.put("s3://bucket/README.md", "# in S3")
    with local_healthomics(object_store=store) as omics:
        yield omics


@pytest.fixture(scope="module")
def client(omics: LocalHealthOmics) -> Iterator[OmicsClient]:
    client = omics.client()
    yield client
    client.close()


def call(client: OmicsClient, operation: str, members: Members) -> dict[str, Any]:
    response: dict[str, Any] = getattr(client, xform_name(operation))(**members)
    return response


@pytest.mark.parametrize(("operation", "member"), CASES)
def test_a_member_with_a_valid_value_is_accepted_and_counts(
    operation: str, member: str, omics: LocalHealthOmics, client: OmicsClient, request: pytest.FixtureRequest
) -> None:
    example = EXAMPLES[operation]
    number = next(index for index, case in enumerate(CASES) if case.id == request.node.callspec.id)
    world = World(omics, number)
    sent = example.least(world)
    if member not in sent:
        sent = {name: value for name, value in (sent | example.more(world)[member]()).items() if value is not None}
    if (operation, member) in REFUSED:
        with pytest.raises(ClientError, match=member):
            call(client, operation, sent)
        return

    response = call(client, operation, sent)

    assert response["ResponseMetadata"]["HTTPStatusCode"] == operation_model(operation).http["responseCode"]
    omics.advance(2)
    if example.get is not None:
        get, named = example.get(world, sent, response)
        check_read_back(member, sent[member], call(client, get, named))
    if operation.startswith("List") and operation != "ListTagsForResource":
        check_listed(operation, member, sent[member], response)


def check_read_back(member: str, value: Any, described: dict[str, Any]) -> None:
    """What was sent is what is described, if it is described at all."""
    if member in {"definitionZip", "definitionUri"}:
        assert download(described["definition"]) == ARCHIVE
    elif member in {"readmeMarkdown", "readmeUri", "readmePath"}:
        expected = {"readmeUri": "# in S3", "readmePath": "# in the archive"}.get(member, value)
        assert download(described["readme"]).decode() == expected
    elif member == "parameterTemplatePath":
        assert described["parameterTemplate"] == TEMPLATE
    elif member == "containerRegistryMapUri":
        assert described["containerRegistryMap"] == REGISTRY_MAP
    elif member == "tagKeys":
        assert described["tags"] == {}
    elif member == "tags":
        assert described["tags"].items() >= value.items()
    elif member == "configurationName":
        assert described["configuration"]["name"] == value
    elif member == "runConfigurations":
        assert described["runConfigurations"]["vpcConfig"].items() >= value["vpcConfig"].items()
    elif member == "cacheS3Location":
        assert described["cacheS3Uri"] == value
    elif member == "batchName":
        assert described["name"] == value
    elif member in described:
        assert described[member] == value
    else:
        assert member in NOT_DESCRIBED, f"{member} was sent, and is not described"


# Members that no Get operation hands back.
NOT_DESCRIBED = {"requestId", "batchRunSettings", "resourceArn", "workflowBucketOwnerId", "workflowOwnerId"}


def check_listed(operation: str, member: str, value: Any, response: dict[str, Any]) -> None:
    (items,) = (each for each in response.values() if isinstance(each, list))
    assert items, operation
    if member in {"maxResults", "maxItems"}:
        assert len(items) == 1
    assert {each[member] for each in items if member in each} <= {value}


def download(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        content: bytes = response.read()
        return content
