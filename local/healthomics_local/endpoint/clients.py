"""boto3 clients for the endpoint, over HTTP or straight into this process."""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3.session
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from healthomics_local.endpoint.faults import ConnectionDropped
from healthomics_local.endpoint.messages import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_omics import OmicsClient

    from healthomics_local.endpoint.service import Service

# Making clients from one session is not thread-safe.
_SESSION_LOCK = threading.Lock()


def http_client(url: str, *, region: str, **config: Any) -> OmicsClient:
    """A client for an endpoint at this URL; the environment's AWS settings have no influence.

    Retries are off unless the configuration turns them on, so that a test sees each fault.

    Args:
        url: The endpoint's URL.
        region: The region that the client believes in.
        config: Members of botocore's Config.
    """
    options: dict[str, Any] = {"retries": {"total_max_attempts": 1}, **config, "inject_host_prefix": False}
    with _SESSION_LOCK:
        return _session().client(
            "omics",
            endpoint_url=url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - nobody verifies it
            config=Config(**options),
        )


def aws_client(service: str, url: str, *, region: str) -> Any:
    """A client for another service of a local AWS."""
    with _SESSION_LOCK:
        session: Any = _session()
        return session.client(
            service,
            endpoint_url=url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - what local AWS implementations expect
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}),
        )


def in_process_client(service: Service, **config: Any) -> OmicsClient:
    """A client whose requests are answered by a service in this process.

    All of botocore is at work except the sockets: checks of parameters, the wire form, retries, parsing.
    """
    client = http_client("http://in-process.invalid", region=service.settings.region, **config)
    client.meta.events.register("before-send.omics", _answer_with(service))
    return client


def _answer_with(service: Service) -> Callable[..., Any]:
    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        address = urlsplit(request.url)
        body: Any = request.body or b""
        # botocore's stubs promise text, but the signer leaves bytes.
        headers: dict[str, Any] = {str(name).lower(): value for name, value in request.headers.items()}
        # Signed, but added only where a socket is written to.
        headers.setdefault("host", address.netloc)
        message = Request(
            method=request.method,
            path=address.path,
            query=address.query,
            headers={k: v.decode() if isinstance(v, bytes) else str(v) for k, v in headers.items()},
            body=body.encode() if isinstance(body, str) else bytes(body),
        )
        try:
            response = service.handle(message)
        except ConnectionDropped as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error
        # The stubs name another class than the one that botocore itself passes.
        received: Any = HeadersDict(response.headers)
        return AWSResponse(request.url, response.status, received, _Raw(response.body))

    return answer


class _Raw(io.BytesIO):
    """The part of urllib3's response that AWSResponse reads from."""

    def stream(self, **_: object) -> Iterator[bytes]:
        content = self.read()
        while content:
            yield content
            content = self.read()


_shared_session: boto3.session.Session | None = None


def _session() -> boto3.session.Session:
    """A session that reads neither profiles nor configuration files; one for all, because the model is cached in it."""
    global _shared_session  # noqa: PLW0603 - a cache, guarded by _SESSION_LOCK
    if _shared_session is None:
        core = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        _shared_session = boto3.session.Session(botocore_session=core)
    return _shared_session
