from datetime import UTC, datetime
from typing import Any

import pytest

from healthomics_local.endpoint import run_request
from healthomics_local.endpoint.errors import ValidationException
from healthomics_local.endpoint.records import Workflow
from healthomics_local.endpoint.settings import RunOutputLayout, Settings

MEMBERS = {"workflowId": "1", "roleArn": "arn:x", "outputUri": "s3://bucket/out", "requestId": "1"}


def workflow(**changes: Any) -> Workflow:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    return Workflow(
        **{"workflow_id": "1", "uuid": "u", "arn": "arn:w", "sequence": 1, "creation_time": created} | changes
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"runId": "2"}, "Exactly one of workflowId and runId", id="both ids"),
        pytest.param({"workflowId": None}, "Exactly one of workflowId and runId", id="no id"),
        pytest.param({"outputUri": "bucket/out"}, "outputUri must be an S3 URI", id="no S3 URI"),
        pytest.param({"outputUri": "s3:///out"}, "outputUri must be an S3 URI", id="no bucket"),
        pytest.param({"parameters": ["a"]}, "parameters must be a JSON object", id="list of parameters"),
        pytest.param({"parameters": {"a": "x" * 50_000}}, "must not exceed 50000 bytes", id="parameters too large"),
        pytest.param({"tags": {f"k{n}": "" for n in range(51)}}, "at most 50 tags", id="51 tags"),
        pytest.param({"tags": {"AWS:x": ""}}, "aws: prefixed tag", id="reserved tag"),
        pytest.param({"sessionPolicy": "allow"}, "sessionPolicy must be", id="policy is no JSON"),
        pytest.param({"engineSettings": "x"}, "engineSettings must be", id="engine settings as text"),
    ],
)
def test_members_that_no_run_can_have_are_refused(changes: dict[str, Any], message: str) -> None:
    members = {name: value for name, value in {**MEMBERS, **changes}.items() if value is not None}

    with pytest.raises(ValidationException, match=message):
        run_request.check_members(members)


def test_what_is_just_within_the_limits_is_accepted() -> None:
    parameters = {"a": "é" * 24_996}  # with its frame, 50,000 bytes of UTF-8

    run_request.check_members({**MEMBERS, "parameters": parameters, "tags": {f"k{n}": "" for n in range(50)}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"cacheBehavior": "CACHE_ALWAYS"}, "requires cacheId", id="behaviour without cache"),
        pytest.param({"networkingMode": "VPC"}, "requires configurationName", id="VPC without configuration"),
        pytest.param({"workflowType": "READY2RUN", "storageCapacity": 1200}, "storageCapacity", id="capacity"),
        pytest.param({"workflowType": "READY2RUN", "storageType": "STATIC"}, "storageType", id="static"),
        pytest.param({"workflowType": "READY2RUN", "cacheId": "1"}, "run cache", id="cache"),
    ],
)
def test_combinations_that_no_run_can_have_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        run_request.check_combination(MEMBERS | changes)


def test_parameters_are_compared_with_the_template() -> None:
    template = {"reads": {"description": "", "optional": False}, "threads": {"optional": True}}

    run_request.check_parameters({"reads": 1}, workflow(parameter_template=template))
    run_request.check_parameters({"anything": 1}, workflow(parameter_template=None))
    with pytest.raises(ValidationException, match=r"not in the parameter template.*: raeds"):
        run_request.check_parameters({"reads": 1, "raeds": 1}, workflow(parameter_template=template))
    with pytest.raises(ValidationException, match="are missing: reads"):
        run_request.check_parameters({"threads": 1}, workflow(parameter_template=template))


@pytest.mark.parametrize(
    ("asked", "provisioned"), [(0, 1200), (1, 1200), (1200, 1200), (1201, 2400), (2400, 2400), (2401, 4800)]
)
def test_static_storage_is_rounded_up(asked: int, provisioned: int) -> None:
    assert run_request.rounded_capacity(asked) == provisioned


def test_dynamic_storage_has_no_capacity() -> None:
    effective = run_request.with_defaults(
        {**MEMBERS, "storageType": "DYNAMIC", "storageCapacity": 1200}, workflow(), Settings()
    )

    assert "storageCapacity" not in effective


def test_the_workflow_and_then_the_settings_say_what_storage_a_run_gets() -> None:
    dynamic = Settings(default_storage_type="DYNAMIC")

    assert run_request.with_defaults(MEMBERS, workflow(), Settings())["storageCapacity"] == 1200
    assert run_request.with_defaults(MEMBERS, workflow(), dynamic)["storageType"] == "DYNAMIC"
    own = workflow(storage_type="STATIC", storage_capacity=3000)
    assert run_request.with_defaults(MEMBERS, own, dynamic)["storageCapacity"] == 4800


def test_engine_settings_exist_for_nextflow_only() -> None:
    members = {**MEMBERS, "engineSettings": {"engineVersion": "25.10"}}

    assert "engineSettings" not in run_request.with_defaults(members, workflow(engine="WDL"), Settings())
    assert run_request.engine_version(members, workflow(engine="WDL")) is None
    assert run_request.engine_version(members, workflow(engine="NEXTFLOW")) == "25.10.0"


@pytest.mark.parametrize(
    ("output_uri", "mode", "layout", "expected"),
    [
        ("s3://b/out", "SERVICE_DEFINED", RunOutputLayout.RUN_ID, "s3://b/out/7"),
        ("s3://b/out/", "SERVICE_DEFINED", RunOutputLayout.RUN_ID, "s3://b/out/7"),
        ("s3://b", "SERVICE_DEFINED", RunOutputLayout.RUN_ID_AND_UUID, "s3://b/7/u"),
        ("s3://b/out/", "NONE_WITH_OVERWRITE", RunOutputLayout.RUN_ID, "s3://b/out/"),
    ],
)
def test_the_run_output_uri_depends_on_the_prefix_mode(
    output_uri: str, mode: str, layout: RunOutputLayout, expected: str
) -> None:
    members = {"outputUri": output_uri, "outputUriPrefixMode": mode}

    assert run_request.run_output_uri(members, run_id="7", run_uuid="u", layout=layout) == expected
