"""What MiniStack is started with, and where it is installed."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from healthomics_local.failure import LocalAwsError
from healthomics_local.ministack.authorization import SECRET_VARIABLE
from healthomics_local.ministack_environment import environment_folder, is_built
from healthomics_local.ministack_process import WORKER_SITE, MiniStackSettings, child_environment, listen

SETTINGS = MiniStackSettings(
    python=Path("/python"),
    region="eu-west-1",
    account_id="000000000000",
    omics_endpoint_url="http://127.0.0.1:2",
    log_file=Path("/log"),
    temporary_directory=Path("/tmp/x"),
)


def test_nothing_of_the_users_environment_reaches_the_functions_but_the_path() -> None:
    inherited = {"PATH": "/bin", "AWS_PROFILE": "work", "HTTPS_PROXY": "proxy", "PYTHONPATH": "/mine", "HOME": "/me"}

    environment = child_environment(SETTINGS, port=1, inherited=inherited)

    assert environment["PATH"] == "/bin"
    assert environment["HOME"] == "/tmp/x/home"
    assert environment["PYTHONPATH"] == str(WORKER_SITE)
    assert not {"AWS_PROFILE", "HTTPS_PROXY"} & set(environment)


def test_it_listens_on_loopback_only_and_its_functions_find_healthomics() -> None:
    environment = child_environment(SETTINGS, port=1, inherited={})

    assert environment["BIND_HOST"] == "127.0.0.1"
    assert environment["GATEWAY_PORT"] == "1"
    assert environment["IOT_MTLS_ENABLED"] == environment["SFTP_ENABLED"] == "0"
    assert environment["AWS_ENDPOINT_URL_OMICS"] == "http://127.0.0.1:2"
    assert environment["AWS_DISABLE_HOST_PREFIX_INJECTION"] == "true"


def test_iam_is_enforced_on_demand() -> None:
    open_to_all = child_environment(SETTINGS, port=1, inherited={"AUTH": "true"})
    enforced = child_environment(replace(SETTINGS, authorization_secret="s"), port=1, inherited={})

    assert "AUTH" not in open_to_all
    assert SECRET_VARIABLE not in open_to_all
    assert (enforced["AUTH"], enforced[SECRET_VARIABLE]) == ("true", "s")


def test_a_port_that_is_in_use_is_refused_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(LocalAwsError, match=rf"port {port} on 127\.0\.0\.1 cannot be used.*--port"):
            listen(port)


def test_each_lock_file_has_an_environment_of_its_own(tmp_path: Path) -> None:
    one, other = tmp_path / "one.lock", tmp_path / "other.lock"
    one.write_text("a==1")
    other.write_text("a==2")

    assert environment_folder(tmp_path, lock_file=one) != environment_folder(tmp_path, lock_file=other)
    assert environment_folder(tmp_path, lock_file=one).is_relative_to(tmp_path)


def test_an_environment_whose_installation_was_interrupted_is_not_taken_for_complete(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text("a==1")
    python = environment_folder(tmp_path, lock_file=lock) / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()

    assert not is_built(tmp_path, lock_file=lock)


def test_workers_get_the_root_log_handler_that_lambda_installs() -> None:
    code = "import logging; l = logging.getLogger('f'); l.setLevel('INFO'); l.info('seen'); logging.info('not seen')"

    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(WORKER_SITE)}, capture_output=True, text=True, check=True
    )

    assert "seen" in done.stderr
    assert "not seen" not in done.stderr
