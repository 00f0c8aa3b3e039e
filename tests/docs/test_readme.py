"""What the documents say is run, and what they point to exists."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from healthomics_local.testing import local_healthomics

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "example").rglob("*.md")])


def python_blocks(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if python_blocks(path)], ids=lambda path: path.name)
def test_code_in_a_document_runs(document: Path, tmp_path: Path) -> None:
    for number, block in enumerate(python_blocks(document)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "app.py").write_text(block)
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=folder,
            env={**os.environ, "CDK_OUTDIR": "cdk.out"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if "def test_" in block:
            collected = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", ".", "app.py"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            assert collected.returncode == 0, collected.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_commands_for_the_local_endpoint_do_something() -> None:
    guide = (ROOT / "docs" / "guide" / "local-endpoint.md").read_text()
    commands = re.findall(r"^\$ curl (.+)$", guide, flags=re.MULTILINE)
    assert len(commands) > 5

    with local_healthomics() as omics:
        for command in commands:
            arguments = shlex.split(command.replace("http://127.0.0.1:8080", omics.url))
            done = subprocess.run(
                ["curl", "-sS", "--fail", *arguments], capture_output=True, text=True, check=False, timeout=60
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
        assert (len(omics.scripts()), omics.start_run_tps, omics.faults()) == (1, 1, ())


def test_the_first_example_defines_a_run_and_its_outputs(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(python_blocks(ROOT / "README.md")[0])
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env={**os.environ, "CDK_OUTDIR": "cdk.out"},
        capture_output=True,
        check=True,
    )

    template = json.loads((tmp_path / "cdk.out" / "Genomes.template.json").read_text())
    (run,) = [each for each in template["Resources"].values() if each["Type"] == "Custom::HealthOmicsRun"]
    assert '"threads": 4' in json.dumps(run).replace('\\"', '"')
    assert {"AlignmentRunArn", "AlignmentRunOutputUri"} <= set(template["Outputs"])


def test_the_first_example_is_short() -> None:
    code = python_blocks(ROOT / "README.md")[0]

    assert len([line for line in code.splitlines() if line.strip()]) <= 25


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())

    missing = [
        target for target in targets if "://" not in target and not (document.parent / target).resolve().exists()
    ]
    assert missing == []


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()

    files = {path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")}
    assert files == set(re.findall(r"\((0\d{3}-[^)]+\.md)\)", index))
