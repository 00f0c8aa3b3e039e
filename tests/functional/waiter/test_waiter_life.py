"""A deployment that waits, by the clock: up to twelve hours, with and without events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthomics_run_waiter import contract

from .conftest import RULE

if TYPE_CHECKING:
    from .conftest import Cloud

pytestmark = pytest.mark.slow

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _switched_on(cloud: Cloud) -> None:
    """As every deployment with something new to wait for begins."""
    answer = cloud.ask(contract.WAITING_TYPE, {contract.RULE_NAME: RULE, contract.WAITS: "digest"})
    assert answer["Status"] == "SUCCESS"
    assert cloud.enabled


@pytest.mark.parametrize(("deliver", "latest"), [(True, 0.0), (False, contract.TICK_SECONDS)], ids=["event", "tick"])
def test_a_run_of_nearly_twelve_hours_is_waited_for(cloud: Cloud, deliver: bool, latest: float) -> None:  # noqa: FBT001
    run_id = cloud.start_run(11.9)
    cloud.wait()

    cloud.pass_time(11.8 * HOUR, deliver=deliver)
    assert cloud.signals == []
    cloud.pass_time(0.2 * HOUR, deliver=deliver)

    ((unique_id, signalled_at),) = cloud.signals
    assert unique_id == cloud.identity.uuid
    ended_at = cloud.omics.client().get_run(id=run_id)["stopTime"]
    # Time passes in steps of a tick, and an event is delivered at the end of its step.
    assert timedelta() <= signalled_at - ended_at <= timedelta(seconds=contract.TICK_SECONDS + latest)
    answer = cloud.complete()
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"]["RunStatus"] == "COMPLETED"
    assert answer["Data"]["OutputsUri"] == f"s3://results/out/{run_id}/logs/outputs.json"
    assert answer["Data"]["StopTime"] == ended_at.isoformat()


def test_a_run_that_ends_minutes_before_the_limit_is_waited_for_without_its_events(cloud: Cloud) -> None:
    cloud.start_run(12 - 2.5 / 60)
    cloud.wait()

    cloud.pass_time(12 * HOUR, deliver=False)

    assert cloud.status == "CREATE_IN_PROGRESS"
    assert len(cloud.signals) == 1
    assert cloud.complete()["Status"] == "SUCCESS"


@pytest.mark.parametrize("seconds", [600, 43_200])
def test_a_run_that_takes_too_long_fails_with_words_before_cloudformation_times_out(cloud: Cloud, seconds: int) -> None:
    run_id = cloud.start_run(24)
    cloud.wait(seconds)

    cloud.pass_time(contract.policy_seconds(seconds))

    assert cloud.status == "CREATE_IN_PROGRESS"
    ((_, signalled_at),) = cloud.signals
    waited = (signalled_at - cloud.began_at).total_seconds()
    assert contract.gives_up_after(seconds) <= waited < contract.gives_up_after(seconds) + contract.LAST_SECONDS
    answer = cloud.complete(seconds)
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"Run {run_id} is RUNNING after ")
    assert cloud.omics.client().get_run(id=run_id)["status"] == "RUNNING"


def test_a_run_that_fails_is_told_of_at_once_and_in_words(cloud: Cloud) -> None:
    run_id = cloud.start_run(1, failure_reason="RUN_TASK_FAILED", status_message="Run failed due to task: main")
    cloud.wait()

    cloud.pass_time(1.2 * HOUR)

    assert len(cloud.signals) == 1
    answer = cloud.complete()
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"Run {run_id} FAILED with RUN_TASK_FAILED. Log: https://")
    assert answer["Reason"].endswith("Message: Run failed due to task: main")


def test_a_cancelled_run_is_told_of(cloud: Cloud) -> None:
    run_id = cloud.start_run(5)
    cloud.wait()
    cloud.pass_time(HOUR)

    cloud.omics.client().cancel_run(id=run_id)
    cloud.pass_time(600)

    assert len(cloud.signals) == 1
    assert cloud.complete()["Reason"].startswith(f"Run {run_id} CANCELLED. Log: https://")


def test_the_schedule_goes_off_when_the_deployment_is_done(cloud: Cloud) -> None:
    cloud.start_run(0.5)
    cloud.wait()
    cloud.pass_time(HOUR)
    assert cloud.enabled

    cloud.status = "CREATE_COMPLETE"
    cloud.pass_time(600)

    assert not cloud.enabled


def test_a_wait_among_many_resources_is_found(cloud: Cloud) -> None:
    for number in range(20):
        cloud.put(f"Topic{number}", "AWS::SNS::Topic", "CREATE_COMPLETE", f"topic-{number}")
    cloud.start_run(0.5)
    cloud.wait()

    cloud.pass_time(HOUR, deliver=False)

    assert len(cloud.signals) == 1
