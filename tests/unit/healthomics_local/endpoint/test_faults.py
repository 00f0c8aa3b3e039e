from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from healthomics_local.endpoint import ConnectionDropped, Fault, Service, ServiceError

StartRun = Callable[..., dict[str, Any]]


def test_a_fault_hits_as_many_calls_as_it_says(service: Service, start_run: StartRun) -> None:
    service.inject(Fault(operation="StartRun", code="ThrottlingException", count=2))

    for _ in range(2):
        with pytest.raises(ServiceError) as refused:
            start_run(service)
        assert (refused.value.code, refused.value.http_status) == ("ThrottlingException", 429)
    start_run(service)

    assert len(service.runs()) == 1
    assert service.faults() == ()


def test_a_fault_of_another_operation_does_not_hit(service: Service, start_run: StartRun) -> None:
    service.inject(Fault(operation="GetRun", code="InternalServerException"))

    start_run(service)

    assert len(service.faults()) == 1


def test_a_fault_for_all_operations_stays_until_it_is_cleared(service: Service) -> None:
    service.inject(Fault(code="InternalServerException", count=None))
    for _ in range(3):
        with pytest.raises(ServiceError):
            service.call("ListRuns")

    service.clear_faults()

    service.call("ListRuns")


def test_a_lost_response_leaves_its_effect(service: Service, start_run: StartRun) -> None:
    service.inject(Fault(operation="StartRun", code="InternalServerException", after_processing=True))
    with pytest.raises(ServiceError):
        start_run(service, requestId="one")
    assert len(service.runs()) == 1

    assert start_run(service, requestId="one")["id"] == service.runs()[0].run_id


def test_a_dropped_connection_is_no_error_of_the_service(service: Service, start_run: StartRun) -> None:
    service.inject(Fault(operation="StartRun", drop_connection=True))

    with pytest.raises(ConnectionDropped):
        start_run(service)

    assert service.runs() == []
    (recorded,) = service.requests("StartRun")
    assert (recorded.status, recorded.error, recorded.injected) == (None, None, True)


def test_skipped_calls_and_a_condition_choose_the_call(service: Service, start_run: StartRun) -> None:
    service.inject(Fault(operation="StartRun", code="ConflictException", skip=1, when=lambda m: m.get("name") == "x"))

    start_run(service, name="x")
    start_run(service, name="y")
    with pytest.raises(ServiceError) as refused:
        start_run(service, name="x")

    assert refused.value.code == "ConflictException"


def test_latency_passes_on_the_clock_of_the_service(service: Service) -> None:
    before = service.clock.now()
    service.inject(Fault(latency=30))

    service.call("ListRuns")

    assert service.clock.now() == before + timedelta(seconds=30)


def test_an_unknown_code_is_passed_on_with_the_status_that_is_given(service: Service) -> None:
    service.inject(Fault(code="ExpiredTokenException", status=403, message="expired"))

    with pytest.raises(ServiceError) as refused:
        service.call("ListRuns")

    assert (refused.value.code, refused.value.http_status) == ("ExpiredTokenException", 403)
    assert refused.value.message == "expired"


def test_a_mistake_in_a_fault_is_noticed_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="StartRuns"):
        Fault(operation="StartRuns")
    with pytest.raises(ValueError, match="count"):
        Fault(count=0)


def test_calls_are_recorded_with_input_and_answer(service: Service, start_run: StartRun) -> None:
    start_run(service, name="a")
    with pytest.raises(ServiceError):
        service.call("GetRun", {"id": "1"})

    started, asked = service.requests()

    assert (started.operation, started.input["name"], started.status) == ("StartRun", "a", 201)
    assert (asked.operation, asked.status, asked.error) == ("GetRun", 404, "ResourceNotFoundException")
    assert service.requests("GetRun") == [asked]
    service.clear_requests()
    assert service.requests() == []


def test_the_record_is_bounded_and_holds_no_blobs(make_service: Callable[..., Service]) -> None:
    service = make_service(max_recorded_requests=3)
    for _ in range(5):
        service.call("CreateWorkflow", {"definitionZip": b"x" * 100})

    assert len(service.requests()) == 3
    assert service.requests()[0].input["definitionZip"] == "<100 bytes>"


def test_the_memory_of_the_record_is_bounded(make_service: Callable[..., Service]) -> None:
    service = make_service(max_recorded_bytes=200_000, accept_unknown_references=True)

    def call(name: str) -> None:
        # Refused, and recorded all the same.
        with pytest.raises(ServiceError):
            service.call("ListRuns", {"name": name, "status": "RUNNING"})

    for number in range(10):
        call(f"{number}" * 50_000)
    kept = [request.input["name"][0] for request in service.requests()]
    call("x" * 300_000)

    assert kept == ["7", "8", "9"]
    assert re.fullmatch("<300[0-9]{3} bytes>", service.requests()[-1].input["name"])
    assert len(service.requests()) == 4
    service.clear_requests()
    call("y" * 150_000)
    assert len(service.requests()) == 1


@pytest.mark.parametrize("status", [200, 204, 304, 399, 600])
def test_a_fault_has_the_status_of_an_error(status: int) -> None:
    # An answer with 204 or 304 has no body: a client would read the error's as the next answer.
    with pytest.raises(ValueError, match="status must be None or from 400 to 599"):
        Fault(code="ConflictException", status=status)
    with pytest.raises(ValueError, match="needs a code"):
        Fault(status=500)
