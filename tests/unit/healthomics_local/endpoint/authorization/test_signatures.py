"""Signatures, checked against an implementation of their own, written from AWS's description."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthomics_local.endpoint import ServiceError
from healthomics_local.endpoint.authorization.authorizer import Credential
from healthomics_local.endpoint.authorization.signatures import Signature, verify
from healthomics_local.endpoint.messages import Request

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
REGION = "eu-west-1"
KEY = Credential(access_key_id="AKIA1", secret_access_key="s/e+cret", principal_arn="arn:aws:iam::123456789012:user/u")
SESSION = replace(KEY, access_key_id="ASIA1", session_token="token/+=")


def signed(
    request: Request,
    credential: Credential = KEY,
    *,
    at: datetime = NOW,
    region: str = REGION,
    service: str = "omics",
    day: str | None = None,
    http_date: bool = False,
) -> Request:
    """The request with an Authorization header, as the steps of "Create a signed AWS API request" make it."""
    day = day or f"{at:%Y%m%d}"
    moment = f"{at:%Y%m%dT%H%M%SZ}"
    date = {"date": format_datetime(at, usegmt=True)} if http_date else {"x-amz-date": moment}
    headers = {"host": "workflows-127.0.0.1:8080", **date, **request.headers}
    if credential.session_token is not None:
        headers["x-amz-security-token"] = credential.session_token
    names = sorted(headers)
    canonical = "\n".join(
        [
            request.method,
            quote(request.path, safe="/~"),
            "&".join(sorted(request.query.split("&"))),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credential.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    value = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={credential.access_key_id}/{scope}, SignedHeaders={';'.join(names)}, "
        f"Signature={value}"
    )
    return replace(request, headers={**headers, "authorization": authorization})


def check(request: Request, credential: Credential | None = KEY, *, now: datetime = NOW) -> Credential:
    return verify(request, Signature.of(request.headers), credential, region=REGION, now=now)


def refusal(request: Request, credential: Credential | None = KEY, *, now: datetime = NOW) -> tuple[str, str]:
    with pytest.raises(ServiceError) as refused:
        check(request, credential, now=now)
    assert refused.value.http_status == 403
    return refused.value.code, refused.value.message


LIST = Request(method="GET", path="/run", query="name=a%20b&maxResults=10")
START = Request(method="POST", path="/run", body=b'{"workflowId": "1"}', headers={"content-type": "application/json"})
TAGS = Request(method="GET", path="/tags/arn%3Aaws%3Aomics%3Aeu-west-1%3A123456789012%3Arun%2F1")


@pytest.mark.parametrize("request_", [LIST, START, TAGS], ids=["query", "body", "encoded path"])
@pytest.mark.parametrize("credential", [KEY, SESSION], ids=["key", "session"])
def test_a_request_signed_as_aws_describes_it_is_accepted(request_: Request, credential: Credential) -> None:
    assert check(signed(request_, credential), credential) == credential


text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@settings(deadline=None)
@given(
    name=text.filter(lambda each: each not in {"", ".", ".."}),
    query=st.dictionaries(text.filter(bool), text, max_size=3),
    body=st.binary(max_size=50),
    session=st.booleans(),
)
def test_whatever_the_path_the_query_and_the_body_are(
    name: str, query: dict[str, str], body: bytes, *, session: bool
) -> None:
    pairs = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query.items())
    request = Request(method="POST", path=f"/configuration/{quote(name, safe='')}", query=pairs, body=body)
    credential = SESSION if session else KEY

    assert check(signed(request, credential), credential) == credential


def changed(request: Request, **headers: str) -> Request:
    return replace(request, headers={**request.headers, **{k.replace("_", "-"): v for k, v in headers.items()}})


@pytest.mark.parametrize(
    "request_",
    [
        replace(signed(LIST), method="POST"),
        replace(signed(LIST), path="/workflow"),
        replace(signed(LIST), query="name=a%20b&maxResults=11"),
        replace(signed(LIST), query="name=a%20b&maxResults=10#&status=RUNNING"),
        replace(signed(START), body=b'{"workflowId": "2"}'),
        changed(signed(LIST), host="elsewhere"),
        changed(signed(LIST), x_amz_date=f"{NOW - timedelta(seconds=1):%Y%m%dT%H%M%SZ}"),
        signed(LIST, replace(KEY, secret_access_key="another")),
        changed(signed(LIST), authorization=signed(LIST).headers["authorization"][:-1] + "x"),
        changed(signed(LIST), authorization=signed(LIST).headers["authorization"] + "é"),
    ],
    ids=["method", "path", "query", "fragment", "body", "host", "date", "secret", "one digit", "no ASCII"],
)
def test_a_request_that_was_changed_or_signed_by_somebody_else_is_refused(request_: Request) -> None:
    code, message = refusal(request_)

    assert code == "InvalidSignatureException"
    assert message.startswith("The request signature we calculated does not match the signature you provided.")


def test_the_hash_of_the_body_may_be_a_header_and_must_be_that_of_the_body() -> None:
    body_hash = hashlib.sha256(START.body).hexdigest()

    assert check(signed(changed(START, x_amz_content_sha256=body_hash)))
    code, message = refusal(signed(changed(START, x_amz_content_sha256="UNSIGNED-PAYLOAD")))
    assert (code, "x-amz-content-sha256" in message) == ("InvalidSignatureException", True)


@pytest.mark.parametrize("minutes", [-15, 0, 15])
def test_a_signature_may_be_fifteen_minutes_old_or_early(minutes: int) -> None:
    assert check(signed(LIST, at=NOW + timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (
            -15 * 60 - 1,
            "Signature expired: 20260131T114459Z is now earlier than 20260131T114500Z (20260131T120000Z - 15 min.)",
        ),
        (
            15 * 60 + 1,
            "Signature not yet current: 20260131T121501Z is still later than 20260131T121500Z "
            "(20260131T120000Z + 15 min.)",
        ),
    ],
)
def test_an_older_or_earlier_one_is_refused(seconds: int, said: str) -> None:
    assert refusal(signed(LIST, at=NOW + timedelta(seconds=seconds))) == ("InvalidSignatureException", said)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (signed(LIST, region="us-east-1"), "Credential should be scoped to a valid region, not 'us-east-1'."),
        (signed(LIST, service="s3"), "Credential should be scoped to correct service: 'omics'."),
        (signed(LIST, day="20260130"), "'20260130' != '20260131', from '20260131T120000Z'."),
    ],
)
def test_a_signature_for_another_region_service_or_day_is_refused(request_: Request, said: str) -> None:
    code, message = refusal(request_)

    assert code == "InvalidSignatureException"
    assert said in message


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (signed(LIST), None),
        (signed(LIST, SESSION), replace(SESSION, session_token="another")),
        (signed(LIST), replace(KEY, session_token="missing")),
        (signed(LIST, SESSION), replace(SESSION, session_token=None)),
    ],
    ids=["no such key", "another token", "no token", "a token too many"],
)
def test_an_unknown_key_or_a_token_that_is_not_the_keys_is_refused(sent: Request, known: Credential | None) -> None:
    assert refusal(sent, known) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-security-token"])
def test_host_date_and_token_must_be_signed(name: str) -> None:
    whole = signed(LIST, SESSION)
    authorization = whole.headers["authorization"].replace(f";{name}", "").replace(f"{name};", "")

    code, message = refusal(changed(whole, authorization=authorization), SESSION)

    assert (code, message) == (
        "InvalidSignatureException",
        f"'{name}' must be a 'SignedHeader' in the AWS Authorization.",
    )


def test_a_signed_header_must_be_there() -> None:
    authorization = signed(LIST).headers["authorization"].replace("host;", "cookie;host;")

    assert "no header 'cookie'" in refusal(changed(signed(LIST), authorization=authorization))[1]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"authorization": "AWS4-HMAC-SHA256"}, "requires 'Credential' parameter. Authorization header requires 'Sign"),
        (
            {"authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host"},
            "requires 'Signature' parameter",
        ),
        (
            {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA1, SignedHeaders=host, Signature=0"},
            "exactly 5 slash-delimited elements",
        ),
        ({"authorization": "AWS4-ECDSA-P256-SHA256 Credential=x"}, "Unsupported AWS 'algorithm'"),
        ({"authorization": "Basic dTpw"}, "Unsupported AWS 'algorithm': 'Basic'"),
        ({"x-amz-date": ""}, "either a 'X-Amz-Date' or a 'Date' header"),
        ({"x-amz-date": "yesterday"}, "Date must be in ISO-8601 'basic format'. Got 'yesterday'"),
        ({"x-amz-date": "", "date": "Someday, 1 Jan"}, "Date must be in ISO-8601"),
        ({"x-amz-date": "", "date": "Fri, 31 Dec 9999 23:00:00 -1400"}, "Date must be in ISO-8601"),
    ],
)
def test_an_incomplete_signature_says_what_is_missing(headers: dict[str, str], said: str) -> None:
    whole = signed(LIST)

    code, message = refusal(replace(whole, headers={**whole.headers, **headers}))

    assert code == "IncompleteSignatureException"
    assert said in message
    # Nothing that could be used again.
    assert signed(LIST).headers["authorization"][-64:] not in message


parts = st.sampled_from(
    [
        "AWS4-HMAC-SHA256 ",
        "Credential=",
        "AKIA1/20260131/eu-west-1/omics/aws4_request",
        ", ",
        "=",
        "SignedHeaders=host",
        "Signature=",
        ";",
        "/",
        "x-amz-date",
        "20260131T120000Z",
        "é",
        "\x00",
    ]
)


@settings(deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(["authorization", "x-amz-date", "date", "host", "x-amz-security-token"]),
        st.lists(parts | text, max_size=8).map("".join),
    )
)
def test_whatever_the_headers_are_they_are_refused_with_a_modelled_error(headers: dict[str, str]) -> None:
    code, _ = refusal(replace(LIST, headers=headers))

    assert code in {
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }


def test_a_request_without_a_signature_is_refused() -> None:
    assert refusal(LIST) == ("MissingAuthenticationTokenException", "Missing Authentication Token")


def test_an_http_date_is_a_date_as_well() -> None:
    assert check(signed(LIST, http_date=True))
    assert refusal(signed(LIST, http_date=True, at=NOW - timedelta(minutes=16)))[1].startswith("Signature expired")
