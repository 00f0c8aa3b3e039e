"""boto3 behind the waiter's ports."""

import functools
from typing import TYPE_CHECKING

import boto3

from healthomics_run_handler.aws import CONFIG, translated
from healthomics_run_handler.errors import ApiError
from healthomics_run_waiter.stack_state import StackResource, StackState

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef
    from mypy_boto3_events import EventBridgeClient

_STACK_GONE = "does not exist"


class BotoStacks:
    """CloudFormation; the client is made when it is first needed."""

    @functools.cached_property
    def _client(self) -> "CloudFormationClient":
        return boto3.client("cloudformation", config=CONFIG)

    def state(self, stack_id: str) -> StackState:
        """Call DescribeStacks; a stack that is not there counts as deleted."""
        try:
            return self._state(stack_id)
        except ApiError as error:
            if error.code == "ValidationError" and _STACK_GONE in error.message:
                return StackState(status="DELETE_COMPLETE", began_at=0.0)
            raise

    @translated("DescribeStacks")
    def _state(self, stack_id: str) -> StackState:
        stack = self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
        began_at = stack.get("LastUpdatedTime") or stack["CreationTime"]
        return StackState(status=stack["StackStatus"], began_at=began_at.timestamp())

    @translated("ListStackResources")
    def resources(self, stack_id: str) -> list[StackResource]:
        """Call ListStackResources, page after page."""
        found: list[StackResource] = []
        for page in self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id):
            found += [_resource(summary) for summary in page["StackResourceSummaries"]]
        return found

    @translated("SignalResource")
    def signal(self, stack_id: str, logical_id: str, unique_id: str) -> None:
        """Call SignalResource: success."""
        self._client.signal_resource(
            StackName=stack_id, LogicalResourceId=logical_id, UniqueId=unique_id, Status="SUCCESS"
        )


class BotoSchedule:
    """EventBridge; the client is made when it is first needed."""

    @functools.cached_property
    def _client(self) -> "EventBridgeClient":
        return boto3.client("events", config=CONFIG)

    @translated("EnableRule")
    def enable(self, rule_name: str) -> None:
        """Call EnableRule."""
        self._client.enable_rule(Name=rule_name)

    @translated("DisableRule")
    def disable(self, rule_name: str) -> None:
        """Call DisableRule."""
        self._client.disable_rule(Name=rule_name)


def _resource(summary: "StackResourceSummaryTypeDef") -> StackResource:
    return StackResource(
        logical_id=summary["LogicalResourceId"],
        resource_type=summary["ResourceType"],
        status=summary["ResourceStatus"],
        physical_id=summary.get("PhysicalResourceId") or "",
        changed_at=summary["LastUpdatedTimestamp"].timestamp(),
    )
