"""What a run has written to ``logs/outputs.json``, for the page to show."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthomics_local.endpoint.objects import ObjectNotFoundError, ObjectStoreError, S3Uri, read_object

if TYPE_CHECKING:
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Run

_MAX_SHOWN = 100_000
_KEPT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """The content of the file, or why there is none."""

    uri: str
    text: str | None = None
    missing: str | None = None


class OutputReader:
    """Reads outputs of runs that have ended, each of them once: they do not change any more."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._kept: OrderedDict[str, Outputs] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, run: Run) -> Outputs:
        """The outputs of a run; the store may be slow, so no lock of the endpoint may be held."""
        try:
            target = S3Uri.parse(run.run_output_uri) / "logs" / "outputs.json"
        except ValueError as error:
            return Outputs(uri=run.run_output_uri, missing=str(error))
        if not run.status.is_terminal:
            return Outputs(uri=str(target), missing="The run has not ended yet.")
        with self._lock:
            kept = self._kept.get(run.uuid)
        if kept is not None:
            return kept
        try:
            found = Outputs(uri=str(target), text=self._text(target))
        except ObjectNotFoundError:
            found = Outputs(uri=str(target), missing="The run has written no logs/outputs.json.")
        except ObjectStoreError as error:
            # The store may be back in a moment, so this is not kept.
            return Outputs(uri=str(target), missing=f"The outputs could not be read: {error}")
        with self._lock:
            self._kept[run.uuid] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _text(self, source: S3Uri) -> str:
        text = read_object(self._objects, source).decode("utf-8", "replace")
        if len(text) > _MAX_SHOWN:
            return f"{text[:_MAX_SHOWN]}…"
        try:
            return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return text
