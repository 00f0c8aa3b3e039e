"""What each custom resource request is answered."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from handler_fakes import DENIED, LOST, STACK_ID, api_error
from healthomics_run_handler.delivery import UndeliveredError
from healthomics_run_waiter import contract
from healthomics_run_waiter.answering import handle_request
from healthomics_run_waiter.texts import log_link
from waiter_fakes import RULE, FakeCloud

OUTPUT_URI = "s3://results/1000001"
ATTRIBUTES = {"OutputsUri", "RunOutputUri", "RunStatus", "FailureReason", "StartTime", "StopTime"}


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


def properties(uuid: str, run_id: str = "1000001", **changes: Any) -> dict[str, Any]:
    return {
        "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:waiter",
        contract.RUN: "Alignment",
        contract.RUN_ID: run_id,
        contract.RUN_UUID: uuid,
        contract.RUN_OUTPUT_URI: OUTPUT_URI,
        contract.REQUIRE: ["COMPLETED"],
        contract.SECONDS: "43200",
        contract.WAIT_CONDITION: "wait-1",
        **changes,
    }


def request(
    request_type: str,
    asked: Mapping[str, Any],
    *,
    old: Mapping[str, Any] | None = None,
    physical_id: str = "",
    resource_type: str = contract.COMPLETION_TYPE,
    url: str = "https://response.example/r?X-Amz-Signature=5ecret",
) -> dict[str, Any]:
    return {
        "RequestType": request_type,
        "StackId": STACK_ID,
        "LogicalResourceId": "Completion",
        "RequestId": "request-1",
        "ResponseURL": url,
        "ResourceType": resource_type,
        "ResourceProperties": dict(asked),
        **({"OldResourceProperties": dict(old)} if old is not None else {}),
        **({"PhysicalResourceId": physical_id} if physical_id else {}),
    }


def answers(cloud: FakeCloud, event: Any, *, seconds: float = 870.0, statuses: tuple[int, ...] = (200,)) -> list[Any]:
    """The bodies that were put while the request was handled."""
    bodies: list[bytes] = []
    left = list(statuses)

    def put(url: str, body: bytes) -> int:
        assert url == event["ResponseURL"]
        bodies.append(body)
        return left.pop(0) if left else 200

    handle_request(event, cloud.calls_until(seconds), put=put, last_put=cloud.now() + seconds + 20)
    assert all(len(body) <= 4096 for body in bodies)
    return [json.loads(body) for body in bodies]


def answer(cloud: FakeCloud, event: Any, **options: Any) -> Any:
    (given,) = answers(cloud, event, **options)
    assert given["StackId"] == STACK_ID
    assert given["RequestId"] == "request-1"
    assert given["LogicalResourceId"] == "Completion"
    assert 0 < len(given["PhysicalResourceId"].encode()) <= 1024
    if given["Status"] == "SUCCESS" and event["ResourceType"] == contract.COMPLETION_TYPE:
        assert set(given.get("Data", ATTRIBUTES)) == ATTRIBUTES
    return given


def test_a_run_that_completed_is_a_success_with_all_attributes(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED", startTime="2026-11-22T10:00:00Z", stopTime="2026-11-22T12:00:00Z")

    given = answer(cloud, request("Create", properties(uuid)))

    assert given["Status"] == "SUCCESS"
    assert given["PhysicalResourceId"] == (
        f"completion|1000001|{uuid}|COMPLETED||2026-11-22T10:00:00Z|2026-11-22T12:00:00Z"
    )
    assert given["Data"] == {
        "OutputsUri": "s3://results/1000001/logs/outputs.json",
        "RunOutputUri": OUTPUT_URI,
        "RunStatus": "COMPLETED",
        "FailureReason": "",
        "StartTime": "2026-11-22T10:00:00Z",
        "StopTime": "2026-11-22T12:00:00Z",
    }


def test_a_run_that_failed_says_which_run_and_why_and_where_its_log_is(cloud: FakeCloud) -> None:
    message = "Run failed due to task: haplotypecaller, id: 8566119, failure. " * 40
    uuid = cloud.run(status="FAILED", failureReason="RUN_TASK_FAILED", statusMessage=message)

    given = answer(cloud, request("Create", properties(uuid)))

    link = log_link("eu-west-1", "1000001")
    head = f"Run 1000001 FAILED with RUN_TASK_FAILED. Log: {link}"
    assert given["Status"] == "FAILED"
    assert given["Reason"].startswith(f"{head} Message: Run failed due to task: haplotypecaller")
    assert given["Reason"].endswith("…")
    assert len(given["Reason"].encode()) <= 1000
    assert len(head) <= 256
    assert link.startswith(
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/"
    )
    assert link.endswith("/log-group/$252Faws$252Fomics$252FWorkflowLog/log-events/run$252F1000001$252Fengine")


def test_a_long_message_of_wide_characters_fits(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="FAILED", failureReason="X" * 64, statusMessage="\N{DNA DOUBLE HELIX}\n" * 3000)

    assert len(answer(cloud, request("Create", properties(uuid)))["Reason"].encode()) <= 1000


@pytest.mark.parametrize(
    ("status", "outcome"), [("FAILED", "SUCCESS"), ("CANCELLED", "FAILED"), ("COMPLETED", "SUCCESS")]
)
def test_what_is_required_decides(cloud: FakeCloud, status: str, outcome: str) -> None:
    uuid = cloud.run(status=status)
    asked = properties(uuid, Require=["COMPLETED", "FAILED"])

    assert answer(cloud, request("Create", asked))["Status"] == outcome


def test_a_run_that_goes_on_says_how_long_was_waited(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="RUNNING")

    given = answer(cloud, request("Create", properties(uuid)))

    assert given["Status"] == "FAILED"
    assert given["Reason"].startswith("Run 1000001 is RUNNING after 12 hours. Log: https://")
    assert "let an event go on" in given["Reason"]
    assert "timeout=" not in given["Reason"], "twelve hours are the limit"


def test_a_run_that_goes_on_after_a_shorter_time_may_be_waited_for_longer(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="RUNNING")

    given = answer(cloud, request("Create", properties(uuid, Seconds="3600")))

    assert "wait longer with timeout=" in given["Reason"]


def test_a_run_of_this_deployment_that_is_gone_fails(cloud: FakeCloud) -> None:
    uuid = cloud.run()
    cloud.runs.clear()

    given = answer(cloud, request("Create", properties(uuid)))

    assert given["Status"] == "FAILED"
    assert "its record was deleted" in given["Reason"]
    assert "start it anew with rerun_on, or take wait_for_completion out" in given["Reason"][:256]


@pytest.mark.parametrize(
    ("status", "outcome"), [("COMPLETED", "SUCCESS"), ("FAILED", "FAILED"), ("DELETED", "SUCCESS")]
)
def test_a_run_that_is_gone_is_judged_by_what_the_completion_before_knows(
    cloud: FakeCloud, status: str, outcome: str
) -> None:
    """Another time-out, tags or an upgrade that touched the run in the same deployment, and no record any more."""
    uuid = cloud.run()
    cloud.runs.clear()
    cloud.list(
        "Old", contract.COMPLETION_TYPE, "CREATE_COMPLETE", f"completion|1000001|{uuid}|{status}|WHY|begun|ended"
    )
    cloud.clock.sleep(86_400)
    cloud.status, cloud.began_at = "UPDATE_IN_PROGRESS", cloud.now()
    cloud.hold("Alignment", "1000001", uuid, "UPDATE_COMPLETE")

    given = answer(cloud, request("Create", properties(uuid)))

    assert given["Status"] == outcome
    if outcome == "SUCCESS":
        assert given["Data"]["RunStatus"] == status
        assert given["Data"]["StopTime"] == "ended"
    else:
        assert given["Reason"].startswith("Run 1000001 FAILED with WHY.")


def test_what_a_completion_knows_of_another_run_does_not_count(cloud: FakeCloud) -> None:
    uuid = cloud.run()
    cloud.runs.clear()
    cloud.list("Old", contract.COMPLETION_TYPE, "CREATE_COMPLETE", "completion|1000001|another|COMPLETED|||")
    cloud.list("Odd", contract.COMPLETION_TYPE, "CREATE_COMPLETE", "genomes-Odd-ABC")

    assert answer(cloud, request("Create", properties(uuid)))["Status"] == "FAILED"


def test_a_run_of_an_earlier_deployment_that_is_gone_does_not_hold_up_this_one(cloud: FakeCloud) -> None:
    uuid = cloud.run()
    cloud.runs["1000001"] = {"id": "1000001", "uuid": "another", "status": "RUNNING"}
    cloud.clock.sleep(86_400)
    cloud.began_at = cloud.now()

    given = answer(cloud, request("Create", properties(uuid)))

    assert given["Status"] == "SUCCESS"
    assert given["Data"]["RunStatus"] == "DELETED"
    assert given["Data"]["OutputsUri"] == "s3://results/1000001/logs/outputs.json"


def test_a_run_that_cannot_be_looked_at_fails_with_the_services_words(cloud: FakeCloud) -> None:
    uuid = cloud.run()
    cloud.script["GetRun"] = [api_error("ValidationException", 400, "no such thing", operation="GetRun")]

    given = answer(cloud, request("Create", properties(uuid)))

    assert given["Status"] == "FAILED"
    assert given["Reason"].startswith("GetRun failed with ValidationException: no such thing.")
    assert given["Reason"].endswith("[run 1000001]")


# --- Update ---


def judged(cloud: FakeCloud, status: str = "COMPLETED", run_id: str = "1000001") -> tuple[str, Any]:
    """A run whose completion has been created, with every attribute; its uuid and the answer."""
    uuid = cloud.run(
        run_id, status, failureReason="", startTime="2026-11-22T10:00:00Z", stopTime="2026-11-22T12:00:00Z"
    )
    if status == "FAILED":
        cloud.runs[run_id]["failureReason"] = "RUN_TASK_FAILED"
    asked = properties(uuid, run_id, Require=["COMPLETED", "FAILED"])
    given = answer(cloud, request("Create", asked))
    assert given["Status"] == "SUCCESS"
    cloud.calls.clear()
    cloud.status = "UPDATE_IN_PROGRESS"
    return uuid, given


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_an_update_that_keeps_the_run_says_the_same_and_asks_nobody(cloud: FakeCloud, status: str) -> None:
    uuid, first = judged(cloud, status)
    cloud.runs.clear()
    asked = properties(uuid)

    given = answer(cloud, request("Update", {**asked, "New": "1"}, old=asked, physical_id=first["PhysicalResourceId"]))

    assert given["Status"] == "SUCCESS"
    assert given["Data"] == first["Data"]
    assert given["PhysicalResourceId"] == first["PhysicalResourceId"]
    assert cloud.calls == []


def test_a_rollback_from_a_run_that_no_template_showed_says_what_was_said_before(cloud: FakeCloud) -> None:
    before, first = judged(cloud, "FAILED")
    after = cloud.run("1000002", "COMPLETED")
    event = request(
        "Update", properties(after, "1000002"), old=properties(before), physical_id=first["PhysicalResourceId"]
    )
    second = answer(cloud, event)
    cloud.runs.clear()
    cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    event = request(
        "Update", properties(before), old=properties(after, "1000002"), physical_id=second["PhysicalResourceId"]
    )
    given = answer(cloud, event)

    assert second["Data"]["RunStatus"] == "COMPLETED"
    assert given["Data"] == first["Data"]
    assert given["PhysicalResourceId"] == first["PhysicalResourceId"]


def test_a_failed_update_leaves_the_id_that_says_what_was_before(cloud: FakeCloud) -> None:
    before, first = judged(cloud)
    after = cloud.run("1000002", "FAILED")
    failed = answer(
        cloud,
        request(
            "Update", properties(after, "1000002"), old=properties(before), physical_id=first["PhysicalResourceId"]
        ),
    )

    # With another try, after a failure without a rollback, the run that failed is what the properties were already.
    again = answer(
        cloud,
        request(
            "Update",
            properties(after, "1000002"),
            old=properties(after, "1000002"),
            physical_id=failed["PhysicalResourceId"],
        ),
    )

    assert failed["PhysicalResourceId"] == first["PhysicalResourceId"]
    assert again["Status"] == "FAILED"
    assert again["Reason"].startswith("Run 1000002 FAILED.")


@pytest.mark.parametrize("status", ["FAILED", "RUNNING"])
def test_a_rollback_waits_for_nothing_and_fails_for_nothing(cloud: FakeCloud, status: str) -> None:
    before, after = cloud.run("1000001", status), cloud.run("1000002", "FAILED")
    cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    began = cloud.now()

    event = request(
        "Update", properties(before), old=properties(after, "1000002"), physical_id="completion|1000002|x||||"
    )
    given = answer(cloud, event)

    assert given["Status"] == "SUCCESS"
    assert given["PhysicalResourceId"] == f"completion|1000001|{before}|{status}|||"
    assert cloud.now() == began


@pytest.mark.parametrize("error", [DENIED, LOST])
def test_a_rollback_does_without_healthomics(cloud: FakeCloud, error: Exception) -> None:
    before = cloud.run()
    cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    cloud.script["GetRun"] = [error] * 100  # type: ignore[list-item]

    given = answer(cloud, request("Update", properties(before), old=properties("x", "2"), physical_id="completion|2|x"))

    assert given["Status"] == "SUCCESS"
    assert given["Data"]["RunStatus"] == "UNKNOWN"


def test_an_update_waits_for_a_run_whose_replacement_no_template_showed(cloud: FakeCloud) -> None:
    uuid = cloud.run("1000002", "RUNNING")
    cloud.status = "UPDATE_IN_PROGRESS"
    ends = cloud.now() + 600

    def end() -> None:
        if cloud.now() >= ends:
            cloud.runs["1000002"]["status"] = "COMPLETED"

    cloud.while_asleep = end

    given = answer(
        cloud, request("Update", properties(uuid, "1000002"), old=properties("old"), physical_id="completion|1|old")
    )

    assert given["Status"] == "SUCCESS"
    assert given["PhysicalResourceId"] == f"completion|1000002|{uuid}|COMPLETED|||"


def test_such_a_wait_ends_with_the_functions_time_and_says_what_to_do(cloud: FakeCloud) -> None:
    uuid = cloud.run("1000002", "RUNNING")
    cloud.status = "UPDATE_IN_PROGRESS"
    began = cloud.now()

    event = request("Update", properties(uuid, "1000002"), old=properties("old"), physical_id="completion|1|old")
    given = answer(cloud, event)

    assert given["Status"] == "FAILED"
    assert "Change rerun_on together with that value." in given["Reason"]
    assert given["PhysicalResourceId"] == "completion|1|old"
    assert 840 < cloud.now() - began <= 870


def test_such_a_wait_ends_when_the_stack_goes_back(cloud: FakeCloud) -> None:
    uuid = cloud.run("1000002", "RUNNING")
    cloud.status = "UPDATE_IN_PROGRESS"

    def go_back() -> None:
        cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    cloud.while_asleep = go_back

    event = request("Update", properties(uuid, "1000002"), old=properties("old"), physical_id="completion|1|old")

    assert answer(cloud, event)["Reason"] == "The stack no longer waits for run 1000002."


# --- Delete, and everything else ---


@pytest.mark.parametrize("physical_id", ["completion|1000001|uuid", "stack-Completion-ABC", "request|request-0"])
def test_a_delete_asks_nobody(cloud: FakeCloud, physical_id: str) -> None:
    given = answer(cloud, request("Delete", properties("uuid"), physical_id=physical_id))

    assert given["Status"] == "SUCCESS"
    assert given["PhysicalResourceId"] == physical_id
    assert cloud.calls == []


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_something_new_to_wait_for_switches_the_schedule_on(cloud: FakeCloud, request_type: str) -> None:
    asked = {contract.RULE_NAME: RULE, contract.WAITS: "digest"}
    physical_id = "" if request_type == "Create" else "waiting|Completion"

    given = answer(cloud, request(request_type, asked, physical_id=physical_id, resource_type=contract.WAITING_TYPE))

    assert (given["Status"], given["PhysicalResourceId"]) == ("SUCCESS", "waiting|Completion")
    assert cloud.switched == [("on", RULE)]


def test_a_schedule_that_cannot_be_switched_on_fails_the_deployment(cloud: FakeCloud) -> None:
    cloud.script["EnableRule"] = [DENIED] * 1000
    event = request("Create", {contract.RULE_NAME: RULE}, resource_type=contract.WAITING_TYPE)

    given = answer(cloud, event)

    assert given["Status"] == "FAILED"
    assert "AccessDeniedException" in given["Reason"]


def test_a_rollback_does_without_the_schedule(cloud: FakeCloud) -> None:
    cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    cloud.script["EnableRule"] = [api_error("ResourceNotFoundException", 400, operation="EnableRule")]
    event = request(
        "Update", {contract.RULE_NAME: RULE}, physical_id="waiting|Completion", resource_type=contract.WAITING_TYPE
    )

    assert answer(cloud, event)["Status"] == "SUCCESS"


def test_the_end_of_the_waiter_switches_nothing(cloud: FakeCloud) -> None:
    event = request(
        "Delete", {contract.RULE_NAME: RULE}, physical_id="waiting|Completion", resource_type=contract.WAITING_TYPE
    )

    assert answer(cloud, event)["Status"] == "SUCCESS"
    assert cloud.switched == []


def test_a_defect_is_answered_too(cloud: FakeCloud) -> None:
    given = answer(cloud, request("Create", {contract.RUN_ID: "1"}))

    assert given["Status"] == "FAILED"
    assert given["Reason"].startswith("The handler failed unexpectedly (KeyError).")
    assert given["PhysicalResourceId"] == "request|request-1"


def test_a_request_that_is_delivered_twice_is_answered_twice_alike(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="FAILED", failureReason="RUN_TASK_FAILED")
    event = request("Create", properties(uuid))

    assert answer(cloud, event) == answer(cloud, event)


def test_an_answer_that_is_not_taken_fails_the_invocation(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED")

    with pytest.raises(UndeliveredError):
        answers(cloud, request("Create", properties(uuid)), statuses=(503,) * 5)


def test_nobody_is_answered_over_plain_http_or_for_a_malformed_request(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED")

    assert answers(cloud, request("Create", properties(uuid), url="http://response.example/r")) == []
    malformed = request("Create", properties(uuid))
    del malformed["StackId"]
    assert answers(cloud, malformed) == []


def test_no_line_holds_the_url_or_the_services_words(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="FAILED", failureReason="RUN_TASK_FAILED", statusMessage="sample NA12878 is broken")

    answer(cloud, request("Create", properties(uuid)))

    said = "\n".join(cloud.lines)
    assert "Answered" in said
    assert "5ecret" not in said
    assert "NA12878" not in said
