"""Events of AWS services reach rules, and only through the launcher's own door."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from healthomics_local.event_forwarder import EVENTS_PATH, EventForwarder

from .conftest import REGION

if TYPE_CHECKING:
    from .conftest import Server

pytestmark = pytest.mark.e2e

EVENT = {
    "source": "aws.omics",
    "detail-type": "Run Status Change",
    "resources": ["arn:aws:omics:eu-west-1:000000000000:run/1234567"],
    "detail": {"status": "COMPLETED", "arn": "arn:aws:omics:eu-west-1:000000000000:run/1234567"},
}


@pytest.fixture
def queue(server: Server) -> str:
    """A queue that gets the status changes of runs."""
    sqs, events = server.client("sqs"), server.client("events")
    url = sqs.create_queue(QueueName=f"runs-{time.monotonic_ns()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.omics"], "detail": {"status": ["COMPLETED"]}}
    events.put_rule(Name="runs", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="runs", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def received(server: Server, queue: str) -> list[dict[str, Any]]:
    answer = server.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_a_run_status_change_reaches_a_rule(server: Server, queue: str) -> None:
    forwarder = EventForwarder(endpoint_url=server.process.url, region=REGION)
    forwarder.start()

    forwarder(EVENT)

    (event,) = received(server, queue)
    assert {key: event[key] for key in EVENT} == EVENT
    assert event["region"] == REGION
    forwarder.stop()


def test_a_program_cannot_pass_for_an_aws_service(server: Server) -> None:
    entry = {"Source": "aws.omics", "DetailType": "Run Status Change", "Detail": "{}"}

    answer = server.client("events").put_events(Entries=[entry])

    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


def test_a_body_that_is_no_request_is_refused(server: Server) -> None:
    request = urllib.request.Request(f"{server.process.url}{EVENTS_PATH}", data=b"{", method="POST")

    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        urllib.request.urlopen(request)
    caught.value.close()
