"""The CloudFormation event, parsed."""

import pytest

from handler_fakes import create, delete, update
from healthomics_run_handler.errors import MalformedEventError
from healthomics_run_handler.request import parse_request


def test_a_create_is_read() -> None:
    request = parse_request(create())

    assert request.request_type == "Create"
    assert request.physical_id == ""
    assert request.old_properties is None
    assert request.properties["WorkflowId"] == "1234567"


def test_an_update_carries_both_sets_of_properties() -> None:
    request = parse_request(update("run|1", {"RerunOn": "2"}, {"RerunOn": "1"}))

    assert request.old_properties is not None
    assert (request.properties["RerunOn"], request.old_properties["RerunOn"]) == ("2", "1")


@pytest.mark.parametrize("missing", ["RequestType", "StackId", "LogicalResourceId", "RequestId", "ResponseURL"])
def test_an_event_without_a_field_is_malformed(missing: str) -> None:
    event = create()
    del event[missing]

    with pytest.raises(MalformedEventError, match=f"^{missing} is missing$"):
        parse_request(event)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param("text", id="not an object"),
        pytest.param(None, id="nothing"),
        pytest.param({**create(), "RequestType": "Read"}, id="an unknown request type"),
        pytest.param({**create(), "StackId": 7}, id="a number for a text"),
        pytest.param({**create(), "StackId": ""}, id="an empty text"),
        pytest.param({**create(), "ResourceProperties": "x"}, id="properties that are a text"),
        pytest.param({**delete("x"), "PhysicalResourceId": ""}, id="a Delete without a physical id"),
        pytest.param({**delete("x"), "PhysicalResourceId": 5}, id="a physical id that is a number"),
    ],
)
def test_what_is_no_request_is_malformed(event: object) -> None:
    with pytest.raises(MalformedEventError):
        parse_request(event)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ("text", "the event is not an object"),
        ({**create(), "RequestType": "Read"}, "RequestType is none of Create, Update, Delete"),
        ({**delete("x"), "PhysicalResourceId": ""}, "PhysicalResourceId is missing"),
        ({**create(), "OldResourceProperties": "x"}, "OldResourceProperties is not an object"),
    ],
)
def test_the_problem_is_named(event: object, text: str) -> None:
    with pytest.raises(MalformedEventError, match=f"^{text}$"):
        parse_request(event)


def test_an_event_without_properties_has_none() -> None:
    event = create()
    del event["ResourceProperties"]

    assert parse_request(event).properties == {}


def test_the_token_depends_on_stack_resource_request_and_generation_alone() -> None:
    base = create()
    token = parse_request(base).token(0)

    assert parse_request({**base, "ResponseURL": "https://other.example/", "ResourceProperties": {}}).token(0) == token
    assert len(token) == 64
    assert set(token) <= set("0123456789abcdef")
    different = [
        parse_request({**base, "StackId": base["StackId"] + "x"}).token(0),
        parse_request({**base, "LogicalResourceId": "Other"}).token(0),
        parse_request({**base, "RequestId": "create-2"}).token(0),
        parse_request(base).token(1),
        parse_request(base).token(2),
    ]
    assert len({token, *different}) == 6


def test_parts_of_the_token_cannot_run_into_each_other() -> None:
    one = parse_request({**create(), "LogicalResourceId": "ab", "RequestId": "c"}).token(0)
    other = parse_request({**create(), "LogicalResourceId": "a", "RequestId": "bc"}).token(0)

    assert one != other


def test_the_token_is_frozen() -> None:
    """A new value would start a second run for an event that an older release has handled."""
    event = {**create(), "StackId": "arn:aws:cloudformation:us-east-1:1:stack/s/1", "RequestId": "r"}

    assert parse_request(event).token(0) == "2e05cd647e338fd97572732b67fb04082d23c9bb9fb97315d25ced269de06ef7"


def test_two_sendings_of_a_request_differ_in_their_delivery_and_one_does_not() -> None:
    first = parse_request(create())
    again = parse_request(create())
    retried = parse_request({**create(), "ResponseURL": "https://response.example/create-1?X-Amz-Signature=new"})

    assert first.delivery == again.delivery
    assert first.delivery != retried.delivery
    assert "5ecret" not in first.delivery


@pytest.mark.parametrize(
    ("url", "date"),
    [
        ("https://x/?X-Amz-Date=20261122T101500Z&X-Amz-Signature=s", "20261122T101500Z"),
        ("https://x/?X-Amz-Signature=s&X-Amz-Date=20261122T101500Z", "20261122T101500Z"),
        ("https://x/?X-Amz-Signature=s", ""),
        ("https://x/?X-Amz-Date=yesterday", ""),
        ("https://x/?NotX-Amz-Date=20261122T101500Z", ""),
        ("https://x/?X-Amz-Date=20261122T101500Zx", ""),
    ],
)
def test_the_date_of_a_request_is_in_its_url(url: str, date: str) -> None:
    assert parse_request({**create(), "ResponseURL": url}).sent_at == date
