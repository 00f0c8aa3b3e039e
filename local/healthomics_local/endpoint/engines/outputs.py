"""Outputs to S3: files go below ``out/``, and the document that names them to ``logs/outputs.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from healthomics_local.endpoint.json_values import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from healthomics_local.endpoint.objects import ObjectStore, S3Uri


class OutputExport:
    """Writes the outputs of one run.

    Args:
        store: Where they go.
        destination: The run's output URI.
        folder: Where the engine has put them; nothing outside of it is exported.
        checkpoint: Called before each file; what it raises ends the export.
    """

    def __init__(self, *, store: ObjectStore, destination: S3Uri, folder: Path, checkpoint: Callable[[], None]) -> None:
        self._store = store
        self._destination = destination
        self._folder = folder.resolve()
        self._checkpoint = checkpoint

    def export(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Upload every file of an output object; the object with S3 locations.

        Raises:
            ObjectStoreError: A file cannot be written.
            ValueError: The object names a file that is not in the folder.
        """
        return {name: self._value(value) for name, value in outputs.items()}

    def upload_log(self, source: Path, name: str) -> None:
        """Upload a file below ``logs/``.

        Raises:
            ObjectStoreError: It cannot be written.
        """
        self._store.upload(source, self._destination / "logs" / name)

    def _value(self, value: Any) -> Any:
        if is_array(value):
            return [self._value(each) for each in value]
        if not is_object(value):
            return value
        if value.get("class") not in {"File", "Directory"} or "location" not in value:
            return {name: self._value(each) for name, each in value.items()}
        relative = self._relative(str(value["location"]))
        target = self._destination / "out" / relative.as_posix()
        if value["class"] == "File":
            self._checkpoint()
            self._store.upload(self._folder / relative, target)
        rest = {name: each for name, each in value.items() if name not in {"location", "path", "dirname"}}
        nested = {name: self._value(rest[name]) for name in ("secondaryFiles", "listing") if name in rest}
        return {"class": value["class"], "location": str(target)} | rest | nested

    def _relative(self, location: str) -> Path:
        path = Path(unquote(urlsplit(location).path)).resolve()
        return path.relative_to(self._folder)


def write_json(document: object, path: Path) -> Path:
    """Write a document that people read as well."""
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
