"""The endpoint against botocore's service model, for every operation that it implements.

Invariants:
- each member accepts a valid value, whatever else may be wrong with the request;
- each single constraint of the model, violated alone, is refused with a ValidationException that names it;
- every response has all required members, no unknown ones, and only values that the model allows.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from healthomics_local.endpoint import LocalHealthOmics, Service, ServiceError
from healthomics_local.endpoint.messages import Request
from healthomics_local.endpoint.operations.registry import operations
from healthomics_local.endpoint.service_model import idempotency_members, operation_model, service_model
from healthomics_local.endpoint.validation import check_input
from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_omics import OmicsClient

# Examples for the patterns of the model; a pattern that is not here fails the test that needs it.
EXAMPLES = {
    "[0-9]+": "1234567",
    "[0-9]{12}": "123456789012",
    "arn:.+": "arn:aws:iam::123456789012:role/run",
    "[A-Za-z0-9][A-Za-z0-9\\-\\._]*": "v1.0-beta_2",
    "[\\p{L}||\\p{M}||\\p{Z}||\\p{S}||\\p{N}||\\p{P}]+": "s3://bucket/Prøve №1",
    "[\\p{L}\\p{M}\\p{Z}\\p{S}\\p{N}\\p{P}\\t\\n\\r]+": '{\n\t"Version": "2012-10-17"}',
    "s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])(/(.{0,1024}))?": "s3://bucket/key",
    "s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])/((.{1,1024}))": "s3://bucket/key",
    "arn:aws(-\\w+)*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[a-zA-Z0-9\\/_+=.@-]+": (
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:a"
    ),
    "arn:aws(-[\\w]+)*:.+:.+:[0-9]{12}:.+": "arn:aws:codeconnections:us-east-1:123456789012:c",
    ".+/.+": "owner/repository",
    "sg-[0-9a-f]+": "sg-0123",
    "subnet-[0-9a-f]+": "subnet-0123",
}
# For each pattern, a text of the right length that does not match.
MISMATCHES = {
    "[0-9]+": "12x",
    "[0-9]{12}": "12345678901x",
    "arn:.+": "role/run",
    "[A-Za-z0-9][A-Za-z0-9\\-\\._]*": "-v1",
    "[\\p{L}||\\p{M}||\\p{Z}||\\p{S}||\\p{N}||\\p{P}]+": "two\nlines",
    "[\\p{L}\\p{M}\\p{Z}\\p{S}\\p{N}\\p{P}\\t\\n\\r]+": "a\x00b",
    "s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])(/(.{0,1024}))?": "s3://B",
    "s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])/((.{1,1024}))": "s3://bucket",
    "arn:aws(-\\w+)*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[a-zA-Z0-9\\/_+=.@-]+": "arn:aws:secretsmanager:x",
    "arn:aws(-[\\w]+)*:.+:.+:[0-9]{12}:.+": "arn:aws:x",
    ".+/.+": "repository",
    "sg-[0-9a-f]+": "group-0123",
    "subnet-[0-9a-f]+": "net-01234",
}


def _implemented() -> list[str]:
    service = Service()
    try:
        return sorted(operations(service._backend, service._batches))
    finally:
        service.close()


IMPLEMENTED = _implemented()


def valid_value(shape: Shape) -> Any:
    match shape:
        case StructureShape():
            if shape.is_document_type:
                return {"text": "a", "number": 1.5, "flag": True, "nothing": None, "list": [1]}
            return valid_structure(shape)
        case ListShape():
            return [valid_value(shape.member)] if shape.metadata.get("max", 1) else []
        case MapShape():
            return {valid_value(shape.key): valid_value(shape.value)}
        case StringShape():
            return valid_string(shape)
        case _:
            return {"integer": shape.metadata.get("min", 1), "boolean": True, "blob": b"PK"}[shape.type_name]


def valid_string(shape: StringShape) -> str:
    if shape.enum:
        return shape.enum[0]
    text = EXAMPLES[shape.metadata["pattern"]] if "pattern" in shape.metadata else "text"
    return _fitted(text, shape)


def _fitted(text: str, shape: StringShape) -> str:
    """The text, cut or stretched to a length that the model allows."""
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", len(text))
    return text[:most] + text[-1] * (least - len(text))


def valid_structure(shape: StructureShape) -> dict[str, Any]:
    return {name: valid_value(shape.members[name]) for name in shape.required_members}


@dataclass(frozen=True, kw_only=True)
class Case:
    operation: str
    path: str
    constraint: str
    members: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.operation}-{self.path}-{self.constraint}"


Violations = Iterator[tuple[str, str, Any]]


def violations(shape: Shape, path: str) -> Violations:
    """Every way to break one constraint of a value: where, which one, and the value."""
    match shape:
        case StructureShape():
            return structure_violations(shape, path)
        case ListShape():
            return list_violations(shape, path)
        case MapShape():
            return map_violations(shape, path)
        case StringShape():
            return string_violations(shape, path)
        case _:
            return number_violations(shape, path)


def list_violations(shape: ListShape, path: str) -> Violations:
    if shape.metadata.get("min"):
        yield path, "greater than or equal to", []
    if "max" in shape.metadata:
        yield path, "less than or equal to", [valid_value(shape.member)] * (shape.metadata["max"] + 1)
    for where, constraint, value in violations(shape.member, f"{path}.1.member"):
        yield where, constraint, [value]


def map_violations(shape: MapShape, path: str) -> Violations:
    if shape.metadata.get("min"):
        yield path, "greater than or equal to", {}
    if "max" in shape.metadata:
        entries = {f"key{n}": valid_value(shape.value) for n in range(shape.metadata["max"] + 1)}
        yield path, "less than or equal to", entries
    for _, _, key in violations(shape.key, path):
        yield path, "Map keys must satisfy", {key: valid_value(shape.value)}
    name = valid_value(shape.key)
    for where, constraint, value in violations(shape.value, f"{path}.{name}.member"):
        if isinstance(shape.value, StringShape):
            yield path, "Map value must satisfy", {name: value}
        else:
            yield where, constraint, {name: value}


def string_violations(shape: StringShape, path: str) -> Violations:
    if shape.enum:
        yield path, "enum value set", "NONSENSE"
        return
    limits, text = shape.metadata, valid_string(shape)
    if limits.get("min"):
        yield path, "greater than or equal to", text[: limits["min"] - 1]
    if "max" in limits:
        yield path, "less than or equal to", text + text[-1] * (limits["max"] + 1 - len(text))
    if "pattern" in limits:
        yield path, "regular expression pattern", _fitted(MISMATCHES[limits["pattern"]], shape)


def number_violations(shape: Shape, path: str) -> Violations:
    if "min" in shape.metadata:
        yield path, "greater than or equal to", shape.metadata["min"] - 1
    if "max" in shape.metadata:
        yield path, "less than or equal to", shape.metadata["max"] + 1


def structure_violations(shape: StructureShape, path: str) -> Violations:
    if shape.is_document_type:
        return
    base = valid_structure(shape)
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        rest = {other: value for other, value in base.items() if other != name}
        yield f"{prefix}{name}", "must not be null", rest
    for name, member in shape.members.items():
        for where, constraint, value in violations(member, f"{prefix}{name}"):
            yield where, constraint, base | {name: value}
    yield f"{prefix}nonsense", "known to the service", base | {"nonsense": "x"}


def _cases() -> list[Case]:
    return [
        Case(operation=name, path=path, constraint=constraint, members=members)
        for name in IMPLEMENTED
        if (shape := operation_model(name).input_shape) is not None
        for path, constraint, members in structure_violations(shape, "")
        # Whoever calls leaves it to botocore, or to Service.call, to fill in this one.
        if (path, constraint) != ("requestId", "must not be null")
    ]


VIOLATIONS = _cases()
VALID = [(name, member) for name in IMPLEMENTED for member in getattr(operation_model(name).input_shape, "members", {})]


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalHealthOmics]:
    """One endpoint for all requests that change nothing, because they are refused."""
    with local_healthomics() as omics:
        yield omics


@pytest.fixture(scope="module")
def unchecked(shared: LocalHealthOmics) -> Iterator[OmicsClient]:
    """A client that leaves all checks to the service."""
    client = shared.client(parameter_validation=False)
    yield client
    client.close()


def test_every_run_operation_of_the_service_is_implemented() -> None:
    workflow_part = {
        name
        for name in service_model().operation_names
        if operation_model(name).endpoint == {"hostPrefix": "workflows-"}
    }

    assert workflow_part - set(IMPLEMENTED) == set()


@pytest.mark.parametrize("operation", sorted(set(service_model().operation_names) - set(IMPLEMENTED)))
def test_every_other_operation_says_that_it_is_not_implemented(operation: str, shared: LocalHealthOmics) -> None:
    with pytest.raises(ServiceError) as refused:
        shared.call(operation)
    # A client sees the same, and with a code that is none of the service's.
    http = operation_model(operation).http
    path = re.sub(r"{[^}]+}", "1", str(http["requestUri"]))
    headers = {"authorization": "AWS4-HMAC-SHA256 …"}
    response = shared.handle(Request(method=http["method"], path=path, headers=headers, body=b"{}"))

    assert refused.value.code == "OperationNotImplementedException"
    assert refused.value.message == f"{operation} is not implemented by the local HealthOmics"
    assert response.status == 501
    assert response.headers["x-amzn-ErrorType"] == "OperationNotImplementedException"
    assert operation in response.body.decode()


def test_implemented_and_other_operations_are_all_there_are() -> None:
    assert set(IMPLEMENTED) <= set(service_model().operation_names)
    assert len(service_model().operation_names) > len(IMPLEMENTED) > 30


@pytest.mark.parametrize(("operation", "member"), VALID)
def test_a_member_with_a_valid_value_passes_validation(operation: str, member: str) -> None:
    shape = operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    members = valid_structure(shape) | {member: valid_value(shape.members[member])}

    check_input(shape, members, reject_unknown=True)


@pytest.mark.parametrize("case", VIOLATIONS, ids=str)
def test_a_violated_constraint_is_refused_in_the_words_of_the_service(case: Case, shared: LocalHealthOmics) -> None:
    with pytest.raises(ServiceError) as refused:
        shared.call(case.operation, case.members)

    assert refused.value.code == "ValidationException"
    assert re.match(r"\d validation errors? detected: Value ", refused.value.message)
    # What is too short for its pattern breaks two constraints, but no other member is accused.
    assert set(re.findall(r" at '(.+?)' failed to satisfy constraint: ", refused.value.message)) == {case.path}
    assert case.constraint in refused.value.message


def _over_http() -> Iterator[Any]:
    for case in VIOLATIONS:
        shape = operation_model(case.operation).input_shape
        assert isinstance(shape, StructureShape)
        in_path = {n for n, m in shape.members.items() if m.serialization.get("location") == "uri"}
        # A missing or empty path label is another route, and botocore serializes no unknown member.
        labels = [case.members.get(name) for name in in_path]
        if all(labels) and "nonsense" not in case.path:
            yield pytest.param(case, id=str(case))


@pytest.mark.parametrize("case", list(_over_http()))
def test_a_client_that_checks_nothing_gets_the_same_refusal(case: Case, unchecked: OmicsClient) -> None:
    method = getattr(unchecked, _snake(case.operation))

    with pytest.raises(ClientError) as refused:
        method(**case.members)

    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert f" at '{case.path}' failed to satisfy constraint: " in error["Message"]


@pytest.mark.parametrize("operation", [name for name in IMPLEMENTED if idempotency_members(name)])
def test_a_request_without_its_idempotency_token_is_refused(operation: str, shared: LocalHealthOmics) -> None:
    http = operation_model(operation).http
    path = http["requestUri"].replace("{workflowId}", "1234567")
    headers = {"authorization": "AWS4-HMAC-SHA256 …"}

    response = shared.handle(Request(method=http["method"], path=path, headers=headers, body=b"{}"))

    assert response.status == 400
    assert b"Value null at 'requestId' failed to satisfy constraint: Member must not be null" in response.body


def _snake(operation: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in operation).lstrip("_")


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.wdl", "version 1.0")
    return buffer.getvalue()


DEFAULT_RUN_SETTING = {
    "roleArn": "arn:aws:iam::123456789012:role/run",
    "name": "sample",
    "outputUri": "s3://bucket/out",
    "parameters": {"sample": "NA12878"},
    "priority": 3,
    "logLevel": "ALL",
    "retentionMode": "REMOVE",
    "storageType": "STATIC",
    "storageCapacity": 1300,
    "outputBucketOwnerId": "123456789012",
    "networkingMode": "RESTRICTED",
    "scratchStorageMode": "LOCAL",
    "engineSettings": {"engineVersion": "25.10"},
    "sessionPolicy": '{"Version": "2012-10-17"}',
    "runTags": {"sample": "1"},
}
ROLE = "arn:aws:iam::123456789012:role/run"
TAGS = {"team": "blue"}
CONFIGURATION = {
    "name": "net",
    "description": "private",
    "runConfigurations": {"vpcConfig": {"securityGroupIds": ["sg-0123"], "subnetIds": ["subnet-0123"]}},
    "tags": TAGS,
}
WORKFLOW = {
    "name": "germline",
    "description": "calls variants",
    "engine": "NEXTFLOW",
    "main": "main.wdl",
    "definitionZip": _archive(),
    "parameterTemplate": {"sample": {"description": "name", "optional": False}},
    "storageType": "STATIC",
    "storageCapacity": 1300,
    "accelerators": "GPU",
    "readmeMarkdown": "# germline",
    "tags": TAGS,
    "containerRegistryMap": {"imageMappings": [{"sourceImage": "a", "destinationImage": "b"}]},
}


@dataclass(frozen=True, kw_only=True)
class Populated:
    """What is there before the calls whose responses are looked at."""

    start: dict[str, Any]
    run: dict[str, Any]
    task_id: str
    version: dict[str, Any]
    batch_id: str
    failed_batch_id: str


def _populate(omics: Service) -> Populated:
    workflow_id = omics.call("CreateWorkflow", WORKFLOW)["id"]
    omics.advance(10)
    omics.call("CreateConfiguration", CONFIGURATION)
    start = {
        "workflowId": workflow_id,
        "roleArn": ROLE,
        "outputUri": "s3://bucket/out",
        "name": "sample 1",
        "cacheId": omics.call("CreateRunCache", {"cacheS3Location": "s3://bucket/cache", "tags": TAGS})["id"],
        "cacheBehavior": "CACHE_ALWAYS",
        "runGroupId": omics.call("CreateRunGroup", {"maxRuns": 3, "maxDuration": 60, "tags": TAGS})["id"],
        "priority": 5,
        "parameters": {"sample": "NA12878"},
        "logLevel": "ALL",
        "tags": TAGS,
        "networkingMode": "VPC",
        "configurationName": "net",
        "engineSettings": {"engineVersion": "25.10"},
        "sessionPolicy": '{"Version": "2012-10-17"}',
    }
    run = omics.call("StartRun", start)
    batch_id = omics.call("StartRunBatch", _batch(start))["id"]
    twice = {"inlineSettings": [{"runSettingId": "a"}] * 2}
    failed_batch_id = omics.call("StartRunBatch", _batch(start) | {"batchRunSettings": twice})["id"]
    omics.advance(300)
    version = {"workflowId": workflow_id, "versionName": "v2"}
    omics.call("CreateWorkflowVersion", {**version, "definitionZip": _archive(), "tags": TAGS})
    task_id = omics.call("ListRunTasks", {"id": run["id"]})["items"][0]["taskId"]
    return Populated(
        start=start, run=run, task_id=task_id, version=version, batch_id=batch_id, failed_batch_id=failed_batch_id
    )


def _batch(start: Mapping[str, Any]) -> dict[str, Any]:
    """A batch of two runs, of which the second cannot be started."""
    shared = {name: start[name] for name in ("workflowId", "cacheId", "cacheBehavior")}
    own = {"runSettingId": "b", "parameters": {"unknown": 1}, "runTags": {"sample": "2"}}
    return {
        "defaultRunSetting": DEFAULT_RUN_SETTING | shared,
        "batchRunSettings": {"inlineSettings": [{"runSettingId": "a", "priority": 1}, own]},
    }


def _calls(omics: Service) -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls that succeed, with as many members as there are; every implemented operation is among them."""
    there = _populate(omics)
    start, run, version = there.start, there.run, there.version
    workflow_id = start["workflowId"]
    yield "CreateWorkflow", {"name": "other", "definitionUri": "s3://bucket/workflow.zip", "tags": TAGS}
    yield "CreateWorkflowVersion", {**version, "versionName": "v3", "definitionZip": _archive()}
    yield "CreateRunCache", {"cacheS3Location": "s3://bucket/cache", "name": "cache"}
    yield "CreateRunGroup", {"maxGpus": 1, "maxCpus": 8, "name": "group"}
    yield "CreateConfiguration", CONFIGURATION | {"name": "other"}
    yield "StartRun", start | {"name": "sample 2"}
    yield "StartRun", {"runId": run["id"], "roleArn": ROLE, "outputUri": "s3://bucket/again"}
    yield "GetRun", {"id": run["id"], "export": ["DEFINITION"]}
    yield "ListRuns", {"maxResults": 1, "status": "PENDING"}
    yield "ListRunTasks", {"id": run["id"], "maxResults": 1}
    yield "GetRunTask", {"id": run["id"], "taskId": there.task_id}
    yield "GetWorkflow", {"id": workflow_id, "export": ["DEFINITION", "README"]}
    yield "GetWorkflow", {"id": "9500764", "type": "READY2RUN"}
    yield "GetWorkflowVersion", {**version, "export": ["DEFINITION"]}
    yield "ListWorkflows", {"maxResults": 1}
    yield "ListWorkflows", {"type": "READY2RUN"}
    yield "ListWorkflowVersions", {"workflowId": workflow_id}
    yield "UpdateWorkflow", {"id": workflow_id, "description": "changed"}
    yield "UpdateWorkflowVersion", {**version, "description": "changed"}
    yield "GetRunCache", {"id": start["cacheId"]}
    yield "ListRunCaches", {"maxResults": 1}
    yield "UpdateRunCache", {"id": start["cacheId"], "name": "renamed"}
    yield "GetRunGroup", {"id": start["runGroupId"]}
    yield "ListRunGroups", {}
    yield "UpdateRunGroup", {"id": start["runGroupId"], "maxRuns": 4}
    yield "GetConfiguration", {"name": "net"}
    yield "ListConfigurations", {"maxResults": 1}
    yield "TagResource", {"resourceArn": run["arn"], "tags": {"a": "b"}}
    yield "ListTagsForResource", {"resourceArn": run["arn"]}
    yield "UntagResource", {"resourceArn": run["arn"], "tagKeys": ["a"]}
    yield "CancelRun", {"id": run["id"]}
    yield from _batch_calls(omics, there)
    yield "GetRun", {"id": run["id"]}
    yield "DeleteRun", {"id": run["id"]}
    yield "DeleteRunGroup", {"id": start["runGroupId"]}
    yield "DeleteRunCache", {"id": start["cacheId"]}
    yield "DeleteConfiguration", {"name": "net"}
    yield "DeleteWorkflowVersion", version
    yield "DeleteWorkflow", {"id": workflow_id}


def _batch_calls(omics: Service, there: Populated) -> Iterator[tuple[str, dict[str, Any]]]:
    batch = {"batchId": there.batch_id}
    yield "StartRunBatch", _batch(there.start) | {"batchName": "cohort", "tags": TAGS}
    yield "GetBatch", batch
    yield "GetBatch", {"batchId": there.failed_batch_id}
    yield "ListBatch", {"maxItems": 1}
    yield "ListRuns", batch
    yield "ListRunsInBatch", {**batch, "maxItems": 1}
    yield "ListRunsInBatch", {**batch, "submissionStatus": "FAILED"}
    yield "CancelRunBatch", batch
    omics.run_until_idle()
    yield "GetBatch", batch
    yield "DeleteRunBatch", batch
    omics.run_until_idle()
    yield "ListRunsInBatch", batch
    yield "DeleteBatch", batch


def test_every_response_is_one_that_the_model_allows(healthomics: LocalHealthOmics) -> None:
    client = healthomics.client()
    bodies: list[bytes] = []
    client.meta.events.register("before-parse.omics", lambda response_dict, **_: bodies.append(response_dict["body"]))
    seen: set[str] = set()

    for operation, members in _calls(healthomics):
        response = getattr(client, _snake(operation))(**members)

        seen.add(operation)
        model = operation_model(operation)
        assert response["ResponseMetadata"]["HTTPStatusCode"] == model.http["responseCode"], operation
        if model.output_shape is not None and model.http["responseCode"] != 204:
            _assert_allowed(model.output_shape, json.loads(bodies[-1]))
        else:
            assert bodies[-1] == b"", operation

    assert seen == set(IMPLEMENTED)
    client.close()


def _assert_allowed(shape: StructureShape, document: dict[str, Any]) -> None:
    """The document passes the checks of the model, dates and digests aside."""
    check_input(shape, _without(document, {"digest"}), reject_unknown=True)


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value
