"""A headless Chromium for tests, driven by puppeteer in ``tests/node/browser.mjs``."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import IO

NODE_FOLDER = Path(__file__).parent / "node"


def why_not() -> str | None:
    """Why there is no browser on this machine; None when there is one."""
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "AMD64"}:
        return f"@sparticuz/chromium is a Chromium for Linux on x64 only, this is {sys.platform} {platform.machine()}"
    if shutil.which("node") is None:
        return "Node.js was not found on the PATH"
    if not (NODE_FOLDER / "node_modules" / "puppeteer-core").is_dir():
        return "tests/node/node_modules is not installed: make test does it"
    return None


class BrowserError(Exception):
    """The browser could not do what it was told."""


class Browser:
    """One tab at a time; each `open` is a new one."""

    def __init__(self, commands: IO[str], answers: IO[str]) -> None:
        self._commands = commands
        self._answers = answers
        self.version = self._answer()

    def open(self, url: str, **options: Any) -> int:
        """Load an address in a new tab; the HTTP status.

        Args:
            url: The address.
            options: `javascript`, `width`, `height`, `scheme` (``light`` or ``dark``).
        """
        return int(self._tell("open", url=url, **options))

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self._tell("evaluate", expression=expression)

    def wait(self, expression: str) -> None:
        """Come back when the expression is true."""
        self._tell("wait", expression=expression)

    def click(self, selector: str) -> None:
        """Click an element."""
        self._tell("click", selector=selector)

    def follow(self, selector: str) -> str:
        """Click an element that leads to another page; the address of that page."""
        return str(self._tell("follow", selector=selector))

    def text(self, selector: str = "body") -> str:
        """What a person reads in an element."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG."""
        self._tell("screenshot", path=str(path))

    def problems(self) -> list[str]:
        """What went to the console since the tab was opened: errors, refusals by the policy, dialogs."""
        return list(self._tell("problems"))

    def _tell(self, command: str, **options: Any) -> Any:
        self._commands.write(f"{json.dumps({'command': command, **options})}\n")
        self._commands.flush()
        return self._answer()

    def _answer(self) -> Any:
        line = self._answers.readline()
        if not line:
            raise BrowserError("the browser has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer["result"]


@contextmanager
def browser() -> Generator[Browser]:
    """A browser that leaves neither processes nor files (it unpacks itself, 200 MB, into the temporary folder)."""
    with tempfile.TemporaryDirectory(prefix="healthomics-browser-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            ["node", str(NODE_FOLDER / "browser.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": folder, "HOME": folder},
            start_new_session=True,
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield Browser(process.stdin, process.stdout)
                process.stdin.close()
                process.wait(timeout=60)
            finally:
                # Whatever went wrong, nothing of it may stay.
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
