"""Signed requests that were damaged on their way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from campaign_size import examples
from healthomics_local.endpoint.authorization.policy_authorizer import PolicyAuthorizer, Principal
from healthomics_local.testing import local_healthomics
from http_wire import check_error, exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthomics_local.endpoint import LocalHealthOmics

pytestmark = pytest.mark.slow

EVERYTHING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
CALLER = Principal(
    arn="arn:aws:iam::123456789012:user/caller",
    access_key_id="AKIDEXAMPLE",
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    policies=[EVERYTHING],
)
MEMBERS: dict[str, Any] = {
    "workflowId": "1234567",
    "roleArn": "arn:aws:iam::123456789012:role/run",
    "outputUri": "s3://bucket/out",
    "name": "as it was signed",
    "requestId": "1",
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalHealthOmics]:
    with local_healthomics(authorizer=PolicyAuthorizer([CALLER]), accept_unknown_references=True) as omics:
        yield omics


def signed(url: str) -> bytes:
    """A StartRun request, with no header but those that are needed."""
    body = json.dumps(MEMBERS).encode()
    request = AWSRequest("POST", f"{url}/run", data=body, headers={"Host": urlsplit(url).netloc})
    SigV4Auth(Credentials(CALLER.access_key_id, CALLER.secret_access_key), "omics", "us-east-1").add_auth(request)
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"POST /run HTTP/1.1\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_a_request_as_it_was_signed_starts_a_run(guarded: LocalHealthOmics) -> None:
    (answer,) = exchange(guarded.url, [signed(guarded.url)])

    assert answer.status == 201


# One character for another leaves the request whole: only its signature can tell.
CHARACTERS = st.characters(min_codepoint=32, max_codepoint=126).map(str.encode)


@pytest.mark.slow
@given(place=st.floats(0, 1, exclude_max=True), replacement=st.one_of(CHARACTERS, st.binary(max_size=3)))
@examples(250)
def test_no_other_run_is_started_than_the_one_that_was_signed(
    guarded: LocalHealthOmics, place: float, replacement: bytes
) -> None:
    content = signed(guarded.url)
    at = int(place * len(content))

    answers = exchange(guarded.url, [content[:at] + replacement + content[at + 1 :]])

    for answer in answers:
        if answer.status >= 400:
            check_error(answer)
    # Damage that says the same, such as a capital letter in a header's name, does no harm.
    assert {run.name for run in guarded.runs()} <= {MEMBERS["name"]}
    assert len(guarded.runs()) <= 1
