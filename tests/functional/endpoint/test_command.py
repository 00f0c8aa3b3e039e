"""``python -m healthomics_local.endpoint``, as a person or a script runs it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.slow


def test_it_prints_its_url_serves_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "healthomics_local.endpoint", "--port", "0", "--virtual-clock"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().rpartition(" ")[2].strip()
            with urllib.request.urlopen(f"{url}/_local/health", timeout=60) as response:
                assert response.status == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=90) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--speed", "0"],
        ["--start-run-tps", "-1"],
        ["--engine", "wdl"],
        ["--storage-checks", "SOME"],
        ["--cloudwatch-logs"],
        ["--port", "99999"],
        ["--port", "x"],
    ],
)
def test_a_bad_option_is_refused(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "healthomics_local.endpoint", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)

    assert done.returncode == 2
    assert arguments[0] in done.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--account-id", "12"], "account_id must have 12 digits, got '12'"),
        (["--aws-endpoint-url", "nonsense", "--cloudwatch-logs"], "aws_endpoint_url must be http://HOST:PORT"),
        (["--set", "max_stored_runs=0"], "max_stored_runs must be at least 1, got 0"),
        (["--set", "clock=now"], "there is no setting 'clock'"),
    ],
)
def test_a_bad_setting_is_refused_and_says_what_is_allowed(arguments: list[str], error: str) -> None:
    command = [sys.executable, "-m", "healthomics_local.endpoint", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)

    assert done.returncode == 2
    assert f"error: {error}" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_it_cannot_listen_it_says_so_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, error in (
            (["--port", port], f"error: cannot listen on 127.0.0.1 port {port}: Address already in use\n"),
            (["--host", "nonsense.invalid"], "error: cannot listen on nonsense.invalid port 0: .+\n"),
        ):
            command = [sys.executable, "-m", "healthomics_local.endpoint", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)

            assert done.returncode == 1
            assert re.fullmatch(error, done.stderr)


@contextmanager
def running(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "healthomics_local.endpoint", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rpartition(" ")[2].strip(), process
        finally:
            process.send_signal(signal.SIGTERM)


def test_listening_on_every_address_is_warned_of_and_the_url_can_be_opened() -> None:
    with running("--host", "0.0.0.0") as (url, process):
        assert process.stderr is not None
        assert process.stderr.readline().startswith("warning: it listens on 0.0.0.0, signatures are not verified")
        with urllib.request.urlopen(f"{url}/", timeout=60) as page:
            assert page.status == 200
        assert "//127.0.0.1:" in url


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_it_listens_on_ipv6_too() -> None:
    with running("--host", "::1") as (url, _), urllib.request.urlopen(f"{url}/", timeout=60) as page:
        assert page.status == 200
        assert url.startswith("http://[::1]:")


def test_settings_without_an_option_can_be_set() -> None:
    options = ["--set", "start_run_tps=3", "--set", "region=eu-west-1"]
    with running(*options) as (url, _), urllib.request.urlopen(f"{url}/_local/throttling", timeout=60) as response:
        assert json.load(response) == {"start_run_tps": 3}
