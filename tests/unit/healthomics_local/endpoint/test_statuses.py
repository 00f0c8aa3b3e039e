import pytest

from healthomics_local.endpoint.service_model import service_model
from healthomics_local.endpoint.statuses import RunStatus, TaskStatus, WorkflowStatus


def test_the_statuses_are_those_of_the_service() -> None:
    assert set(RunStatus) == set(service_model().shape_for("RunStatus").metadata["enum"])
    assert set(TaskStatus) == set(service_model().shape_for("TaskStatus").metadata["enum"])
    assert set(WorkflowStatus) <= set(service_model().shape_for("WorkflowStatus").metadata["enum"])


@pytest.mark.parametrize("status", list(RunStatus))
def test_a_run_that_has_ended_can_only_be_deleted(status: RunStatus) -> None:
    reachable = {other for other in RunStatus if status.may_become(other)}

    assert status.is_terminal == (reachable <= {RunStatus.DELETED})


def test_every_status_can_be_reached_from_pending() -> None:
    reached = {RunStatus.PENDING}
    for _ in RunStatus:
        reached |= {other for status in reached for other in RunStatus if status.may_become(other)}

    assert reached == set(RunStatus)
