"""Signature Version 4: is a request signed by the owner of the access key that it names?

The signature is computed by botocore's own signer, over the request as it was received. Pure: credentials and time
are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from healthomics_local.endpoint.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from healthomics_local.endpoint.service_model import SERVICE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.authorization.authorizer import Credential
    from healthomics_local.endpoint.messages import Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_TERMINATOR = "aws4_request"
_STAMP = "%Y%m%dT%H%M%SZ"
_ALLOWED_MINUTES = 15
_MUST_BE_SIGNED = ("host", "x-amz-date", "x-amz-security-token")
"""Where a request has them: with another host or date, or another's token, it would be another request."""
_PARAMETERS = ("Credential", "SignedHeaders", "Signature")


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What a request says about its signature."""

    access_key_id: str
    date: str
    """The day in the credential's scope, YYYYMMDD."""
    region: str
    service: str
    terminator: str
    signed_headers: tuple[str, ...]
    value: str
    signed_at: datetime

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Signature:
        """Read the Authorization header of a request.

        Raises:
            MissingAuthenticationTokenException: There is none.
            IncompleteSignatureException: It, or the date, lacks something or is malformed.
        """
        authorization = headers.get("authorization", "")
        if not authorization:
            raise MissingAuthenticationTokenException("Missing Authentication Token")
        algorithm, _, rest = authorization.strip().partition(" ")
        if algorithm != _ALGORITHM:
            raise IncompleteSignatureException(f"Unsupported AWS 'algorithm': '{algorithm}'.")
        parts = [part.strip().partition("=") for part in rest.split(",")]
        given = {name: value for name, _, value in parts}
        date = _date_text(headers)
        missing = [f"Authorization header requires '{name}' parameter." for name in _PARAMETERS if not given.get(name)]
        if not date:
            missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        if missing:
            raise IncompleteSignatureException(f"{' '.join(missing)} {_fingerprint(authorization)}")
        scope = given["Credential"].split("/")
        if len(scope) != 5:  # noqa: PLR2004 - the parts of a credential's scope
            raise IncompleteSignatureException(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                f"got '{given['Credential']}'"
            )
        return cls(
            access_key_id=scope[0],
            date=scope[1],
            region=scope[2],
            service=scope[3],
            terminator=scope[4],
            signed_headers=tuple(given["SignedHeaders"].lower().split(";")),
            value=given["Signature"],
            signed_at=_moment(date),
        )


def verify(
    request: Request, signature: Signature, credential: Credential | None, *, region: str, now: datetime
) -> Credential:
    """Check a signature; the credential of who made it.

    Args:
        request: As it was received.
        signature: What it says about its signature.
        credential: What stands behind its access key; None: nobody has that key.
        region: The endpoint's Region, which the signature must be for.
        now: The wall-clock time.

    Raises:
        InvalidSignatureException: It is for something else, too old, or wrong.
        UnrecognizedClientException: There is no such key, or the session token is not the key's.
    """
    _check_time(signature.signed_at, now)
    _check_scope(signature, region)
    if credential is None or not _same(credential.session_token or "", request.headers.get("x-amz-security-token", "")):
        raise UnrecognizedClientException("The security token included in the request is invalid.")
    _check_signed_headers(request, signature)
    if not _same(_computed(request, signature, credential), signature.value):
        raise InvalidSignatureException(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )
    return credential


class _AsReceivedSigner(SigV4Auth):
    """botocore's signer, for the headers that were signed rather than for those that it would sign."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        """All headers of the request: it was given the signed ones only."""
        headers = HTTPHeaders()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers


def _computed(request: Request, signature: Signature, credential: Credential) -> str:
    signed = {name: request.headers[name] for name in signature.signed_headers}
    # Only the path and the query of the URL are signed; the host is signed as a header.
    target = f"{request.path}?{request.query}" if request.query else request.path
    # A URL would end at this character, and what comes behind it would be read, but not be signed.
    url = f"http://endpoint{target.replace('#', '%23')}"
    received = AWSRequest(method=request.method, url=url, headers=signed, data=request.body)
    received.context["timestamp"] = signature.signed_at.strftime(_STAMP)
    signer = _AsReceivedSigner(
        Credentials(credential.access_key_id, credential.secret_access_key), SERVICE_NAME, signature.region
    )
    text = signer.string_to_sign(received, signer.canonical_request(received))
    return str(signer.signature(text, received))


def _check_time(signed_at: datetime, now: datetime) -> None:
    window = timedelta(minutes=_ALLOWED_MINUTES)
    if signed_at < now - window:
        raise InvalidSignatureException(
            f"Signature expired: {signed_at:{_STAMP}} is now earlier than {now - window:{_STAMP}} "
            f"({now:{_STAMP}} - {_ALLOWED_MINUTES} min.)"
        )
    if signed_at > now + window:
        raise InvalidSignatureException(
            f"Signature not yet current: {signed_at:{_STAMP}} is still later than {now + window:{_STAMP}} "
            f"({now:{_STAMP}} + {_ALLOWED_MINUTES} min.)"
        )


def _check_scope(signature: Signature, region: str) -> None:
    problems: list[str] = []
    if signature.region != region:
        problems.append(f"Credential should be scoped to a valid region, not '{signature.region}'.")
    if signature.service != SERVICE_NAME:
        problems.append(f"Credential should be scoped to correct service: '{SERVICE_NAME}'.")
    if signature.terminator != _TERMINATOR:
        problems.append(
            f"Credential should be scoped with a valid terminator: '{_TERMINATOR}', not '{signature.terminator}'."
        )
    if signature.date != f"{signature.signed_at:%Y%m%d}":
        problems.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{signature.date}' != '{signature.signed_at:%Y%m%d}', from '{signature.signed_at:{_STAMP}}'."
        )
    if problems:
        raise InvalidSignatureException(" ".join(problems))


def _check_signed_headers(request: Request, signature: Signature) -> None:
    for name in _MUST_BE_SIGNED:
        if name in request.headers and name not in signature.signed_headers:
            raise InvalidSignatureException(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    for name in signature.signed_headers:
        if name not in request.headers:
            raise InvalidSignatureException(f"The request has no header '{name}', which the AWS Authorization names.")
    claimed = request.headers.get("x-amz-content-sha256")
    # Only S3 takes bodies that are not signed.
    if claimed is not None and not _same(claimed, hashlib.sha256(request.body).hexdigest()):
        raise InvalidSignatureException("The value of x-amz-content-sha256 does not match the body of the request.")


def _date_text(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-date") or headers.get("date") or ""


def _moment(text: str) -> datetime:
    try:
        # An HTTP date in the Date header is as good as the compact form.
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC) if "," not in text else _http_date(text)
    except (ValueError, OverflowError):
        raise IncompleteSignatureException(
            f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ) from None


def _http_date(text: str) -> datetime:
    return parsedate_to_datetime(text).astimezone(UTC)


def _fingerprint(authorization: str) -> str:
    # As AWS does it: the header itself may hold a valid signature, which no log should have.
    digest = hashlib.sha256(authorization.encode("utf-8", "surrogateescape")).hexdigest()
    return f"(Hashed with SHA-256: {digest})"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
