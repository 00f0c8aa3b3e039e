"""``python -m healthomics_local.endpoint``, as a person or a script runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request

import pytest


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
    ],
)
def test_a_bad_option_is_refused(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "healthomics_local.endpoint", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)

    assert done.returncode == 2
    assert arguments[0] in done.stderr
