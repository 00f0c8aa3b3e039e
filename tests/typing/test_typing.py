"""What type checkers say of users' code: nothing of good code, something of each mistake."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest

from template.support import RUN_TYPE, resources

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYRIGHT = ROOT / "node_modules" / ".bin" / "pyright"


def mypy_lines(file: Path) -> dict[int, str]:
    """Line -> error."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--output", "json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    errors = [json.loads(line) for line in done.stdout.splitlines()]
    return {error["line"]: error["message"] for error in errors if Path(error["file"]).name == file.name}


def pyright_lines(file: Path) -> dict[int, str]:
    """Line -> error."""
    done = subprocess.run([PYRIGHT, "--outputjson", file], cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {entry["range"]["start"]["line"] + 1: entry["message"] for entry in found if entry["severity"] == "error"}


CHECKERS = [
    pytest.param(mypy_lines, id="mypy"),
    pytest.param(
        pyright_lines, id="pyright", marks=pytest.mark.skipif(not PYRIGHT.exists(), reason="npm ci installs pyright")
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_good_code_passes(checker: Callable[[Path], dict[int, str]]) -> None:
    assert checker(HERE / "user_code.py") == {}


def test_good_code_synthesizes() -> None:
    definitions = runpy.run_path(str(HERE / "user_code.py"))
    app = cdk.App()
    definitions["Genomics"](app, "Genomics")

    assert len(resources(app.synth().get_stack_by_name("Genomics").template, RUN_TYPE)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_every_mistake_is_found(checker: Callable[[Path], dict[int, str]]) -> None:
    file = HERE / "user_mistakes.py"
    mistakes = {number for number, line in enumerate(file.read_text().splitlines(), start=1) if "# mistake:" in line}

    assert set(checker(file)) == mistakes
