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

from healthomics_local.ministack import omics_resources
from healthomics_local.ministack.binding import MiniStack
from healthomics_local.ministack.custom_resources import CustomResources

EVENTS_PATH: Final = "/_ext/events"
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
    """MiniStack's ASGI application and, beside it, the way in for events of AWS services."""

    def __init__(self, ministack: MiniStack) -> None:
        self._ministack = ministack
        self._inner = ministack.application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == EVENTS_PATH:
            await self._take_events(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    async def _take_events(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers: dict[bytes, bytes] = dict(scope["headers"])
        region = headers.get(EVENTS_REGION_HEADER, b"").decode()
        try:
            status, answer = self._ministack.put_events(body, region=region)
        except ValueError as error:
            status, answer = 400, json.dumps({"message": f"not a PutEvents request: {error}"}).encode()
        content = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": content})
        await send({"type": "http.response.body", "body": answer})


def serve(socket_fd: int, gateway_url: str) -> None:
    """Serve on an inherited listening socket until a signal or the end of the parent."""
    ministack = MiniStack()
    CustomResources(ministack, gateway_url=gateway_url).install()
    omics_resources.install(ministack)

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
        await hypercorn.serve(Application(ministack), config, shutdown_trigger=stop.wait)

    asyncio.run(run())
    # Threads that wait for custom resources would keep the interpreter for up to an hour.
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Serve; arguments are the socket's descriptor, the gateway URL and the folder to remove at the end."""
    socket_fd, gateway_url, temporary_directory = arguments
    watch_parent(temporary_directory)
    serve(int(socket_fd), gateway_url)
