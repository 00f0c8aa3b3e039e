"""The server process: MiniStack with our additions, on one inherited socket, gone when its parent is.

Run by ``launch.py`` with the Python of MiniStack's environment.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Final

from healthomics_local.ministack import authorization, exports, omics_resources, wait_conditions
from healthomics_local.ministack.authorization import Authorization
from healthomics_local.ministack.binding import MiniStack
from healthomics_local.ministack.custom_resources import CustomResources

EVENTS_PATH: Final = "/_ext/events"
SHORTEST_RATE_SECONDS: Final = 1.0
"""A rate is not shortened below that: the functions of a stack have something else to do as well."""
EVENTS_REGION_HEADER: Final = b"x-aws-region"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def watch_parent(temporary_directory: str) -> None:
    """End this process group once the parent is gone, however it went.

    The parent holds the other end of our standard input and never writes to it: it ends when the parent
    exits, is killed, or lets us go. The group is this server and its Lambda workers.
    """

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        shutil.rmtree(temporary_directory, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait_for_end, name="parent-watch", daemon=True).start()


class Application:
    """MiniStack's ASGI application and, beside it, the ways in for events of AWS services and questions about IAM."""

    def __init__(self, ministack: MiniStack, authorization: Authorization | None) -> None:
        self._ministack = ministack
        self._authorization = authorization
        self._inner = ministack.application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"] if scope["type"] == "http" else None
        if path == EVENTS_PATH:
            status, answer = self._take_events(scope, await _body(receive))
        elif path == authorization.PATH and self._authorization is not None:
            secret = _header(scope, authorization.SECRET_HEADER.encode())
            status, answer = self._authorization.answer(await _body(receive), secret=secret)
        else:
            await self._inner(scope, receive, send)
            return
        content = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": content})
        await send({"type": "http.response.body", "body": answer})

    def _take_events(self, scope: Scope, body: bytes) -> tuple[int, bytes]:
        try:
            return self._ministack.put_events(body, region=_header(scope, EVENTS_REGION_HEADER))
        except ValueError as error:
            return 400, json.dumps({"message": f"not a PutEvents request: {error}"}).encode()


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if not message.get("more_body"):
            return body


def _header(scope: Scope, name: bytes) -> str:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers.get(name, b"").decode("latin-1")


def serve(socket_fd: int, gateway_url: str, *, speed: float, secret: str | None) -> None:
    """Serve on an inherited listening socket until a signal or the end of the parent.

    Args:
        socket_fd: Descriptor of the socket.
        gateway_url: Where it can be reached.
        speed: How many times more often than their rates say scheduled rules are due.
        secret: What questions about IAM must carry; None: nobody asks, because IAM is not enforced.
    """
    ministack = MiniStack()
    CustomResources(ministack, gateway_url=gateway_url).install()
    exports.install(ministack)
    omics_resources.install(ministack)
    wait_conditions.install(ministack)
    ministack.speed_up_schedules(max(speed, 1.0), shortest_seconds=SHORTEST_RATE_SECONDS)
    answers = None
    if secret is not None:
        ministack.take_requests_for_encrypted()
        ministack.name_rules_of_the_default_bus()
        authorization.limit_function_logs(ministack)
        answers = Authorization(ministack, secret=secret)

    hypercorn = import_module("hypercorn.asyncio")
    config = import_module("hypercorn.config").Config()
    config.bind = [f"fd://{socket_fd}"]
    config.loglevel = "WARNING"
    config.accesslog = None
    config.keep_alive_timeout = 75

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await hypercorn.serve(Application(ministack, answers), config, shutdown_trigger=stop.wait)

    asyncio.run(run())
    # Threads that wait for custom resources would keep the interpreter for up to an hour.
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Serve; arguments are the socket's descriptor, the gateway URL, the folder to remove at the end, and the speed."""
    socket_fd, gateway_url, temporary_directory, speed = arguments
    watch_parent(temporary_directory)
    # Out of the environment, which the functions inherit.
    serve(int(socket_fd), gateway_url, speed=float(speed), secret=os.environ.pop(authorization.SECRET_VARIABLE, None))
