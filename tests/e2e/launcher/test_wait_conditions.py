"""Wait conditions are there while they wait, so that who is to signal them finds them; schedules go by the speed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .test_binding import in_ministacks_environment

if TYPE_CHECKING:
    from .conftest import Stack

pytestmark = pytest.mark.e2e


def waiting_for(timeout: str) -> dict[str, Any]:
    policy = {"ResourceSignal": {"Count": 1, "Timeout": timeout}}
    return {"Type": "AWS::CloudFormation::WaitCondition", "CreationPolicy": policy}


def begin(stack: Stack, timeout: str) -> None:
    body = json.dumps({"Resources": {"Wait": waiting_for(timeout)}})
    stack.client.create_stack(StackName=stack.name, TemplateBody=body)


def listed(stack: Stack) -> list[tuple[str, str]]:
    summaries = stack.client.list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    return [(each["LogicalResourceId"], each["ResourceStatus"]) for each in summaries]


def wait_until_listed(stack: Stack) -> None:
    deadline = time.monotonic() + 60
    while listed(stack) != [("Wait", "CREATE_IN_PROGRESS")]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_wait_condition_is_listed_while_it_waits_and_goes_on_with_a_signal(stack: Stack) -> None:
    begin(stack, "PT5M")
    wait_until_listed(stack)

    stack.client.signal_resource(StackName=stack.name, LogicalResourceId="Wait", UniqueId="1", Status="SUCCESS")

    assert stack.wait() == "CREATE_COMPLETE"
    assert listed(stack) == [("Wait", "CREATE_COMPLETE")]


def test_a_wait_condition_that_times_out_leaves_nothing_to_delete(stack: Stack) -> None:
    begin(stack, "PT1S")

    assert stack.wait() == "ROLLBACK_COMPLETE"
    assert listed(stack) == []
    assert stack.delete() == "DELETE_COMPLETE"


def test_rates_and_the_look_at_them_go_by_the_speed() -> None:
    code = """
from ministack.services import eventbridge
binding.MiniStack().speed_up_schedules(100.0, shortest_seconds=1.0)
parse = eventbridge._parse_rate_seconds
print(*map(parse, ["rate(5 minutes)", "rate(1 minute)", "cron(0 0 * * ? *)"]), eventbridge._SCHEDULER_TICK_INTERVAL)
"""

    assert in_ministacks_environment(code) == "3.0 1.0 None 0.5"


def test_at_the_pace_of_aws_nothing_changes() -> None:
    code = """
from ministack.services import eventbridge
binding.MiniStack().speed_up_schedules(1.0, shortest_seconds=1.0)
print(eventbridge._parse_rate_seconds("rate(5 minutes)"), eventbridge._SCHEDULER_TICK_INTERVAL)
"""

    assert in_ministacks_environment(code) == "300.0 10.0"
