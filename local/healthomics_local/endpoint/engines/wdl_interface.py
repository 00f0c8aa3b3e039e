"""The inputs that a WDL workflow declares, and the parameters of a run as values for them. Pure but for downloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.engines.downloads import Downloads, input_uri
from healthomics_local.endpoint.json_values import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_DESCRIPTION = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class WdlInput:
    """One input."""

    type: Any
    """As the runner tells it: ``File``, ``Directory``, what an array, a map or an object is made of, or None."""
    optional: bool
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WdlInterface:
    """What a workflow declares."""

    name: str
    inputs: Mapping[str, WdlInput]

    def parameter_template(self) -> dict[str, dict[str, Any]]:
        """The inputs as a HealthOmics parameter template, with the workflow's name in front of theirs."""
        return {
            f"{self.name}.{name}": {"description": each.description, "optional": each.optional}
            for name, each in self.inputs.items()
        }

    def localized(self, parameters: Mapping[str, Any], downloads: Downloads) -> dict[str, Any]:
        """The parameters with local files in the place of S3 addresses.

        Raises:
            ImportFailedError: An input is missing, or is nothing that HealthOmics could fetch.
        """
        localized: dict[str, Any] = {}
        for name, value in parameters.items():
            declared = self.inputs.get(name.removeprefix(f"{self.name}."))
            # What is not declared is left to miniwdl, which knows the inputs of calls as well, and refuses the rest.
            localized[name] = value if declared is None else _value(value, declared.type, name, downloads)
        return localized


def parse_interface(document: Mapping[str, Any]) -> WdlInterface:
    """Read what the runner tells."""
    inputs = {
        name: WdlInput(
            type=each["type"], optional=each["optional"], description=_one_line(each["description"])[:_MAX_DESCRIPTION]
        )
        for name, each in document["inputs"].items()
    }
    return WdlInterface(name=document["name"], inputs=inputs)


def plain(outputs: Any) -> Any:
    """Exported outputs as WDL engines write them: files are their addresses."""
    if is_array(outputs):
        return [plain(each) for each in outputs]
    if is_object(outputs):
        if outputs.get("class") in {"File", "Directory"} and "location" in outputs:
            return outputs["location"]
        return {name: plain(each) for name, each in outputs.items()}
    return outputs


def _value(value: Any, wdl_type: Any, name: str, downloads: Downloads) -> Any:
    if isinstance(wdl_type, str):
        return _path(value, wdl_type, name, downloads) if isinstance(value, str) else value
    if not is_object(wdl_type):
        return value
    if is_array(value) and "array" in wdl_type:
        return [_value(each, wdl_type["array"], name, downloads) for each in value]
    if is_object(value) and "map" in wdl_type:
        return {key: _value(each, wdl_type["map"], name, downloads) for key, each in value.items()}
    if is_object(value) and "members" in wdl_type:
        types = wdl_type["members"]
        return {key: _value(each, types.get(key), name, downloads) for key, each in value.items()}
    return value


def _path(text: str, kind: str, name: str, downloads: Downloads) -> str:
    uri = input_uri(text, name)
    fetch = downloads.directory if kind == "Directory" else downloads.file
    return str(fetch(uri, downloads.new_folder()))


def _one_line(text: str) -> str:
    return "".join(char for char in " ".join(text.split()) if char.isprintable())
