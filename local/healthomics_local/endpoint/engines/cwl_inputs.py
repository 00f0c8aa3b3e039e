"""Parameters of a run to the input object of cwltool: files that lie in S3 become local ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.engines.cwl_interface import alternatives
from healthomics_local.endpoint.engines.downloads import Downloads, ImportFailedError, basename, input_uri
from healthomics_local.endpoint.json_values import is_array, is_object
from healthomics_local.endpoint.objects import S3Uri

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from healthomics_local.endpoint.engines.cwl_interface import CwlInput, CwlInterface, SecondaryFile
    from healthomics_local.endpoint.objects import ObjectStore


class InputImport:
    """Fetches the inputs of one run.

    Args:
        store: Where the files come from.
        folder: Where they go; each gets a folder of its own, so that equal names do not collide.
        checkpoint: Called before each file; what it raises ends the import.
    """

    def __init__(self, *, store: ObjectStore, folder: Path, checkpoint: Callable[[], None]) -> None:
        self._downloads = Downloads(store=store, folder=folder, checkpoint=checkpoint)

    def localized(self, parameters: Mapping[str, Any], interface: CwlInterface) -> dict[str, Any]:
        """The parameters with their types intact, and local files in the place of S3 addresses.

        Raises:
            ImportFailedError: An input is missing, or is nothing that HealthOmics could fetch.
        """
        return {
            name: self._value(value, declared.type, declared)
            if (declared := interface.inputs.get(name)) is not None
            else value
            for name, value in parameters.items()
        }

    def _value(self, value: Any, cwl_type: Any, declared: CwlInput) -> Any:
        types = alternatives(cwl_type)
        if is_array(value):
            items = [each["items"] for each in types if _is_kind(each, "array")]
            return [self._value(each, items, declared) for each in value]
        if is_object(value):
            return self._mapping(value, types, declared)
        if isinstance(value, str):
            return self._text(value, types, declared)
        return value

    def _mapping(self, value: dict[str, Any], types: list[Any], declared: CwlInput) -> Any:
        if is_array(value.get("class")) or is_object(value.get("class")):
            # cwltool breaks down over it, without a word about the input.
            raise ImportFailedError("INVALID_URI_INPUT", f"class of input {declared.name} must be File or Directory")
        if value.get("class") in ("File", "Directory"):
            return self._object(value, declared)
        fields: dict[str, Any] = {}
        for each in types:
            if _is_kind(each, "record"):
                fields |= {_local_name(entry["name"]): entry["type"] for entry in each.get("fields", [])}
        return {name: self._value(item, fields.get(name, []), declared) for name, item in value.items()}

    def _text(self, value: str, types: list[Any], declared: CwlInput) -> Any:
        kinds = [kind for kind in ("File", "Directory") if kind in types]
        # Where plain text is allowed as well, only an S3 address is taken for a file.
        if not kinds or ("string" in types and not value.startswith("s3://")):
            return value
        kind = "Directory" if kinds == ["Directory"] or (value.endswith("/") and "Directory" in kinds) else "File"
        return self._object({"class": kind, "location": value}, declared)

    def _object(self, value: dict[str, Any], declared: CwlInput) -> dict[str, Any]:
        if "location" not in value and "path" not in value:
            # A literal: its content or its listing is part of the parameters.
            return value
        uri = input_uri(str(value.get("location", value.get("path"))), declared.name)
        rest = {name: item for name, item in value.items() if name not in {"location", "path", "secondaryFiles"}}
        folder = self._downloads.new_folder()
        if value["class"] == "Directory":
            return rest | {"location": self._downloads.directory(uri, folder).as_uri()}
        target = self._downloads.file(uri, folder)
        given = _secondary_files(value, declared)
        # Files that belong to a secondary file are nested in it: the declaration is about the primary one.
        alone = replace(declared, secondary_files=())
        secondary = [self._object(each, alone) for each in given]
        if not given:
            secondary = self._secondary(uri, folder, declared.secondary_files)
        localized = rest | {"location": target.as_uri()}
        return localized | {"secondaryFiles": secondary} if secondary else localized

    def _secondary(self, uri: S3Uri, folder: Path, declared: tuple[SecondaryFile, ...]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for each in declared:
            name = each.name_for(basename(uri))
            if name is None:
                continue
            beside = S3Uri(uri.bucket, uri.key.removesuffix(basename(uri)) + name)
            try:
                found.append({"class": "File", "location": self._downloads.file(beside, folder).as_uri()})
            except ImportFailedError as error:
                if each.required or error.reason != "INPUT_URI_NOT_FOUND":
                    raise
        return found


def _secondary_files(value: dict[str, Any], declared: CwlInput) -> list[dict[str, Any]]:
    given = value.get("secondaryFiles")
    if given is None:
        return []
    if not is_array(given) or not all(is_object(each) and each.get("class") in ("File", "Directory") for each in given):
        raise ImportFailedError(
            "INVALID_URI_INPUT",
            f"secondaryFiles of input {declared.name} must be a list of objects of class File or Directory",
        )
    return given


def _is_kind(cwl_type: Any, kind: str) -> bool:
    return is_object(cwl_type) and cwl_type.get("type") == kind


def _local_name(name: str) -> str:
    return name.rpartition("/")[2].rpartition("#")[2]
