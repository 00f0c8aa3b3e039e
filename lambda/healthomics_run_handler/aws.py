"""The only module that talks to AWS: boto3 behind the ports."""

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, not the built-in
    HTTPClientError,
    ParamValidationError,
)

from healthomics_run_handler.contract import SERVICE_MODEL_DIRECTORY
from healthomics_run_handler.errors import PARAM_VALIDATION, ApiError
from healthomics_run_handler.ports import ResourceState

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_omics import OmicsClient

P = ParamSpec("P")
T = TypeVar("T")

# The protocol retries, with the same request id and an eye on the clock; the SDK must not do so behind its back.
CONFIG = Config(
    connect_timeout=5,
    read_timeout=15,
    retries={"mode": "standard", "total_max_attempts": 1},
    user_agent_extra="cdk-healthomics",
)
_STACK_GONE = "does not exist"


def use_own_service_model() -> None:
    """Point boto3 to the omics service model in this asset: newest StartRun members on any runtime's SDK."""
    models = Path(__file__).resolve().parent.parent / SERVICE_MODEL_DIRECTORY
    if models.is_dir():
        paths = [str(models), os.environ.get("AWS_DATA_PATH", "")]
        os.environ["AWS_DATA_PATH"] = os.pathsep.join(filter(None, paths))


class SystemClock:
    """The real time."""

    def now(self) -> float:
        """Return the time, in epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def translated(operation: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Turn botocore's exceptions into :class:`ApiError`."""

    def decorate(call: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(call)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return call(*args, **kwargs)
            except ClientError as error:
                raise api_error(operation, error) from error
            except ParamValidationError as error:
                raise ApiError(operation, PARAM_VALIDATION, str(error), status=400) from error
            except (HTTPClientError, ConnectionError) as error:
                raise ApiError(operation, "ConnectionError", str(error), status=0) from error
            except BotoCoreError as error:
                raise ApiError(operation, type(error).__name__, str(error), status=400) from error

        return wrapper

    return decorate


def api_error(operation: str, error: ClientError) -> ApiError:
    """Read a botocore ClientError."""
    details = error.response.get("Error", {})
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    headers: Mapping[str, str] = metadata.get("HTTPHeaders") or {}
    return ApiError(
        operation,
        str(details.get("Code") or "UnknownError"),
        str(details.get("Message") or ""),
        status=int(metadata.get("HTTPStatusCode") or 0),
        retry_after=_seconds(headers.get("retry-after")),
    )


def _seconds(text: str | None) -> float | None:
    try:
        return max(float(text), 0.0) if text else None
    except ValueError:
        return None  # a date: the backoff will do


class BotoOmics:
    """HealthOmics through boto3; the client is made when it is first needed."""

    @functools.cached_property
    def _client(self) -> "OmicsClient":
        return boto3.client("omics", config=CONFIG)

    @translated("StartRun")
    def start_run(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call StartRun."""
        return self._client.start_run(**request)

    @translated("GetRun")
    def get_run(self, run_id: str) -> Mapping[str, Any]:
        """Call GetRun."""
        return self._client.get_run(id=run_id)

    @translated("ListRuns")
    def list_runs(self, *, name: str, status: str | None) -> Iterator[Mapping[str, Any]]:
        """Call ListRuns, page after page."""
        filters: dict[str, Any] = {"name": name, **({"status": status} if status else {})}
        pages = self._client.get_paginator("list_runs").paginate(**filters)
        return iter([item for page in pages for item in page["items"]])

    @translated("CancelRun")
    def cancel_run(self, run_id: str) -> None:
        """Call CancelRun."""
        self._client.cancel_run(id=run_id)

    @translated("DeleteRun")
    def delete_run(self, run_id: str) -> None:
        """Call DeleteRun."""
        self._client.delete_run(id=run_id)

    @translated("TagResource")
    def tag_run(self, arn: str, tags: Mapping[str, str]) -> None:
        """Call TagResource."""
        self._client.tag_resource(resourceArn=arn, tags=dict(tags))

    @translated("UntagResource")
    def untag_run(self, arn: str, keys: Sequence[str]) -> None:
        """Call UntagResource."""
        self._client.untag_resource(resourceArn=arn, tagKeys=list(keys))


class BotoStacks:
    """CloudFormation through boto3; the client is made when it is first needed."""

    @functools.cached_property
    def _client(self) -> "CloudFormationClient":
        return boto3.client("cloudformation", config=CONFIG)

    def resource(self, stack_id: str, logical_id: str) -> ResourceState:
        """Call DescribeStackResource; a stack or resource that is not there counts as deleted."""
        try:
            detail = self._describe_resource(stack_id, logical_id)
        except ApiError as error:
            if error.code == "ValidationError" and _STACK_GONE in error.message:
                return ResourceState(status="DELETE_COMPLETE", physical_id=None)
            raise
        changed = detail.get("LastUpdatedTimestamp")
        return ResourceState(
            status=detail["ResourceStatus"],
            physical_id=detail.get("PhysicalResourceId") or None,
            changed=changed.timestamp() if changed is not None else None,
        )

    def stack_status(self, stack_id: str) -> str:
        """Call DescribeStacks; a stack that is not there counts as deleted."""
        try:
            return str(self._describe_stack(stack_id)["StackStatus"])
        except ApiError as error:
            if error.code == "ValidationError" and _STACK_GONE in error.message:
                return "DELETE_COMPLETE"
            raise

    def last_update(self, stack_id: str) -> float | None:
        """Call DescribeStacks; CloudFormation returns the member only if the stack was updated at least once."""
        updated = self._describe_stack(stack_id).get("LastUpdatedTime")
        return updated.timestamp() if updated is not None else None

    @translated("DescribeStackResource")
    def _describe_resource(self, stack_id: str, logical_id: str) -> Mapping[str, Any]:
        response = self._client.describe_stack_resource(StackName=stack_id, LogicalResourceId=logical_id)
        return response["StackResourceDetail"]

    @translated("DescribeStacks")
    def _describe_stack(self, stack_id: str) -> Mapping[str, Any]:
        return self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
