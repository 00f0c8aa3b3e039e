"""Which record an ARN names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from healthomics_local.endpoint.state import State


def record_place(arn: str, state: State) -> tuple[MutableMapping[Any, Any], Any] | None:
    """The table that holds the resource with this ARN, and its key there; None: there is no such resource."""
    records, key = _place(arn, state)
    record = records.get(key)
    # The last part alone could be that of another account's, or another Region's, resource.
    return (records, key) if record is not None and record.arn == arn else None


def _place(arn: str, state: State) -> tuple[MutableMapping[Any, Any], Any]:
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind == "workflow":
        workflow_id, _, version_name = name.partition("/version/")
        return state.workflows, (workflow_id, version_name or None)
    tables: dict[str, MutableMapping[Any, Any]] = {
        "run": state.runs,
        "runBatch": state.run_batches,
        "runGroup": state.run_groups,
        "runCache": state.run_caches,
        "configuration": state.configurations,
    }
    return tables.get(kind, {}), name
