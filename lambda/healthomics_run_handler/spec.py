"""What run the resource properties ask for. Pure.

CloudFormation hands every scalar over as a string; this module gives StartRun its types back. The *spec* is the
StartRun request without ``requestId`` and ``tags``, plus ``RerunOn``: only a change of it may start a run. Properties
that are not listed in :mod:`healthomics_run_handler.contract` never count, so the library may add some.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from healthomics_run_handler import contract
from healthomics_run_handler.identity import quote

DIGEST_LENGTH = 32


class InvalidPropertyError(Exception):
    """A resource property cannot be turned into a StartRun member. The text says which, and what is allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSpec:
    """The run that one set of resource properties asks for."""

    start_run: Mapping[str, Any]
    """StartRun members, typed, without ``requestId`` and ``tags``."""
    rerun_on: str
    tags: Mapping[str, str]
    """The user's tags; not part of the digest."""
    on_delete: str

    @property
    def name(self) -> str:
        """The run's name, by which runs without an answer are found again."""
        return str(self.start_run["name"])

    @property
    def digest(self) -> str:
        """Identify the spec: 32 hex digits, equal for equal specs in every release of this library."""
        canonical = json.dumps(
            {"startRun": self.start_run, "rerunOn": self.rerun_on},
            sort_keys=True,
            separators=(",", ":"),
        )
        return hashlib.sha256(canonical.encode()).hexdigest()[:DIGEST_LENGTH]


def parse_spec(properties: Mapping[str, Any]) -> RunSpec:
    """Read the resource properties.

    Raises:
        InvalidPropertyError: A value does not have the form that the construct writes.
    """
    members: dict[str, Any] = {}
    for name, member in contract.START_RUN_MEMBERS.items():
        if name in properties:
            members[member] = _member_value(name, properties[name])
    members.update(_additional(properties))
    if not isinstance(members.get("name"), str) or not members["name"]:
        raise InvalidPropertyError("property Name is missing: without it a lost run could not be found again")
    output_uri = members.get("outputUri", "")
    if len(quote(str(output_uri)).encode()) > contract.OUTPUT_URI_MAX_BYTES:
        raise InvalidPropertyError(
            f"property OutputUri has more than {contract.OUTPUT_URI_MAX_BYTES} bytes: use a shorter prefix"
        )
    return RunSpec(
        start_run=members,
        rerun_on=str(properties.get(contract.RERUN_ON_PROPERTY, "")),
        tags=_tags(properties),
        on_delete=on_delete_of(properties),
    )


def on_delete_of(properties: Mapping[str, Any]) -> str:
    """Return what Delete does with the run; anything unknown is the safe default, CANCEL."""
    value = properties.get(contract.ON_DELETE_PROPERTY, contract.ON_DELETE_CANCEL)
    return str(value) if value in contract.ON_DELETE_VALUES else contract.ON_DELETE_CANCEL


def name_of(properties: Mapping[str, Any] | None) -> str | None:
    """Return the run name in some properties, whatever else is wrong with them."""
    name = (properties or {}).get("Name")
    return name if isinstance(name, str) and name else None


def _member_value(name: str, value: object) -> object:
    if name in contract.INTEGER_PROPERTIES:
        try:
            return int(str(value))
        except ValueError:
            raise InvalidPropertyError(f"property {name} is not a whole number: give an integer") from None
    if name in contract.JSON_PROPERTIES:
        return _json(name, value)
    if not isinstance(value, str):
        raise InvalidPropertyError(f"property {name} is not a string")
    return value


def _json(name: str, value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise InvalidPropertyError(
            f"property {name} is not JSON once its tokens are resolved: a token's value may not hold a quote, "
            "a backslash or a line break"
        ) from None


def _additional(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    value = _json(contract.ADDITIONAL_PROPERTY, properties.get(contract.ADDITIONAL_PROPERTY, {}))
    if not isinstance(value, Mapping):
        raise InvalidPropertyError(f"property {contract.ADDITIONAL_PROPERTY} is not a JSON object")
    additional = cast("Mapping[str, Any]", value)
    for reserved in ("requestId", "tags"):
        if reserved in additional:
            raise InvalidPropertyError(f"{contract.ADDITIONAL_PROPERTY} may not set {reserved}: the handler does")
    return additional


def _tags(properties: Mapping[str, Any]) -> Mapping[str, str]:
    value: object = properties.get(contract.TAGS_PROPERTY) or {}
    if not isinstance(value, Mapping):
        raise InvalidPropertyError(f"property {contract.TAGS_PROPERTY} is not a map of strings")
    tags = {str(key): str(text) for key, text in cast("Mapping[str, Any]", value).items()}
    if reserved := [key for key in tags if key.startswith(contract.LEDGER_TAG_PREFIX)]:
        raise InvalidPropertyError(
            f"tag {reserved[0]} begins with {contract.LEDGER_TAG_PREFIX}, which is the handler's ledger: rename it"
        )
    return tags
