"""MiniStack as a child process: loopback only, nothing of the user's environment, nothing left at the end."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from healthomics_local.failure import LocalAwsError
from healthomics_local.ministack.authorization import SECRET_VARIABLE
from healthomics_local.processes import stop_group

LOOPBACK: Final = "127.0.0.1"
READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 5.0
"""MiniStack does not end on SIGTERM while it waits for a custom resource, so the wait is short."""
LAUNCH_SCRIPT: Final = Path(__file__).parent / "ministack" / "launch.py"
WORKER_SITE: Final = Path(__file__).parent / "ministack" / "worker_site"
LOG_TAIL_CHARACTERS: Final = 400


def listen(port: int) -> socket.socket:
    """Open the listening socket that MiniStack will inherit.

    Bound here and handed over, so that the port is known before anything starts, and cannot be lost in
    between.

    Args:
        port: the port; 0 for any free one.

    Raises:
        LocalAwsError: the port cannot be had.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise LocalAwsError(
            f"port {port} on {LOOPBACK} cannot be used ({error.strerror}): stop the program that listens "
            "there, choose another port with --port, or leave --port out to get a free one"
        ) from error
    listener.listen(128)
    return listener


@dataclass(frozen=True, kw_only=True, slots=True)
class MiniStackSettings:
    """What a MiniStack process is started with."""

    python: Path
    """The interpreter of MiniStack's environment."""
    region: str
    account_id: str
    omics_endpoint_url: str
    """Where the Lambda functions and the ``AWS::Omics::*`` resources find HealthOmics."""
    authorization_secret: str | None = None
    """What questions about IAM carry; None: IAM is not enforced."""
    speed: float = 1.0
    """How many times more often than their rates say scheduled rules are due; below 1 they keep their rates."""
    log_file: Path
    temporary_directory: Path
    """Removed by the server if its parent vanishes; otherwise by whoever made it."""


def child_environment(settings: MiniStackSettings, *, port: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """Build the server's environment, which its Lambda workers inherit.

    Nothing else of the user's shell gets in: an AWS_PROFILE, a proxy or a PYTHONPATH would reach the
    functions.
    """
    return {
        "PATH": inherited.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(settings.temporary_directory / "home"),
        "TMPDIR": str(settings.temporary_directory / "tmp"),
        "PYTHONPATH": str(WORKER_SITE),  # for the workers; the server runs isolated and ignores it
        "PYTHONDONTWRITEBYTECODE": "1",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        # The certificate listener and SFTP would open further ports, the first of them on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": settings.region,
        "MINISTACK_ACCOUNT_ID": settings.account_id,
        "AWS_ENDPOINT_URL_OMICS": settings.omics_endpoint_url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        "LOG_LEVEL": "WARNING",
        **_authorization_environment(settings.authorization_secret),
    }


def _authorization_environment(secret: str | None) -> dict[str, str]:
    return {} if secret is None else {"AUTH": "true", SECRET_VARIABLE: secret}


class MiniStackProcess:
    """One running MiniStack."""

    def __init__(self, listener: socket.socket, settings: MiniStackSettings) -> None:
        """Start the process; `listener` is closed here, because the child owns it from now on."""
        self.url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        self._settings = settings
        for name in ("home", "tmp"):
            (settings.temporary_directory / name).mkdir()
        with listener, settings.log_file.open("wb") as log:
            self._process = self._start(listener, log)

    def _start(self, listener: socket.socket, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        command = [str(self._settings.python), "-I", str(LAUNCH_SCRIPT)]
        settings = self._settings
        arguments = [str(listener.fileno()), self.url, str(settings.temporary_directory), str(settings.speed)]
        return subprocess.Popen(  # noqa: S603 - our own command
            [*command, *arguments],
            env=child_environment(
                self._settings,
                port=listener.getsockname()[1],
                inherited=os.environ,
            ),
            cwd=self._settings.temporary_directory,
            stdin=subprocess.PIPE,  # never written to: its end tells the child that we are gone
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )

    @property
    def group(self) -> int:
        """The process group of the server and its workers."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether the process is gone, which nobody asked for while this object is in use."""
        return self._process.poll() is not None

    def wait_until_ready(self) -> None:
        """Wait until requests are answered.

        Raises:
            LocalAwsError: the process ended, or did not answer in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.has_ended():
                raise LocalAwsError(f"MiniStack ended at its start: {self._log_tail()}")
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/ready", timeout=2).close()  # noqa: S310 - loopback
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.05)
            else:
                return
        raise LocalAwsError(f"MiniStack did not answer within {READY_SECONDS:.0f} s: {self._log_tail()}")

    def stop(self) -> None:
        """End the server and its workers."""
        stop_group(self._process, grace_seconds=STOP_SECONDS)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _log_tail(self) -> str:
        text = self._settings.log_file.read_text(errors="replace").strip()
        last = text.splitlines()[-1] if text else "no output"
        return f"{last[:LOG_TAIL_CHARACTERS]} (log: {self._settings.log_file})"
