"""The command line before any command runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from healthomics_local.cli import build_parser, main, split_arguments


def test_what_follows_the_dashes_goes_to_the_cdk_as_it_is() -> None:
    own, cdk = split_arguments(["deploy", ".", "--", "RunStack", "-c", "k=4", "--", "x"])

    assert own == ["deploy", "."]
    assert cdk == ["RunStack", "-c", "k=4", "--", "x"]


def test_options_come_before_the_command() -> None:
    parsed = build_parser().parse_args(["--region", "eu-west-1", "--port", "0", "--speed", "2", "deploy", "app"])

    assert (parsed.region, parsed.port, parsed.speed, parsed.app_dir) == ("eu-west-1", 0, 2.0, Path("app"))


@pytest.mark.parametrize(
    ("option", "asked"), [([], None), (["--authorization"], True), (["--no-authorization"], False)]
)
def test_authorization_is_asked_for_or_left_as_it_is(option: list[str], asked: bool | None) -> None:  # noqa: FBT001
    assert build_parser().parse_args([*option, "up"]).authorization is asked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--port", "65536", "up"], "'65536' is no port: give 1 to 65535", id="port"),
        pytest.param(["--port", "http", "up"], "'http' is no port", id="no number"),
        pytest.param(["--speed", "0", "up"], "'0' is no speed: give a number above 0", id="speed"),
        pytest.param(["--speed", "nan", "up"], "'nan' is no speed", id="no speed"),
        pytest.param(["status", "--", "x"], "`status` takes no CDK arguments", id="arguments for nobody"),
        pytest.param([], "COMMAND", id="no command"),
        pytest.param(["deploy"], "APP_DIR", id="no app"),
    ],
)
def test_a_wrong_command_line_is_refused_with_what_is_allowed(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_an_error_is_one_paragraph_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--state-dir", str(tmp_path / "state"), "deploy", str(tmp_path / "none")])

    error = capsys.readouterr().err
    assert status == 1
    assert error.startswith("healthomics-local: error: no such CDK app folder")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_status_and_down_say_so_when_nothing_is_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = ["--state-dir", str(tmp_path / "state")]

    assert main([*state, "status"]) == 1
    assert main([*state, "down"]) == 0
    assert capsys.readouterr().out.count("No local AWS is up") == 2
