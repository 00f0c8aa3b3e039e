"""Settings of the Nextflow engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field


def _nothing() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSettings:
    """Settings of the Nextflow engine for one run. HealthOmics ignores them for WDL and CWL.

    Source: "Specify Nextflow engine settings", AWS HealthOmics user guide.

    Example:
        >>> from cdk_healthomics import EngineSettings
        >>> EngineSettings(engine_version="25.10", additional={"newSetting": True}).to_mapping()
        {'engineVersion': '25.10', 'newSetting': True}
    """

    engine_version: str | None = None
    """Nextflow version, such as ``25.10``; by default the one that the workflow's definition asks for."""

    syntax_version: str | None = None
    """Syntax parser, ``v1`` or ``v2``; by default the engine version's."""

    profile: str | None = None
    """Profiles of the workflow's ``nextflow.config``, separated by commas."""

    output_format: object = None
    """Format of the engine's output; see the user guide for the values."""

    agent_mode: object = None
    """Agent mode of the engine; see the user guide for the values."""

    additional: Mapping[str, object] = field(default_factory=_nothing)
    """Settings younger than this library: name in camel case -> JSON value."""

    def to_mapping(self) -> dict[str, object]:
        """The settings under the names of the service, without those that were left out."""
        named = {
            "engineVersion": self.engine_version,
            "syntaxVersion": self.syntax_version,
            "profile": self.profile,
            "outputFormat": self.output_format,
            "agentMode": self.agent_mode,
        }
        return {name: value for name, value in named.items() if value is not None} | dict(self.additional)
