"""Other people's clients of HealthOmics, unmodified, as subprocesses: where they are and what they are told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / ".clients" / "bin"
NODE_FOLDER = ROOT / "tests" / "node"

needs_python_clients = pytest.mark.skipif(not (ROOT / ".clients" / ".complete").exists(), reason="make clients does it")
needs_node_clients = pytest.mark.skipif(
    not (NODE_FOLDER / "node_modules" / "@aws-sdk").is_dir(), reason="make test installs tests/node/node_modules"
)


def environment(
    omics_url: str, home: Path, *, access_key_id: str = "test", secret_access_key: str = "test"
) -> dict[str, str]:
    """What a client is told of an endpoint, with nothing of the developer's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ENDPOINT_URL_OMICS": omics_url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret_access_key,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def run(command: list[str | Path], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a client to its end."""
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False
    )
