"""The response object."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler_fakes import LOGICAL_ID, STACK_ID, create
from healthomics_run_handler import answer, contract
from healthomics_run_handler.answer import BODY_LIMIT, Answer
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.protocol import Outcome
from healthomics_run_handler.request import parse_request

REQUEST = parse_request(create())
RUN = RunIdentity(run_id="1234567", uuid="u-u", spec_digest="d", output_uri="s3://results/out/1234567")
OUTCOME = Outcome(physical_id=RUN.physical_id(), run=RUN, run_status="PENDING", run_name="genomes-alignment")


def body(result: Answer) -> tuple[dict[str, Any], list[str], int]:
    text, dropped = answer.body(REQUEST, result)
    return json.loads(text), dropped, len(text)


def test_a_success_has_every_attribute() -> None:
    parsed, dropped, _ = body(answer.success(REQUEST, OUTCOME))

    assert parsed == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "run|1234567|u-u|d|s3://results/out/1234567",
        "StackId": STACK_ID,
        "RequestId": "create-1",
        "LogicalResourceId": LOGICAL_ID,
        "NoEcho": False,
        "Data": {
            "RunArn": "arn:aws:omics:eu-west-1:123456789012:run/1234567",
            "RunId": "1234567",
            "RunUuid": "u-u",
            "RunOutputUri": "s3://results/out/1234567",
            "RunStatus": "PENDING",
            "RunName": "genomes-alignment",
        },
    }
    assert set(contract.ATTRIBUTES) <= set(parsed["Data"])
    assert dropped == []


def test_the_arn_has_the_partition_of_the_stack() -> None:
    attributes = answer.attributes("arn:aws-us-gov:cloudformation:us-gov-west-1:210987654321:stack/s/u", RUN, "PENDING")

    assert attributes["RunArn"] == "arn:aws-us-gov:omics:us-gov-west-1:210987654321:run/1234567"


def test_a_deleted_resource_has_no_attributes() -> None:
    parsed, _, _ = body(answer.success(REQUEST, Outcome(physical_id="x")))

    assert "Data" not in parsed
    assert "Reason" not in parsed


def test_a_failure_has_a_reason_of_at_most_256_characters_that_keeps_its_end() -> None:
    parsed, _, _ = body(answer.failure(physical_id="x", reason="a" * 300 + "cure"))

    assert parsed["Status"] == "FAILED"
    assert len(parsed["Reason"]) == 256
    assert parsed["Reason"].endswith("cure")
    assert body(answer.failure(physical_id="x", reason=""))[0]["Reason"]


def test_an_optional_attribute_goes_before_a_required_one() -> None:
    long_name = Outcome(physical_id="x", run=RUN, run_status="PENDING", run_name="n" * 4000)

    parsed, dropped, size = body(answer.success(REQUEST, long_name))

    assert dropped == ["RunName"]
    assert size <= BODY_LIMIT
    assert set(parsed["Data"]) == set(contract.ATTRIBUTES)


def test_a_body_of_exactly_4096_bytes_keeps_everything() -> None:
    def named(length: int) -> Outcome:
        return Outcome(physical_id="x", run=RUN, run_status="PENDING", run_name="n" * length)

    _, _, size = body(answer.success(REQUEST, named(1)))
    fitting = BODY_LIMIT - size + 1

    assert body(answer.success(REQUEST, named(fitting)))[1:] == ([], BODY_LIMIT)
    assert body(answer.success(REQUEST, named(fitting + 1)))[1] == ["RunName"]


@pytest.mark.parametrize("physical_id", ["", "y" * 1024, "y" * 2000, "é" * 600, "\ud800"])
def test_the_physical_id_is_never_empty_and_never_too_long(physical_id: str) -> None:
    parsed, _, _ = body(answer.failure(physical_id=physical_id, reason="r"))

    assert 1 <= len(parsed["PhysicalResourceId"].encode()) <= 1024


@given(
    uri=st.text(max_size=187),
    name=st.text(max_size=128),
    reason=st.text(max_size=400),
    status=st.sampled_from(["PENDING", "UNKNOWN", "DELETED"]),
)
def test_every_answer_is_valid_json_of_at_most_4096_bytes(uri: str, name: str, reason: str, status: str) -> None:
    run = RunIdentity(run_id="9" * 18, uuid="u" * 36, spec_digest="d" * 32, output_uri=uri)
    outcome = Outcome(physical_id=run.physical_id(), run=run, run_status=status, run_name=name)

    for result in (answer.success(REQUEST, outcome), answer.failure(physical_id="x", reason=reason)):
        parsed, _, size = body(result)

        assert size <= BODY_LIMIT
        assert parsed["PhysicalResourceId"]
        if result.status == "SUCCESS":
            assert set(contract.ATTRIBUTES) <= set(parsed["Data"])


def test_the_body_is_compact_utf8() -> None:
    run = RunIdentity(run_id="1", uuid="u", spec_digest="d", output_uri="s3://b/é")
    text, _ = answer.body(REQUEST, answer.success(REQUEST, Outcome(physical_id="x", run=run, run_status="PENDING")))

    assert '"RunOutputUri":"s3://b/é","RunStatus"' in text.decode()


def test_what_utf8_cannot_say_is_replaced() -> None:
    """A lone surrogate can come in by a JSON escape; it must not keep the answer from going out."""
    text, _ = answer.body(REQUEST, answer.failure(physical_id="x", reason="bad \ud800 text"))

    assert json.loads(text)["Reason"] == "bad ? text"


def test_a_reason_is_never_empty_on_failure_and_absent_on_success() -> None:
    assert answer.failure(physical_id="x", reason="").reason == "failed"
    assert answer.success(REQUEST, OUTCOME).reason == ""


def test_a_physical_id_is_cut_between_characters() -> None:
    assert body(answer.failure(physical_id="x" + "é" * 600, reason="r"))[0]["PhysicalResourceId"] == "x" + "é" * 511
