"""The engineSettings of a run, which only Nextflow has. Pure.

The keys and their values are those of "Specify Nextflow engine settings" in the developer guide; the service model
takes any document.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from healthomics_local.endpoint.errors import ValidationException

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEFAULT_VERSION = "24.10"
_SYNTAX_VERSIONS = ("v1", "v2")
# The guide names them; which values they take, this package does not know.
_ANY_VALUE = frozenset({"outputFormat", "agentMode"})
_KNOWN = ("engineVersion", "syntaxVersion", "outputFormat", "agentMode", "profile")
# What GetRun's engineVersion can say.
_VERSION = re.compile(r"[0-9]{2}\.[0-9]{2}")


def check_engine_settings(settings: Mapping[str, object], *, versions: Collection[str]) -> None:
    """Refuse settings that Nextflow does not have.

    Args:
        settings: The member engineSettings.
        versions: The versions of Nextflow that there are.

    Raises:
        ValidationException: The first setting that is unknown, or has a value that it cannot have.
    """
    unknown = sorted(settings.keys() - set(_KNOWN))
    if unknown:
        raise ValidationException(f"engineSettings has no {unknown[0]}: it can have {', '.join(_KNOWN)}")
    for name, value in settings.items():
        if name in _ANY_VALUE:
            continue
        if not isinstance(value, str):
            raise ValidationException(f"engineSettings.{name} must be a string")
        if name == "engineVersion" and (value not in versions or not _VERSION.fullmatch(value)):
            raise ValidationException(f"engineSettings.engineVersion must be one of {', '.join(sorted(versions))}")
        if name == "syntaxVersion" and value not in _SYNTAX_VERSIONS:
            raise ValidationException(f"engineSettings.syntaxVersion must be one of {', '.join(_SYNTAX_VERSIONS)}")
