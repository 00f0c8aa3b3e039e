"""The whole handler: crhelper, hardened. Letters refer to the list of its defects in the decision on crhelper."""

import json
import logging
import threading
from http.client import BadStatusLine
from typing import Any

import pytest

from handler_fakes import INVALID, PROPERTIES, THROTTLED, Context, World, create, delete, update
from healthomics_run_handler import answer, contract
from healthomics_run_handler.delivery import UndeliveredError
from healthomics_run_handler.identity import Marker, RunIdentity, parse_physical_id


@pytest.fixture
def world() -> World:
    return World()


def test_a_create_is_answered_with_success_and_every_attribute(world: World) -> None:
    answer = world.handle(create())

    assert answer["Status"] == "SUCCESS"
    assert set(contract.ATTRIBUTES) <= set(answer["Data"])
    assert isinstance(parse_physical_id(answer["PhysicalResourceId"]), RunIdentity)


def test_update_and_delete_are_dispatched_too(world: World) -> None:
    first = world.handle(create())["PhysicalResourceId"]
    world.updating(first)
    second = world.handle(update(first, {"RerunOn": "2"}, {}))["PhysicalResourceId"]
    world.deleting(second)

    answer = world.handle(delete(second))

    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == second
    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_a_failed_create_answers_a_marker_and_the_reason(world: World) -> None:
    """(c)"""
    world.omics.script["StartRun"] = [INVALID]

    answer = world.handle(create())

    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == "request|create-1|none|genomes-alignment"
    assert answer["Reason"].startswith("StartRun failed with ValidationException")


def test_two_failed_deliveries_answer_the_same_physical_id(world: World) -> None:
    """(c)"""
    world.omics.script["StartRun"] = [INVALID, INVALID]

    first, second = world.handle(create()), world.handle(create())

    assert first["PhysicalResourceId"] == second["PhysicalResourceId"]


def test_the_guard_answers_a_time_out_with_an_explicit_id_and_nobody_answers_again(world: World) -> None:
    """(b)"""

    def times_out() -> None:
        world.timers[-1].callback()

    world.omics.after["StartRun"] = [times_out]

    world.handle(create())

    assert len(world.puts) == 1
    answer = world.answer()
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("The Create ran out of the function's time.")
    marker = parse_physical_id(answer["PhysicalResourceId"])
    assert isinstance(marker, Marker)
    assert marker.may_have_started


def test_the_guard_of_an_update_answers_the_earlier_run(world: World) -> None:
    """(b)"""
    first = world.handle(create())["PhysicalResourceId"]
    world.updating(first)

    def times_out() -> None:
        world.timers[-1].callback()

    world.omics.after["StartRun"] = [times_out]

    world.handle(update(first, {"RerunOn": "2"}, {}))

    assert world.answer()["Status"] == "FAILED"
    assert world.answer()["PhysicalResourceId"] == first


@pytest.mark.parametrize("status", [200, 500])
def test_the_invocation_lasts_until_the_guards_answer_has_gone_out(world: World, status: int) -> None:
    """(b): Lambda freezes the process when the handler returns, in the middle of the guard's PUT."""
    go_on, putting, threads = threading.Event(), threading.Event(), list[threading.Thread]()
    put = world.resource._put

    def slow_put(url: str, body: bytes) -> int:
        putting.set()
        assert go_on.wait(5)
        return put(url, body) and status

    def times_out() -> None:
        threads.append(threading.Thread(target=world.timers[-1].callback))
        threads[-1].start()
        assert putting.wait(5)

    def sleep(seconds: float) -> None:
        go_on.set()
        if threading.current_thread() is not threads[-1]:
            threads[-1].join(5)
        world.clock.time += seconds

    world.resource._put = slow_put
    world.clock.sleep = sleep  # type: ignore[method-assign]
    world.omics.after["StartRun"] = [times_out]

    if status == 200:
        world.handle(create())
        assert len(world.puts) == 1
    else:
        with pytest.raises(UndeliveredError):
            world.handle(create())
    assert not threads[-1].is_alive()
    assert world.answer()["Status"] == "FAILED"


def test_a_guard_that_comes_late_says_nothing(world: World) -> None:
    """(b)"""
    world.handle(create())

    world.timers[-1].callback()

    assert len(world.puts) == 1
    assert world.answer()["Status"] == "SUCCESS"


def test_the_guard_is_set_before_the_end_and_cancelled_after_the_answer(world: World) -> None:
    world.handle(create(), seconds=100)

    assert world.timers[-1].seconds == pytest.approx(88)
    assert world.timers[-1].cancelled


def test_a_function_with_hardly_any_time_is_guarded_at_once(world: World) -> None:
    world.handle(create(), seconds=2)

    assert world.timers[-1].seconds == 0


@pytest.mark.parametrize("status", [500, 503])
def test_an_answer_that_is_not_taken_makes_the_invocation_fail_and_the_next_one_answers(
    world: World, status: int
) -> None:
    """(e, f)"""
    world.put_script = [status] * 5

    with pytest.raises(UndeliveredError):
        world.handle(create())
    assert {json.loads(body)["Status"] for _, body in world.puts} == {"SUCCESS"}

    assert world.handle(create())["Status"] == "SUCCESS"
    assert len(world.omics.runs) == 1


def test_an_expired_url_ends_the_matter(world: World) -> None:
    """(f)"""
    world.put_script = [403]

    world.handle(create())

    assert len(world.puts) == 1
    assert any("Answer was refused" in line for line in world.lines)
    assert not any("Answered" in line for line in world.lines)


@pytest.mark.parametrize("trouble", [RuntimeError("5ecret"), BadStatusLine("5ecret")])
def test_whatever_keeps_an_answer_from_arriving_makes_the_invocation_fail(world: World, trouble: Exception) -> None:
    """crhelper swallows what is raised, and the stack would wait for an hour."""
    world.put_script = [trouble] * 5

    with pytest.raises(UndeliveredError):
        world.handle(create())

    assert any("Answer was not delivered" in line and type(trouble).__name__ in line for line in world.lines)
    assert "5ecret" not in "".join(world.lines)


def test_an_answer_that_cannot_be_written_makes_the_invocation_fail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("5ecret")

    monkeypatch.setattr(answer, "body", broken)

    with pytest.raises(UndeliveredError):
        world.resource(create(), Context(world.clock))


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({}, id="empty"),
        pytest.param(None, id="nothing"),
        pytest.param({"RequestType": "Create"}, id="without ids"),
        pytest.param({**create(), "ResponseURL": "http://169.254.169.254/"}, id="a URL that is not CloudFormation's"),
    ],
)
def test_a_malformed_event_answers_nobody_least_of_all_the_request_before(world: World, event: Any) -> None:
    """(h)"""
    world.handle(create())

    world.resource(event, Context(world.clock))

    assert len(world.puts) == 1
    assert len(world.omics.runs) == 1


def test_data_and_no_echo_do_not_leak_into_the_next_answer(world: World) -> None:
    """(i)"""
    first = world.handle(create())["PhysicalResourceId"]
    world.resource.NoEcho = True
    world.resource.Data = {"left": "over"}
    world.deleting(first)

    answer = world.handle(delete(first))

    assert answer["NoEcho"] is False
    assert "Data" not in answer


def test_delete_does_not_sleep_for_logs(world: World) -> None:
    """(j)"""
    first = world.handle(create())["PhysicalResourceId"]
    world.omics.runs["1000001"]["status"] = "COMPLETED"
    world.deleting(first)
    began = world.clock.now()

    world.handle(delete(first))

    assert world.clock.now() == began


def test_no_client_is_made_for_polling(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """(k, l)"""
    monkeypatch.setenv("AWS_SAM_LOCAL", "as it was")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    other = World()

    assert not hasattr(other.resource, "_lambda_client")
    import os  # noqa: PLC0415

    assert os.environ["AWS_SAM_LOCAL"] == "as it was"


def test_a_defect_is_answered_without_its_values(world: World) -> None:
    def defect() -> None:
        raise KeyError("parameter-value")

    world.omics.script["StartRun"] = [defect]

    answer = world.handle(create())

    assert answer["Status"] == "FAILED"
    assert "KeyError" in answer["Reason"]
    assert "parameter-value" not in answer["Reason"] + "".join(world.lines)
    assert "protocol.py" in "".join(world.lines)


def test_a_defect_outside_the_protocol_is_answered_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_event: Any) -> None:
        raise RuntimeError("5ecret")

    monkeypatch.setattr(world.resource, "_cfn_response", broken)
    monkeypatch.setattr(world.resource, "_run", None)
    world.resource._create_func = None

    answer = world.handle(create())

    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"].startswith("request|create-1|")
    assert "outside the protocol" in answer["Reason"]


def test_an_attribute_that_is_left_out_is_logged(world: World) -> None:
    world.handle(create(Name="n" * 4000))

    assert "RunName" not in world.answer()["Data"]
    assert any("left out" in line and "RunName" in line for line in world.lines)


def test_no_log_line_holds_a_url_a_credential_or_a_value(
    world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """(a)"""
    caplog.set_level(logging.DEBUG)
    secret = {"Parameters": '{"sample": "5ecret-value"}', "Tags": {"team": "5ecret-tag"}}
    world.omics.script["StartRun"] = [THROTTLED, INVALID]
    world.put_script = [500, 403]

    world.handle({**create(**secret), "ResponseURL": "https://response.example/x?X-Amz-Signature=5ecret"})
    world.handle(create("create-2", **secret))

    captured = capfd.readouterr()
    said = "".join(world.lines) + captured.out + captured.err + caplog.text
    assert "5ecret" not in said
    assert "response.example" not in said
    assert "said the service" not in said


def test_lines_are_json_with_the_bound_fields(world: World) -> None:
    world.handle(create())

    lines = [json.loads(line) for line in world.lines]
    assert {"Run started", "Answered"} <= {line["message"] for line in lines}
    assert all(line["RequestId"] == "bound" and line["level"] in ("INFO", "ERROR") for line in lines)
    assert "delay" not in json.dumps(lines)


def test_a_warm_function_serves_one_request_after_another(world: World) -> None:
    first = world.handle(create())
    world.omics.script["StartRun"] = [INVALID]
    failed = world.handle({**create("create-2"), "LogicalResourceId": "Alignment"})
    third = world.handle(create("create-3"))

    assert [first["Status"], failed["Status"], third["Status"]] == ["SUCCESS", "FAILED", "SUCCESS"]
    assert [first["RequestId"], failed["RequestId"], third["RequestId"]] == ["create-1", "create-2", "create-3"]
    assert PROPERTIES["Name"] == third["Data"]["RunName"]
