"""Workflows that somebody else publishes: READY2RUN ones, and those that other accounts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ParameterTemplate = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready2RunWorkflow:
    """One entry of the READY2RUN catalogue."""

    name: str
    engine: str = "WDL"
    description: str | None = None
    parameter_template: ParameterTemplate | None = None
    """None: not known, so the parameters of a run are not compared with it."""
    version_names: tuple[str, ...] = ()
    creation_time: datetime = datetime(2022, 11, 29, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedWorkflow:
    """A workflow of another account, which that account shares with this one."""

    workflow_id: str
    owner_id: str
    """The account: what a run names as workflowOwnerId."""
    name: str | None = None
    engine: str = "WDL"
    parameter_template: ParameterTemplate | None = None
    """None: not known, so the parameters of a run are not compared with it."""
    version_names: tuple[str, ...] = ()


EXAMPLE_CATALOGUE: Mapping[str, Ready2RunWorkflow] = {
    "9500764": Ready2RunWorkflow(name="GATK-BP Germline fq2vcf for 30x genome"),
    "1830181": Ready2RunWorkflow(name="ESMFold for up to 800 residues"),
    "4885129": Ready2RunWorkflow(name="AlphaFold for 601-1200 residues"),
}
"""A few entries to try READY2RUN with: neither complete nor current, nor checked against AWS.

The engines are guesses and the parameter templates unknown. What the service has now: ``aws omics list-workflows
--type READY2RUN``, and then GetWorkflow for the template.
"""
