"""The code of the Lambda functions.

That of the run provider is the handler package, crhelper, and the service model of HealthOmics; that of the run waiter
is its package and the handler's, parts of which it uses.

Nothing is downloaded, installed or imported, and no Docker is needed: the packages are found where Python would import
them from. The files are the same, byte for byte and with the same modes, on every machine that has the same versions of
them, and so is the asset's hash.
"""

import gzip
import json
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from healthomics_run_handler import contract

_PACKAGES: Final = ("healthomics_run_handler", "crhelper")
_WAITER_PACKAGES: Final = ("healthomics_run_handler", "healthomics_run_waiter")
_NOT_STAGED: Final = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyi", "py.typed")

_MODEL: Final = Path("omics", "2022-11-28", "service-2.json")
_OPERATIONS: Final = frozenset(
    {
        "CancelRun",
        "DeleteRun",
        "GetRun",
        "ListRuns",
        "StartRun",
        "TagResource",
        "UntagResource",
    }
)
"""What a handler can call. The other operations of the service would only cost cold starts."""

_FILE_MODE: Final = 0o644
_FOLDER_MODE: Final = 0o755


@contextmanager
def staged_handler() -> Generator[Path]:
    """A folder with the code of the run provider's function; gone after the block."""
    with tempfile.TemporaryDirectory(prefix="cdk-healthomics-") as folder:
        into = Path(folder)
        stage_handler(into)
        yield into


@contextmanager
def staged_waiter() -> Generator[Path]:
    """A folder with the code of the run waiter's function; gone after the block."""
    with tempfile.TemporaryDirectory(prefix="cdk-healthomics-") as folder:
        into = Path(folder)
        stage_waiter(into)
        yield into


def stage_handler(into: Path) -> None:
    """Put the code of the run provider's function into a folder.

    Raises:
        LookupError: A package is not installed, or botocore is too old to know the service.
    """
    _copy_packages(_PACKAGES, into)
    model = into / contract.SERVICE_MODEL_DIRECTORY / _MODEL
    model.parent.mkdir(parents=True)
    # Not gzipped: compressed bytes depend on the zlib of the machine, and the asset is zipped anyway.
    model.write_bytes(service_model())
    _set_modes(into)


def stage_waiter(into: Path) -> None:
    """Put the code of the run waiter's function into a folder; GetRun is in every runtime's own boto3.

    Raises:
        LookupError: A package is not installed.
    """
    _copy_packages(_WAITER_PACKAGES, into)
    _set_modes(into)


def _copy_packages(names: Iterable[str], into: Path) -> None:
    for name in names:
        shutil.copytree(package_directory(name), into / name, ignore=_NOT_STAGED)


def _set_modes(into: Path) -> None:
    # The modes travel in the zip file, and a strict umask would leave the runtime without access.
    into.chmod(_FOLDER_MODE)
    for path in into.rglob("*"):
        path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)


def package_directory(name: str) -> Path:
    """The folder of an importable package, found without importing it.

    Raises:
        LookupError: There is no such package.
    """
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise LookupError(
            f"the package {name} is not importable, and the Lambda function needs it: install cdk-healthomics anew"
        )
    return Path(spec.origin).parent


@cache
def service_model() -> bytes:
    """The part of botocore's model of HealthOmics that a handler needs, as compact JSON.

    The Lambda runtime's own botocore loads it (``AWS_DATA_PATH``) in place of the model that it came with, and so knows
    the members of StartRun that the botocore at synth knows.

    Raises:
        LookupError: botocore is not installed, or too old to know the service.
    """
    stored = package_directory("botocore") / "data" / _MODEL
    zipped = stored.with_suffix(".json.gz")
    if zipped.exists():
        text = gzip.decompress(zipped.read_bytes())
    elif stored.exists():
        text = stored.read_bytes()
    else:
        raise LookupError(f"botocore has no model of HealthOmics at {zipped}: install botocore 1.43 or newer")
    return json.dumps(_pruned(json.loads(text)), separators=(",", ":"), sort_keys=True).encode()


def _pruned(model: Mapping[str, Any]) -> dict[str, Any]:
    """The model without its texts, and with the operations of runs only."""
    operations = {name: model["operations"][name] for name in sorted(_OPERATIONS)}
    shapes: dict[str, Any] = {}
    wanted = list(_shape_names(operations))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted.extend(_shape_names(shapes[name]))
    return {
        "version": model["version"],
        "metadata": model["metadata"],
        "operations": _without_texts(operations),
        "shapes": _without_texts(shapes),
    }


def _shape_names(node: object) -> Iterator[str]:
    """Names of the shapes that a part of the model refers to."""
    match node:
        case dict():
            members = cast("dict[str, object]", node)
            if isinstance(name := members.get("shape"), str):
                yield name
            children = list(members.values())
        case list():
            children = cast("list[object]", node)
        case _:
            children = []
    for child in children:
        yield from _shape_names(child)


def _without_texts(node: object) -> Any:
    """The same without documentation; what is merely named so, such as a member, is no text and stays."""
    match node:
        case dict():
            members = cast("dict[str, object]", node)
            return {
                key: _without_texts(value)
                for key, value in members.items()
                if not (key == "documentation" and isinstance(value, str))
            }
        case list():
            return [_without_texts(item) for item in cast("list[object]", node)]
        case _:
            return node
