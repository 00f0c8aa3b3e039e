"""State folders, their files and the processes they name."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from healthomics_local.failure import LocalAwsError
from healthomics_local.folders import home_folder, state_folder
from healthomics_local.local_aws import StartOptions, find, start, stop
from healthomics_local.locks import is_locked, try_lock
from healthomics_local.processes import ProcessId, wait_for_end
from healthomics_local.state import LOCK_FILE, STATE_FILE, State, read_state, write_state

STATE = State(
    supervisor=ProcessId(pid=1, started="never"),
    ministack_group=2,
    endpoint_url="http://127.0.0.1:4566",
    omics_endpoint_url="http://127.0.0.1:4567",
    region="us-east-1",
    account_id="000000000000",
    speed=100.0,
    authorization=False,
    temporary_directory="/nowhere/healthomics-local-x",
    started_at="2026-11-22T00:00:00+00:00",
)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)

    assert read_state(tmp_path) == STATE
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]


@pytest.mark.parametrize("content", ["", "{", "{}", '{"supervisor": 3}', "[]"])
def test_a_broken_state_file_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / STATE_FILE).write_text(content)

    assert read_state(tmp_path) is None


def test_a_state_without_a_living_supervisor_is_not_up(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)

    assert find(tmp_path) is None
    assert stop(tmp_path) is False
    assert not (tmp_path / STATE_FILE).exists()


def test_stopping_in_a_folder_that_does_not_exist_changes_nothing(tmp_path: Path) -> None:
    assert stop(tmp_path / "none") is False
    assert list(tmp_path.iterdir()) == []


def test_a_lock_has_one_holder_and_ends_with_it(tmp_path: Path) -> None:
    held = try_lock(tmp_path / LOCK_FILE)

    assert held is not None
    assert try_lock(tmp_path / LOCK_FILE) is None
    assert is_locked(tmp_path / LOCK_FILE)
    os.close(held)
    assert not is_locked(tmp_path / LOCK_FILE)


def test_a_pid_that_was_given_to_another_process_is_not_the_same_process() -> None:
    this = ProcessId.of(os.getpid())

    assert this.is_running()
    assert not replace(this, started="earlier").is_running()


def test_a_process_that_ended_is_not_running_even_before_it_is_waited_for() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    named = ProcessId.of(child.pid)
    assert named.is_running()

    child.kill()

    assert wait_for_end(named, seconds=5)
    child.communicate()


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        pytest.param(StartOptions(), None, id="nothing asked"),
        pytest.param(StartOptions(region="us-east-1", port=4566, speed=100), None, id="the same"),
        pytest.param(StartOptions(port=0), None, id="any port"),
        pytest.param(StartOptions(region="eu-west-1"), "--region eu-west-1 (it has us-east-1)", id="region"),
        pytest.param(StartOptions(port=1), "--port 1 (it has 4566)", id="port"),
        pytest.param(StartOptions(authorization=False), None, id="as it is"),
        pytest.param(StartOptions(authorization=True), "--authorization on (it has off)", id="authorization"),
    ],
)
def test_a_running_local_aws_must_fit_what_is_asked_for(options: StartOptions, difference: str | None) -> None:
    assert options.conflict_with(STATE) == difference


def test_the_environment_points_every_tool_at_the_local_aws() -> None:
    environment = STATE.environment()

    assert environment["AWS_ENDPOINT_URL"] == STATE.endpoint_url
    assert environment["AWS_ENDPOINT_URL_OMICS"] == STATE.omics_endpoint_url
    assert environment["AWS_DISABLE_HOST_PREFIX_INJECTION"] == "true"


def test_the_home_folder_is_chosen_or_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert home_folder({"HEALTHOMICS_LOCAL_HOME": "/chosen"}) == Path("/chosen")
    assert home_folder({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/healthomics-local")
    assert home_folder({}, platform="linux") == tmp_path / ".cache" / "healthomics-local"
    assert home_folder({}, platform="darwin") == tmp_path / "Library" / "Caches" / "healthomics-local"


def test_the_state_folder_is_chosen_on_the_command_line_first() -> None:
    environment = {"HEALTHOMICS_LOCAL_STATE": "/variable", "HEALTHOMICS_LOCAL_HOME": "/home"}

    assert state_folder("/option", environment) == Path("/option")
    assert state_folder(None, environment) == Path("/variable")
    assert state_folder(None, {"HEALTHOMICS_LOCAL_HOME": "/home"}) == Path("/home/state")


def test_a_state_folder_that_cannot_be_made_is_an_error_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LocalAwsError, match="--state-dir"):
        start(tmp_path / "file" / "below", StartOptions())
