"""Events and ticks mean "look", and what counts is what CloudFormation and HealthOmics say."""

import pytest

from handler_fakes import LOST, STACK_ID, THROTTLED, api_error
from healthomics_run_handler.errors import ApiError
from healthomics_run_waiter import contract
from healthomics_run_waiter.looking import EARLY_EVENT_SECONDS, PATIENCE_SECONDS, look
from waiter_fakes import NOT_WAITING, RULE, FakeCloud

BROKEN = api_error("AccessDeniedException", 403, operation="GetRun")


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


def event(cloud: FakeCloud, uuid: str, run_id: str = "1000001") -> None:
    told = {contract.STACK_ID: STACK_ID, contract.EVENT_RUN_ID: run_id, contract.EVENT_RUN_UUID: uuid}
    look(cloud.calls_until(), told)


def tick(cloud: FakeCloud, seconds: float = 870.0) -> None:
    arn = f"arn:aws:events:eu-west-1:123456789012:rule/{RULE}"
    look(cloud.calls_until(seconds), {contract.STACK_ID: STACK_ID, contract.RULE_ARNS: [arn]})


@pytest.mark.parametrize("status", contract.FINAL_STATUSES)
def test_the_end_of_a_run_signals_its_wait(cloud: FakeCloud, status: str) -> None:
    uuid = cloud.run(status=status)
    wait = cloud.wait()
    cloud.run("2000002", of="Other")
    cloud.wait(of="Other")

    event(cloud, uuid)

    assert cloud.signals == [(wait, uuid)]


def test_an_event_before_its_time_signals_nothing(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="RUNNING")
    cloud.wait()

    event(cloud, uuid)

    assert cloud.signals == []


def test_an_event_of_the_run_that_was_replaced_signals_nothing(cloud: FakeCloud) -> None:
    old = cloud.run("1000001", "CANCELLED")
    cloud.run("1000002", "RUNNING")
    cloud.wait()

    event(cloud, old)

    assert cloud.signals == []


def test_an_event_of_a_run_whose_id_another_run_has_now_signals_nothing(cloud: FakeCloud) -> None:
    cloud.run("1000001", "COMPLETED")
    cloud.wait()

    event(cloud, "uuid-of-yesterday")

    assert cloud.signals == []
    assert cloud.calls == ["GetRun", "DescribeStacks", "ListStackResources"]


@pytest.mark.parametrize("record", ["none", "of another run", "DELETED"])
@pytest.mark.parametrize("trigger", ["event", "tick"])
def test_a_run_whose_record_is_deleted_is_waited_for_no_longer(cloud: FakeCloud, record: str, trigger: str) -> None:
    uuid = cloud.run()
    wait = cloud.wait()
    match record:
        case "none":
            del cloud.runs["1000001"]
        case "of another run":
            cloud.runs["1000001"]["uuid"] = "another"
        case status:
            cloud.runs["1000001"]["status"] = status
    began = cloud.now()

    if trigger == "event":
        event(cloud, uuid)
    else:
        tick(cloud)

    assert cloud.signals == [(wait, uuid)]
    assert cloud.now() == began


def test_an_event_of_another_stacks_run_is_nobodys(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED")
    cloud.runs["1000001"]["tags"] = {}
    cloud.wait()

    event(cloud, uuid)

    assert cloud.signals == []


def test_an_event_that_comes_twice_signals_once(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED")
    wait = cloud.wait()

    event(cloud, uuid)
    cloud.clock.sleep(60)
    began = cloud.now()
    event(cloud, uuid)

    assert cloud.signals == [(wait, uuid)]
    assert cloud.now() == began, "nothing is left to stay for"


@pytest.mark.parametrize("replaced", [True, False], ids=["of the run before", "with another time-out"])
def test_a_wait_that_was_done_earlier_is_not_the_one_to_come(cloud: FakeCloud, replaced: bool) -> None:  # noqa: FBT001
    uuid = cloud.run("1000001", "COMPLETED")
    old = cloud.wait()
    event(cloud, uuid)
    cloud.clock.sleep(3600)
    cloud.status, cloud.began_at = "UPDATE_IN_PROGRESS", cloud.now()
    if replaced:
        cloud.clock.sleep(10)
        uuid = cloud.run("1000002", "COMPLETED")
    new: list[str] = []

    def begin() -> None:
        if not new:
            new.append(cloud.wait(seconds=7200, digest="1" * 16))

    cloud.while_asleep = begin

    event(cloud, uuid, "1000002" if replaced else "1000001")

    assert [wait for wait, _ in cloud.signals] == [old, *new]


def test_an_event_before_its_wait_condition_stays_for_it(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED")
    begins = cloud.now() + 90

    def begin() -> None:
        if cloud.now() >= begins and len(cloud.listed) == 1:
            cloud.wait()

    cloud.while_asleep = begin

    event(cloud, uuid)

    assert [unique_id for _, unique_id in cloud.signals] == [uuid]


def test_an_event_before_the_stack_knows_its_run_stays_for_it(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="FAILED")
    cloud.list("Alignment", "Custom::HealthOmicsRun", "CREATE_IN_PROGRESS", "")

    def hold() -> None:
        cloud.hold("Alignment", "1000001", uuid)
        cloud.wait()

    cloud.while_asleep = hold

    event(cloud, uuid)

    assert [unique_id for _, unique_id in cloud.signals] == [uuid]


def test_an_event_stays_for_two_minutes_at_most(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED")
    began = cloud.now()

    event(cloud, uuid)

    assert cloud.signals == []
    assert 60 < cloud.now() - began <= EARLY_EVENT_SECONDS


@pytest.mark.parametrize(
    "status", ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS", "CREATE_COMPLETE"]
)
def test_nothing_is_signalled_unless_the_stack_goes_forward(cloud: FakeCloud, status: str) -> None:
    uuid = cloud.run(status="COMPLETED")
    cloud.wait()
    cloud.status = status

    event(cloud, uuid)
    tick(cloud)

    assert cloud.signals == []
    assert "ListStackResources" not in cloud.calls


def test_a_signal_that_came_too_early_is_given_again(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED")
    wait = cloud.wait()
    cloud.script["SignalResource"] = [NOT_WAITING]

    event(cloud, uuid)

    assert cloud.signals == [(wait, uuid)]
    assert cloud.calls.count("SignalResource") == 2


def test_throttled_calls_are_made_again(cloud: FakeCloud) -> None:
    uuid = cloud.run(status="COMPLETED")
    wait = cloud.wait()
    for operation in ("GetRun", "DescribeStacks", "ListStackResources", "SignalResource"):
        cloud.script[operation] = [THROTTLED, THROTTLED]

    event(cloud, uuid)

    assert cloud.signals == [(wait, uuid)]


def test_a_tick_finds_every_run_that_has_ended(cloud: FakeCloud) -> None:
    first, second, third = cloud.run("1", "COMPLETED", of="A"), cloud.run("2", of="B"), cloud.run("3", "FAILED", of="C")
    waits = {name: cloud.wait(of=name) for name in "ABC"}

    tick(cloud)

    assert cloud.signals == [(waits["A"], first), (waits["C"], third)]
    assert second not in {unique_id for _, unique_id in cloud.signals}
    assert cloud.switched == []


def test_a_tick_signals_for_a_run_that_is_gone(cloud: FakeCloud) -> None:
    uuid = cloud.run()
    wait = cloud.wait()
    del cloud.runs["1000001"]

    tick(cloud)

    assert cloud.signals == [(wait, uuid)]


def test_a_run_that_cannot_be_looked_at_goes_on(cloud: FakeCloud) -> None:
    cloud.run("1", "COMPLETED", of="A")
    second = cloud.run("2", "COMPLETED", of="B")
    cloud.wait(of="A")
    wait = cloud.wait(of="B")
    cloud.script["GetRun"] = [api_error("ValidationException", 400, operation="GetRun")]

    tick(cloud)

    assert cloud.signals == [(wait, second)]


def test_a_tick_before_the_end_of_a_wait_leaves_it_to_the_next(cloud: FakeCloud) -> None:
    cloud.run()
    cloud.wait(seconds=3600)
    cloud.clock.time += 3600 - contract.LINGER_SECONDS - 1
    before = cloud.now()

    tick(cloud)

    assert cloud.now() == before
    assert cloud.signals == []


@pytest.mark.parametrize("seconds", [60, 600, 43_200])
@pytest.mark.parametrize("failures", [0, 100])
def test_the_last_tick_gives_up_on_time_for_a_run_that_goes_on(cloud: FakeCloud, seconds: int, failures: int) -> None:
    uuid = cloud.run()
    wait = cloud.wait(seconds=seconds)
    began = cloud.now()
    cloud.clock.time += max(contract.gives_up_after(seconds) - contract.LINGER_SECONDS, 0) + 1
    cloud.script["GetRun"] = [api_error("ValidationException", 400, operation="GetRun")] * failures

    tick(cloud)

    assert cloud.signals == [(wait, uuid)]
    assert contract.gives_up_after(seconds) <= cloud.now() - began < contract.policy_seconds(seconds)


@pytest.mark.parametrize("seconds", [60, 600, 43_200])
@pytest.mark.parametrize("operation", ["GetRun", "DescribeStacks", "ListStackResources"])
@pytest.mark.parametrize("error", [THROTTLED, LOST, BROKEN])
def test_no_wait_is_late_because_a_call_keeps_failing(
    cloud: FakeCloud, seconds: int, operation: str, error: ApiError
) -> None:
    uuid = cloud.run()
    wait = cloud.wait(seconds=seconds)
    began = cloud.now()
    cloud.clock.time += max(contract.gives_up_after(seconds) - contract.LINGER_SECONDS, 0) + 1

    def trouble() -> None:
        cloud.script.setdefault(operation, [error] * 2000)

    if operation == "GetRun":
        trouble()
    else:
        cloud.while_asleep = trouble  # without a first look nobody knows what waits

    tick(cloud)

    assert cloud.signals == [(wait, uuid)]
    assert contract.gives_up_after(seconds) <= cloud.now() - began < contract.policy_seconds(seconds)


@pytest.mark.parametrize("trouble", ["throttled", "hanging"])
def test_no_wait_is_late_because_of_the_calls_for_others(cloud: FakeCloud, trouble: str) -> None:
    for number in range(50):
        cloud.run(f"{number}", of=f"Run{number}")
        cloud.wait(of=f"Run{number}")
        cloud.clock.time += 0.1
    began = {wait.logical_id: wait.changed_at for wait in cloud.listed.values()}

    def hang() -> None:
        cloud.clock.sleep(15)
        raise LOST

    cloud.script["GetRun"] = [THROTTLED if trouble == "throttled" else hang] * 2000
    cloud.clock.time += 43_140 - 300

    tick(cloud)

    assert len(cloud.signals) == 50
    late = [cloud.listed[wait].changed_at - began[wait] for wait, _ in cloud.signals]
    assert min(late) >= 43_140
    assert max(late) < 43_200


def test_a_tick_asks_again_about_a_run_but_not_for_long(cloud: FakeCloud) -> None:
    first, second = cloud.run("1", "COMPLETED", of="A"), cloud.run("2", "COMPLETED", of="B")
    waits = [cloud.wait(of="A"), cloud.wait(of="B")]
    cloud.script["GetRun"] = [THROTTLED] * 3
    began = cloud.now()

    tick(cloud)

    assert cloud.signals == [(waits[0], first), (waits[1], second)]
    cloud.wait(of="A", digest="1" * 16)
    cloud.script["GetRun"] = [THROTTLED] * 1000
    began = cloud.now()
    tick(cloud)
    assert cloud.now() - began <= PATIENCE_SECONDS


def test_a_run_that_ends_in_the_last_minutes_is_waited_for(cloud: FakeCloud) -> None:
    uuid = cloud.run()
    wait = cloud.wait()
    began = cloud.now()
    cloud.clock.time += 43_200 - 300

    def end() -> None:
        if cloud.now() - began >= 43_200 - 120:
            cloud.runs["1000001"]["status"] = "COMPLETED"

    cloud.while_asleep = end

    tick(cloud)

    assert cloud.signals == [(wait, uuid)]
    assert cloud.now() - began < 43_200 - 90


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "DELETE_COMPLETE"]
)
def test_a_tick_switches_the_schedule_off_when_the_stack_rests(cloud: FakeCloud, status: str) -> None:
    cloud.status = status

    tick(cloud)

    assert cloud.switched == [("off", RULE)]


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_the_schedule_stays_on_while_something_may_still_wait(cloud: FakeCloud, status: str) -> None:
    cloud.status = status

    tick(cloud)

    assert cloud.switched == []


def test_a_deployment_that_begins_while_the_schedule_is_switched_off_switches_it_on_again(cloud: FakeCloud) -> None:
    cloud.status = "UPDATE_COMPLETE"

    def begin() -> None:
        cloud.status = "UPDATE_IN_PROGRESS"
        cloud.enable(RULE)

    cloud.script["DisableRule"] = [begin]

    tick(cloud)

    assert cloud.switched[-1] == ("on", RULE)


def test_wait_conditions_of_others_are_left_alone(cloud: FakeCloud) -> None:
    cloud.run(status="COMPLETED")
    cloud.list("AlignmentWait60S", contract.WAIT_CONDITION_TYPE, "CREATE_IN_PROGRESS", "")
    cloud.list("OtherWait60S0123456789abcdef", contract.WAIT_CONDITION_TYPE, "CREATE_IN_PROGRESS", "")

    tick(cloud)

    assert cloud.signals == []


def test_a_look_that_fails_for_good_fails_so_that_it_is_repeated(cloud: FakeCloud) -> None:
    cloud.script["DescribeStacks"] = [BROKEN] * 1000

    with pytest.raises(type(BROKEN)):
        tick(cloud)
