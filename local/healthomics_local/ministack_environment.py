"""MiniStack's own Python environment: built once for each content of its lock file, from hashes only."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from healthomics_local.failure import LocalAwsError
from healthomics_local.folders import home_folder
from healthomics_local.locks import waiting_lock

LOCK_FILE: Final = Path(__file__).parent / "ministack.lock"
COMPLETE_MARK: Final = "complete"


def environment_folder(home: Path, *, lock_file: Path = LOCK_FILE) -> Path:
    """Return the folder of the environment for this lock file and this Python."""
    content = lock_file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return home / "ministack" / f"{digest}-py{sys.version_info.major}.{sys.version_info.minor}"


def environment_python(home: Path, *, lock_file: Path = LOCK_FILE) -> Path:
    """Return the environment's interpreter, whether it is there or not."""
    return environment_folder(home, lock_file=lock_file) / "bin" / "python"


def is_built(home: Path, *, lock_file: Path = LOCK_FILE) -> bool:
    """Whether the environment is complete."""
    python = environment_python(home, lock_file=lock_file)
    return python.exists() and (python.parent.parent / COMPLETE_MARK).exists()


def ensure_environment(home: Path, *, lock_file: Path = LOCK_FILE) -> Path:
    """Build the environment unless it is there, and return its interpreter.

    Raises:
        LocalAwsError: the folder cannot be written, or the packages cannot be installed.
    """
    folder = environment_folder(home, lock_file=lock_file)
    if is_built(home, lock_file=lock_file):
        return environment_python(home, lock_file=lock_file)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(folder.with_suffix(".lock")):
            if not is_built(home, lock_file=lock_file):
                _build(folder, lock_file)
    except OSError as error:
        raise LocalAwsError(
            f"cannot write MiniStack's environment to {folder}: {error.strerror or error}; "
            "set HEALTHOMICS_LOCAL_HOME to a folder that can be written"
        ) from error
    return environment_python(home, lock_file=lock_file)


def _build(folder: Path, lock_file: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    # A virtual environment does not survive a move, so it is built in place; the mark says that it is
    # complete.
    _run([sys.executable, "-m", "venv", str(folder)], doing="create MiniStack's environment")
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    with tempfile.TemporaryDirectory(prefix="healthomics-local-") as empty:
        _run(
            [*pip, "--require-hashes", "--no-deps", "-r", str(lock_file)],
            doing=f"install MiniStack from {lock_file.name}",
            cwd=empty,
        )
    (folder / COMPLETE_MARK).touch()


def _run(command: list[str], *, doing: str, cwd: str | None = None) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-400:]
        raise LocalAwsError(
            f"cannot {doing}: {said or 'no output'}. It needs Python's venv and pip modules and, once, "
            "access to the package index that pip is configured for"
        )


if __name__ == "__main__":  # the Makefile builds it before the tests, which would all wait for it
    try:
        ensure_environment(home_folder())
    except LocalAwsError as failure:
        sys.exit(f"error: {failure}")
