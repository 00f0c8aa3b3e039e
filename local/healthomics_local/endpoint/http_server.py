"""The HTTP shell: sockets and threads around a service, and nothing else."""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
import time
import uuid
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from healthomics_local.endpoint.errors import (
    RequestEntityTooLargeException,
    SerializationException,
    ServiceError,
)
from healthomics_local.endpoint.faults import ConnectionDropped
from healthomics_local.endpoint.http_head import HeaderLines, body_length, origin_form
from healthomics_local.endpoint.messages import Request, Response, response_from_error

if TYPE_CHECKING:
    from io import BufferedIOBase

    from healthomics_local.endpoint.service import Service

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 60
_LINGER_SECONDS = 5
_STOP_SECONDS = 10
_LINGER_BYTES = 64 * 1024 * 1024


class HttpServer(ThreadingHTTPServer):
    """Serves one service; every connection has a thread, and all of them end with `stop`."""

    daemon_threads = True
    # A burst of clients that connect at once must not be refused.
    request_queue_size = 256

    def __init__(self, service: Service, *, host: str, port: int) -> None:
        self.service = service
        self._connections: set[socket.socket] = set()
        self._handlers: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._accepting: threading.Thread | None = None
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The server's address; one of this machine's own, if it listens on all."""
        host, port = cast("tuple[str, int]", self.server_address[:2])
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - to avoid it
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def server_bind(self) -> None:
        """Bind, without the reverse look-up of the host's name that the base class does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = cast("tuple[str, int]", self.server_address[:2])

    def start(self) -> None:
        """Accept connections, in a thread of its own."""
        self._accepting = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="healthomics-http", daemon=True
        )
        self._accepting.start()

    def stop(self) -> None:
        """Close every connection and return when no thread is left."""
        if self._accepting is not None:
            self.shutdown()
            self._accepting.join()
        self.server_close()
        with self._lock:
            connections, handlers = list(self._connections), list(self._handlers)
        for connection in connections:
            _shut(connection)
        deadline = time.monotonic() + _STOP_SECONDS
        for handler in handlers:
            if handler is not threading.current_thread():
                handler.join(timeout=max(0.0, deadline - time.monotonic()))

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and keep it in view until it ends."""
        with self._lock:
            self._connections.add(request)
            self._handlers.add(threading.current_thread())
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections.discard(request)
                self._handlers.discard(threading.current_thread())

    def shutdown_request(self, request: Any) -> None:
        """Say that nothing more will come, hear the client out, and close.

        To close a connection on which there is something to read resets it, and takes back an answer that the client
        has not read yet.
        """
        try:
            request.shutdown(socket.SHUT_WR)
            request.settimeout(_LINGER_SECONDS)
            left = _LINGER_BYTES
            while left > 0 and (chunk := request.recv(65536)):
                left -= len(chunk)
        except OSError as error:
            logger.debug("connection was closed by the client: %r", error)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is the client's affair; anything else is a mistake in this package."""
        del request
        error = sys.exception()
        if isinstance(error, OSError):
            logger.debug("connection from %s ended: %r", client_address, error)
        else:
            logger.error("connection from %s failed", client_address, exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "healthomics-local"
    sys_version = ""
    timeout = _IDLE_SECONDS
    # One segment for head and body; and no waiting for more to send.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        """Serve any request: the method is the service's business."""
        try:
            request = self._request()
        except ServiceError as error:
            self._refuse(response_from_error(error))
            return
        try:
            response = self._service.handle(request)
        except ConnectionDropped:
            self.close_connection = True
            _shut(self.connection)
            return
        self._send(response)

    # The base class looks for a method of this name for each HTTP method.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815

    def parse_request(self) -> bool:
        """Read the head of a request; False, when it was refused."""
        reader = self.rfile
        self.rfile = cast("BufferedIOBase", HeaderLines(reader))
        try:
            parsed = super().parse_request()
        except SerializationException as error:
            self.send_error(error.http_status, error.message)
            return False
        finally:
            self.rfile = reader
        if parsed and self.request_version == self.default_request_version:
            self.send_error(HTTPStatus.BAD_REQUEST, "the request line must name a version of HTTP")
            return False
        return parsed

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is no HTTP in the form of the API; the base class would send a web page."""
        del explain
        error = SerializationException(message or HTTPStatus(code).phrase)
        # What could not be parsed counts as HTTP/0.9, whose answers have no head.
        self.request_version = self.protocol_version
        self._refuse(replace(response_from_error(error), status=int(code)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log to this module's logger, and only on demand."""
        logger.debug(format, *args)

    @property
    def _service(self) -> Service:
        return cast("HttpServer", self.server).service

    def _request(self) -> Request:
        if "transfer-encoding" in self.headers:
            raise SerializationException("chunked requests are not supported: send a Content-Length")
        path, _, query = origin_form(self.path).partition("?")
        return Request(
            method=self.command,
            path=path,
            query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(),
            port=cast("HttpServer", self.server).server_port,
        )

    def _body(self) -> bytes:
        length, limit = body_length(self.headers.get_all("content-length", [])), self._service.settings.max_body_bytes
        if length > limit:
            raise RequestEntityTooLargeException(f"the request body must not exceed {limit} bytes, got {length}")
        body = self.rfile.read(length)
        if len(body) < length:
            raise SerializationException("the request body ended early")
        return body

    def _refuse(self, response: Response) -> None:
        """Answer and hang up: what is left of the request would be read as the next one."""
        self.close_connection = True
        self._send(replace(response, headers={**response.headers, "x-amzn-RequestId": str(uuid.uuid4())}))

    def _send(self, response: Response) -> None:
        self.log_request(response.status)
        self.send_response_only(response.status)
        self.send_header("Date", formatdate(usegmt=True))
        for name, value in response.headers.items():
            self.send_header(name, value)
        has_body = response.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        if has_body:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        # After an answer that must not have one, a body would be read as the next answer.
        if has_body and self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # Already closed by the other side.
        return
