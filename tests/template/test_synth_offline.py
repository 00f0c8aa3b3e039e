"""Synth needs no network, no Docker and no account: the example app is synthesized where there is nothing to reach."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"

IN_PYTHON = """\
import socket

def refuse(*arguments, **named):
    raise RuntimeError(f"synth wanted the network: {arguments}")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
"""
IN_NODE = """\
const refuse = (...given) => { throw new Error(`synth wanted the network: ${given}`); };
require("net").Socket.prototype.connect = refuse;
require("dns").lookup = refuse;
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a machine without a network, on whose PATH there is Node.js and nothing else."""
    for name, text in {"sitecustomize.py": IN_PYTHON, "refuse.cjs": IN_NODE}.items():
        (tmp_path / name).write_text(text)
    tools = tmp_path / "bin"
    tools.mkdir()
    node = shutil.which("node")
    assert node is not None
    (tools / "node").symlink_to(node)
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    kept = {name: value for name, value in kept.items() if not name.startswith(("AWS_", "CDK_"))}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    return (
        kept
        | proxies
        | {
            "PATH": str(tools),
            "PYTHONPATH": str(tmp_path),
            "NODE_OPTIONS": f"--require={tmp_path / 'refuse.cjs'}",
            "CDK_OUTDIR": str(tmp_path / "cdk.out"),
            "CDK_CONTEXT_JSON": json.dumps(json.loads((ROOT / "cdk.json").read_text())["context"]),
        }
    )


def test_the_example_is_synthesized_without_network_and_docker(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert (Path(environment["CDK_OUTDIR"]) / "PhiX174Run.template.json").exists()


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 9))"],
        ["node", "-e", "require('net').connect(9, '127.0.0.1')"],
    ],
    ids=["Python", "Node.js"],
)
def test_whoever_wants_the_network_there_fails(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert "synth wanted the network" in done.stderr
    assert shutil.which("docker", path=environment["PATH"]) is None
