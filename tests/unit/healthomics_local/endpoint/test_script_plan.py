"""How runs that have not been started yet will go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import RunScript, RunStatus, Service, ServiceError, TaskDemand

StartRun = Callable[..., dict[str, Any]]
FAILS = RunScript(failure_reason="RUN_TASK_FAILED")


def outcomes(service: Service) -> list[str]:
    service.run_until_idle()
    return [run.outcome.failure_reason or "-" for run in service.runs() if run.outcome is not None]


def test_a_script_is_for_the_runs_that_it_names(service: Service, start_run: StartRun) -> None:
    service.add_script(FAILS, workflow_id="1234567", run_name="a")

    start_run(service, name="a")
    start_run(service, name="b")
    start_run(service, name="a", workflowId="7654321")
    start_run(service)

    assert outcomes(service) == ["RUN_TASK_FAILED", "-", "-", "-"]


def test_a_script_is_used_up_and_then_comes_the_next(service: Service, start_run: StartRun) -> None:
    service.add_script(FAILS, count=2)
    service.add_script(RunScript(failure_reason="ASSUME_ROLE_FAILED", fails_in=RunStatus.STARTING), count=1)

    assert [rule.count for rule in service.scripts()] == [2, 1]
    for _ in range(4):
        start_run(service)

    assert outcomes(service) == ["RUN_TASK_FAILED", "RUN_TASK_FAILED", "ASSUME_ROLE_FAILED", "-"]
    assert service.scripts() == ()


def test_a_script_comes_before_that_of_the_settings(make_service: Callable[..., Service], start_run: StartRun) -> None:
    settings_script = RunScript(failure_reason="SERVICE_ERROR")
    service = make_service(accept_unknown_references=True, script=lambda _: settings_script)
    service.add_script(FAILS, run_name="a")

    start_run(service, name="a")
    start_run(service, name="b")
    service.clear_scripts()
    start_run(service, name="a")

    assert outcomes(service) == ["RUN_TASK_FAILED", "SERVICE_ERROR", "SERVICE_ERROR"]


def test_a_start_run_that_starts_nothing_uses_nothing_up(service: Service, start_run: StartRun) -> None:
    service.add_script(FAILS, count=1)

    with pytest.raises(ServiceError):
        start_run(service, priority=-1)
    start_run(service, requestId="one")
    start_run(service, requestId="one")
    start_run(service, requestId="two")

    assert outcomes(service) == ["RUN_TASK_FAILED", "-"]


def test_the_runs_of_a_batch_go_by_scripts_too(service: Service) -> None:
    service.add_script(FAILS, run_name="second")
    setting = {"workflowId": "1", "roleArn": "arn:aws:iam::123456789012:role/r", "outputUri": "s3://b/o"}
    runs = [{"runSettingId": name, "name": name} for name in ("first", "second")]
    service.call("StartRunBatch", {"defaultRunSetting": setting, "batchRunSettings": {"inlineSettings": runs}})

    assert outcomes(service) == ["-", "RUN_TASK_FAILED"]


def test_mistakes_are_noticed_when_they_are_made(service: Service) -> None:
    with pytest.raises(ValueError, match="count"):
        service.add_script(FAILS, count=0)
    with pytest.raises(ValueError, match="PENDING, STARTING or RUNNING"):
        RunScript(fails_in=RunStatus.STOPPING)
    with pytest.raises(ValueError, match="seconds must be from 0"):
        RunScript(stopping_seconds=-1)
    with pytest.raises(ValueError, match="at least one processor"):
        TaskDemand(name="a", cpus=0)


def test_the_rate_of_start_run_can_be_changed(service: Service, start_run: StartRun) -> None:
    assert service.start_run_tps is None
    service.start_run_tps = 0.5
    start_run(service)
    with pytest.raises(ServiceError, match="Rate exceeded"):
        start_run(service)
    service.advance(2)
    start_run(service)
    service.start_run_tps = None
    start_run(service)

    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="start_run_tps must be None or above 0"):
            service.start_run_tps = wrong
