"""The inputs that a CWL document declares, as cwltool's packed form tells them. Pure."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.json_values import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_DESCRIPTION = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondaryFile:
    """A file that belongs to another one, and lies beside it."""

    pattern: str
    required: bool

    def name_for(self, basename: str) -> str | None:
        """The file's name; None when the pattern is an expression, which only cwltool can evaluate."""
        pattern = self.pattern
        if "$(" in pattern or "${" in pattern:
            return None
        while pattern.startswith("^"):
            # Each caret removes one extension.
            basename = basename.rpartition(".")[0] or basename
            pattern = pattern[1:]
        return basename + pattern


@dataclass(frozen=True, kw_only=True, slots=True)
class CwlInput:
    """One input."""

    name: str
    type: Any
    """In the packed form: a name, a list of alternatives, or an array, record or enum."""
    optional: bool = False
    description: str = ""
    secondary_files: tuple[SecondaryFile, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CwlInterface:
    """All inputs of a document."""

    inputs: Mapping[str, CwlInput] = field(default_factory=dict[str, CwlInput])

    def parameter_template(self) -> dict[str, dict[str, Any]]:
        """The inputs as a HealthOmics parameter template."""
        return {
            each.name: {"description": each.description, "optional": each.optional} for each in self.inputs.values()
        }


def parse_interface(packed: str) -> CwlInterface:
    """Read the output of ``cwltool --pack``.

    Raises:
        ValueError: It has no main process.
    """
    document: Any = json.loads(packed)
    main = document
    if "$graph" in document:
        main = next((each for each in document["$graph"] if each.get("id") == "#main"), None)
        if main is None:
            raise ValueError("the definition has no process #main")
    inputs = [_parse_input(each) for each in main.get("inputs", [])]
    return CwlInterface(inputs={each.name: each for each in inputs})


def alternatives(cwl_type: Any) -> list[Any]:
    """The types that a value may have; a union has several, and "null" is not told."""
    if is_array(cwl_type):
        return [each for member in cwl_type for each in alternatives(member)]
    if isinstance(cwl_type, str) and cwl_type.endswith("?"):
        return alternatives(cwl_type[:-1])
    if isinstance(cwl_type, str) and cwl_type.endswith("[]"):
        return [{"type": "array", "items": cwl_type[:-2]}]
    return [] if cwl_type == "null" else [cwl_type]


def _parse_input(document: Mapping[str, Any]) -> CwlInput:
    cwl_type = document["type"]
    may_be_null = is_array(cwl_type) and "null" in cwl_type
    may_be_null = may_be_null or (isinstance(cwl_type, str) and cwl_type.endswith("?"))
    return CwlInput(
        name=str(document["id"]).rpartition("/")[2].removeprefix("#"),
        type=cwl_type,
        optional=may_be_null or "default" in document,
        description=_description(document.get("doc") or document.get("label")),
        secondary_files=tuple(_parse_secondary(document.get("secondaryFiles"))),
    )


def _parse_secondary(document: Any) -> list[SecondaryFile]:
    if document is None:
        return []
    found: list[SecondaryFile] = []
    for each in document if is_array(document) else [document]:
        # Either the text alone, with a "?" where the file may be missing, or the long form.
        pattern = str(each["pattern"] if is_object(each) else each)
        required = each.get("required") if is_object(each) else None
        found.append(
            SecondaryFile(
                pattern=pattern.removesuffix("?"), required=required is not False and not pattern.endswith("?")
            )
        )
    return found


def _description(document: Any) -> str:
    lines = document if is_array(document) else [document or ""]
    text = " ".join(" ".join(map(str, lines)).split())
    # A parameter's description has no control characters, as the service model says.
    return "".join(char for char in text if unicodedata.category(char)[0] != "C")[:_MAX_DESCRIPTION]
