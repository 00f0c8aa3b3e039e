"""Requests that the service model allows, as hypothesis strategies made from the model; and what it forbids."""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.serialize import create_serializer
from hypothesis import strategies as st

from healthomics_local.endpoint.messages import Request
from healthomics_local.endpoint.service_model import operation_model, service_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/omics/aws4_request"}
TAG_OPERATIONS = ("TagResource", "UntagResource", "ListTagsForResource")
PATTERN_OF_TEXT = re.compile(r"\[(\\p\{[LMZSNP]\}\|?\|?)+(\\t\\n\\r)?\]\+")
CLASSES_OF_TEXT = "LMZSNP"


def _zip(name: str, content: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


SENSIBLE: dict[str, list[Any]] = {
    "roleArn": ["arn:aws:iam::123456789012:role/run"],
    "outputUri": ["s3://bucket/out", "s3://bucket/out/"],
    "cacheS3Location": ["s3://bucket/cache"],
    "workflowType": ["PRIVATE"],
    "networkingMode": ["RESTRICTED"],
    "sessionPolicy": ['{"Version": "2012-10-17"}'],
    "definitionZip": [_zip("main.wdl", "version 1.0"), _zip("main.cwl", "cwlVersion: v1.2"), _zip("main.nf", "")],
    "engine": ["WDL", "NEXTFLOW"],
}
"""Values that rules beyond the model allow; without them hardly a request would come through."""
NEEDED = {
    "StartRunRequest": ("workflowId",),
    "DefaultRunSetting": ("workflowId",),
    "BatchRunSettings": ("inlineSettings",),
    "CreateWorkflowRequest": ("definitionZip", "engine"),
    "CreateWorkflowVersionRequest": ("definitionZip",),
}
"""What the rules beyond the model require."""
REFERENCES = {
    "workflowId": "workflow",
    "runId": "run",
    "runGroupId": "runGroup",
    "cacheId": "runCache",
    "batchId": "runBatch",
    "configurationName": "configuration",
    "resourceArn": "arn",
}
"""What a member names, where the operation's path does not say it."""


class World:
    """What there is, as far as the answers have said: for each kind of resource its ids."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def names(self, operation: str, member: str) -> list[str]:
        """What a member may name."""
        kind = _collection(operation) if member in {"id", "name"} else REFERENCES.get(member, member)
        return self._known.get(kind, [])

    def learn(self, operation: str, document: Mapping[str, Any]) -> None:
        """Remember what the answer of an operation speaks of."""
        for resource in (document, *document.get("items", ()), *document.get("runs", ())):
            for member in ("id", "name", "arn", "taskId", "versionName", "nextToken"):
                if member in resource:
                    kind = _collection(operation) if member in {"id", "name"} else member
                    kind = "startingToken" if member == "nextToken" else kind
                    known = self._known.setdefault(kind, [])
                    # A name is what a configuration is found by; anything else has an id.
                    if (member != "name" or kind == "configuration") and resource[member] not in known:
                        known.append(resource[member])


def _collection(operation: str) -> str:
    return str(operation_model(operation).http["requestUri"]).split("/")[1]


# Halves of surrogate pairs, NaN and infinity, too: Python writes them, though they are no JSON.
_TEXT = st.text(st.characters(), max_size=9)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**4000) | st.floats() | _TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(_TEXT, children, max_size=4),
    max_leaves=8,
)


def workflow_operations() -> list[str]:
    """The operations of the workflow-run part of the service, and those on tags."""
    service = service_model()
    return [
        name
        for name in service.operation_names
        if operation_model(name).endpoint == {"hostPrefix": "workflows-"} or name in TAG_OPERATIONS
    ]


def members_of(operation: str, world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Members that satisfy the model, and mostly name what there is."""
    shape = operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    return _structure(shape, lambda member: [*SENSIBLE.get(member, ()), *world.names(operation, member)])


def to_request(operation: str, members: dict[str, Any]) -> Request:
    """The request that botocore makes of members."""
    model = operation_model(operation)
    serialized = create_serializer("rest-json", include_validation=False).serialize_to_request(members, model)
    body = serialized["body"]
    return Request(
        method=serialized["method"],
        path=serialized["url_path"],
        query=urlencode(serialized["query_string"], doseq=True),
        headers=SIGNED,
        body=body if isinstance(body, bytes) else body.encode(),
    )


def body_members(model: OperationModel) -> dict[str, Shape]:
    """The members that travel in the body."""
    shape = model.input_shape
    assert isinstance(shape, StructureShape)
    return {name: member for name, member in shape.members.items() if "location" not in member.serialization}


def wrong_values(shape: Shape) -> st.SearchStrategy[Any]:
    """JSON values of a type that the shape does not have."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(max_size=5),
        "integer": st.integers(),
        "float": st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer()),
        "boolean": st.booleans(),
        "list": st.lists(st.integers(), max_size=2),
        "structure": st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    }
    same = {"map": "structure", "blob": "string", "long": "integer"}.get(shape.type_name, shape.type_name)
    return st.one_of(*(strategy for kind, strategy in values.items() if kind != same))


def _structure(shape: StructureShape, sensible: Callable[[str], list[Any]]) -> st.SearchStrategy[Any]:
    if shape.is_document_type:
        return st.dictionaries(st.sampled_from(["sample", "x"]) | st.text(max_size=9), JSON_VALUES, max_size=3)
    needed = {*shape.required_members, *NEEDED.get(shape.name, ())}
    others = sorted(shape.members.keys() - needed)
    # With many members at once hardly a request would keep the rules between them.
    chosen = st.lists(st.sampled_from(others), unique=True, max_size=2) if others else st.just([])
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries(
            {
                name: _mostly([each for each in sensible(name) if _allows(member, each)], _value(member, sensible))
                for name, member in shape.members.items()
                if name in needed or name in names
            }
        )
    )


def _value(shape: Shape, sensible: Callable[[str], list[Any]]) -> st.SearchStrategy[Any]:
    match shape:
        case StructureShape():
            return _structure(shape, sensible)
        case ListShape():
            return st.lists(_value(shape.member, sensible), **_sizes(shape, 3))
        case MapShape():
            return st.dictionaries(_value(shape.key, sensible), _value(shape.value, sensible), **_sizes(shape, 3))
        case StringShape():
            return _string(shape)
        case _:
            return _scalar(shape)


def _scalar(shape: Shape) -> st.SearchStrategy[Any]:
    if shape.type_name in {"integer", "long"}:
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10**6)
        return st.integers(least, most) | st.sampled_from([least, most])
    return st.booleans() if shape.type_name == "boolean" else st.binary(max_size=50)


def _sizes(shape: Shape, usual: int) -> dict[str, int]:
    least = shape.metadata.get("min", 0)
    return {"min_size": least, "max_size": min(shape.metadata.get("max", usual), max(usual, least))}


def _string(shape: StringShape) -> st.SearchStrategy[str]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    pattern = shape.metadata.get("pattern")
    sizes = _sizes(shape, 40)
    if pattern is None:
        return st.text(**sizes)
    if PATTERN_OF_TEXT.fullmatch(pattern):
        return st.text(st.characters(categories=list(CLASSES_OF_TEXT)), **sizes)
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10**9)
    return st.from_regex(_compiled(pattern), fullmatch=True).filter(lambda text: least <= len(text) <= most)


def _mostly(chosen: Sequence[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of the chosen values, three times in four."""
    if not chosen:
        return other
    return st.integers(0, 3).flatmap(lambda dice: st.sampled_from(chosen) if dice < 3 else other)


def _allows(shape: Shape, value: Any) -> bool:
    """Whether the model allows a sensible value, which may be of another member of the same name."""
    if not isinstance(shape, StringShape) or not isinstance(value, str):
        return True
    pattern = shape.metadata.get("pattern")
    if not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", 10**9):
        return False
    if pattern is None or PATTERN_OF_TEXT.fullmatch(pattern):
        return all(unicodedata.category(character)[0] in CLASSES_OF_TEXT for character in value)
    return _compiled(pattern).fullmatch(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("||", "|"), re.ASCII)


def with_body(request: Request, document: Any) -> Request:
    """The same request with another body."""
    return Request(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.headers,
        body=json.dumps(document).encode(),
    )
