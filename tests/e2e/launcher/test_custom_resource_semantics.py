"""Custom resources behind the launcher behave as on AWS, where MiniStack by itself does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Server, Stack

pytestmark = pytest.mark.e2e


def test_the_event_has_what_cloudformation_sends(stack: Stack) -> None:
    status = stack.create({"R": stack.resource(Flag=True, Count=4, Nested={"Ratio": 0.5})})

    assert status == "CREATE_COMPLETE"
    event = stack.events()[0]
    assert event["ServiceToken"] == stack.provider_arn
    assert event["ResponseURL"].startswith("http://127.0.0.1:")
    assert event["ResourceProperties"]["Flag"] == "true"
    assert event["ResourceProperties"]["Count"] == "4"
    assert event["ResourceProperties"]["Nested"] == {"Ratio": "0.5"}
    assert "PhysicalResourceId" not in event


def test_attributes_reach_outputs_as_strings(stack: Stack) -> None:
    outputs = {name: {"Value": {"Fn::GetAtt": ["R", name]}} for name in ("Flag", "Count", "Text")}

    stack.create({"R": stack.resource()}, outputs)

    values = {output["OutputKey"]: output["OutputValue"] for output in stack.describe()["Outputs"]}
    assert values == {"Flag": "true", "Count": "3", "Text": "text"}


def test_a_failed_create_is_deleted_under_the_id_of_the_failed_answer(stack: Stack) -> None:
    status = stack.create({"R": stack.resource(OnCreate="fail half-made")})

    assert status == "ROLLBACK_COMPLETE"
    assert stack.requests() == [("Create", None), ("Delete", "half-made")]
    assert "Received response status [FAILED] from custom resource. Message returned: told to fail" in stack.reasons()


def test_a_create_without_an_answer_times_out_and_is_deleted_under_an_invented_id(stack: Stack) -> None:
    status = stack.create({"Quiet": stack.resource(OnCreate="silent", ServiceTimeout=1)})

    assert status == "ROLLBACK_COMPLETE"
    create, delete = stack.requests()
    assert create == ("Create", None)
    assert delete[0] == "Delete"
    assert (delete[1] or "").startswith(f"{stack.name}-Quiet-")
    assert "CloudFormation did not receive a response from your custom resource" in stack.reasons()


def test_a_crashing_function_is_invoked_three_times_with_the_same_request(stack: Stack) -> None:
    stack.create({"R": stack.resource(OnCreate="crash", ServiceTimeout=5)})

    creates = [event for event in stack.events() if event["RequestType"] == "Create"]
    assert len(creates) == 3
    assert len({event["RequestId"] for event in creates}) == 1


def test_the_first_valid_answer_wins(stack: Stack) -> None:
    status = stack.create({"R": stack.resource(OnCreate="ok first, fail second")})

    assert status == "CREATE_COMPLETE"
    resource = stack.client.describe_stack_resource(StackName=stack.name, LogicalResourceId="R")
    assert resource["StackResourceDetail"]["PhysicalResourceId"] == "first"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId", id="empty id"),
        pytest.param({"PhysicalResourceId": "x" * 1025}, "Invalid PhysicalResourceId", id="long id"),
        pytest.param({"Status": "DONE"}, "Status must be SUCCESS or FAILED", id="unknown status"),
        pytest.param({"RequestId": "other"}, "RequestId does not match", id="another request"),
        pytest.param({"Data": {"Long": "x" * 4096}}, "Response object is too long.", id="too long"),
    ],
)
def test_an_invalid_answer_fails_the_resource(stack: Stack, answer: dict[str, str], reason: str) -> None:
    status = stack.create({"R": stack.resource(Answer=json.dumps(answer))})

    # The same provider answers the Delete as badly, so the rollback cannot finish either.
    assert status == "ROLLBACK_FAILED"
    assert reason in stack.reasons()


def test_a_replacement_deletes_the_old_id_afterwards(stack: Stack) -> None:
    stack.create({"R": stack.resource(OnCreate="ok one")})

    status = stack.update({"R": stack.resource(OnUpdate="ok two")})

    assert status == "UPDATE_COMPLETE"
    assert stack.requests() == [("Create", None), ("Update", "one"), ("Delete", "one")]


def test_a_failed_update_is_sent_back_under_the_id_of_the_failed_answer(stack: Stack) -> None:
    stack.create({"R": stack.resource(OnCreate="ok one", OnUpdate="ok one")})

    status = stack.update({"R": stack.resource(OnUpdate="fail two", OnDelete="ok")})

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    # The rollback answers with the old id, so the adopted one is superseded and deleted.
    assert stack.requests() == [("Create", None), ("Update", "one"), ("Update", "two"), ("Delete", "two")]
    resource = stack.client.describe_stack_resource(StackName=stack.name, LogicalResourceId="R")
    assert resource["StackResourceDetail"]["PhysicalResourceId"] == "one"


def test_a_replaced_resource_is_sent_back_when_another_resource_fails(stack: Stack) -> None:
    stack.create({"A": stack.resource(OnCreate="ok one", OnUpdate="ok one")})
    failing = {**stack.resource(OnCreate="fail b"), "DependsOn": "A"}

    status = stack.update({"A": stack.resource(OnUpdate="ok two"), "B": failing})

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert [request for request in stack.requests() if request != ("Delete", "b")] == [
        ("Create", None),
        ("Update", "one"),
        ("Create", None),
        ("Update", "two"),
        ("Delete", "two"),
    ]
    resource = stack.client.describe_stack_resource(StackName=stack.name, LogicalResourceId="A")
    assert resource["StackResourceDetail"]["PhysicalResourceId"] == "one"


def test_another_service_token_is_refused(stack: Stack) -> None:
    stack.create({"R": stack.resource()})
    changed = stack.resource()
    changed["Properties"]["ServiceToken"] = f"{stack.provider_arn}-other"

    status = stack.update({"R": changed})

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert "Modifying service token is not allowed." in stack.reasons()
    assert [kind for kind, _ in stack.requests()].count("Create") == 1


def test_without_rollback_the_failed_resource_stays_and_is_deleted_with_the_stack(stack: Stack) -> None:
    assert stack.create({"R": stack.resource(OnCreate="fail half-made")}, DisableRollback=True) == "CREATE_FAILED"

    assert stack.delete() == "DELETE_COMPLETE"

    assert stack.requests() == [("Create", None), ("Delete", "half-made")]


def test_a_resource_is_shown_as_in_progress_while_its_provider_works(stack: Stack) -> None:
    stack.client.create_stack(
        StackName=stack.name,
        TemplateBody=json.dumps({"Resources": {"R": stack.resource(OnCreate="silent", ServiceTimeout=2)}}),
    )
    while not stack.events():
        pass

    detail = stack.client.describe_stack_resource(StackName=stack.name, LogicalResourceId="R")["StackResourceDetail"]

    assert detail["ResourceStatus"] == "CREATE_IN_PROGRESS"
    assert detail["ResourceType"] == "Custom::Thing"
    assert stack.wait() == "ROLLBACK_COMPLETE"


def test_what_a_function_logs_reaches_its_log_group(server: Server, stack: Stack) -> None:
    stack.create({"R": stack.resource()})

    logs = server.client("logs")
    messages = [event["message"] for event in logs.filter_log_events(logGroupName="/aws/lambda/provider")["events"]]
    assert any("handling Create" in message for message in messages)
