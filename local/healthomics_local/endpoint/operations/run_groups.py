"""CreateRunGroup, GetRunGroup, ListRunGroups, UpdateRunGroup, DeleteRunGroup."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import ConflictException, ResourceNotFoundException
from healthomics_local.endpoint.ledger import Created
from healthomics_local.endpoint.paging import page
from healthomics_local.endpoint.quotas import check_quota
from healthomics_local.endpoint.records import RunGroup
from healthomics_local.endpoint.run_request import check_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.backend import Backend


class RunGroupOperations:
    """The operations on run groups."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._groups = backend.state.run_groups

    def create_run_group(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Create a run group."""
        backend = self._backend
        return backend.ledger.once(
            "CreateRunGroup",
            members,
            backend.now(),
            create=lambda: self._create(members),
            present=lambda entry: self._present(entry.resource),
        )

    def _present(self, arn: str) -> dict[str, Any] | None:
        return next((_created(group) for group in self._groups.values() if group.arn == arn), None)

    def _create(self, members: Mapping[str, Any]) -> Created:
        backend = self._backend
        check_tags(members.get("tags", {}))
        check_quota("run groups", self._groups, backend.settings.max_run_groups)
        group_id = backend.ids.numeric()
        group = RunGroup(
            group_id=group_id,
            arn=backend.arns.of(f"runGroup/{group_id}"),
            sequence=backend.state.next_sequence(),
            name=members.get("name"),
            max_cpus=members.get("maxCpus"),
            max_runs=members.get("maxRuns"),
            max_duration_minutes=members.get("maxDuration"),
            max_gpus=members.get("maxGpus"),
            creation_time=backend.now(),
            tags=dict(members.get("tags", {})),
        )
        self._groups[group_id] = group
        return Created(resource=group.arn, response=_created(group))

    def get_run_group(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one run group."""
        group = self._find(members["id"])
        return _listed(group) | {"tags": dict(group.tags)}

    def list_run_groups(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The run groups with this name, or all, newest first."""
        found = [group for group in self._groups.values() if members.get("name") in {None, group.name}]
        return page(found, members, _listed)

    def update_run_group(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Change name or limits."""
        group = self._find(members["id"])
        self._groups[group.group_id] = replace(
            group,
            name=members.get("name", group.name),
            max_cpus=members.get("maxCpus", group.max_cpus),
            max_runs=members.get("maxRuns", group.max_runs),
            max_duration_minutes=members.get("maxDuration", group.max_duration_minutes),
            max_gpus=members.get("maxGpus", group.max_gpus),
        )
        self._backend.lifecycle.fill_slots()
        return {}

    def delete_run_group(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a run group without active runs."""
        group = self._find(members["id"])
        runs = self._backend.state.runs.values()
        if any(run.request.get("runGroupId") == group.group_id and not run.status.is_terminal for run in runs):
            raise ConflictException(f"Run group {group.group_id} has active runs")
        del self._groups[group.group_id]
        return {}

    def _find(self, group_id: str) -> RunGroup:
        try:
            return self._groups[group_id]
        except KeyError:
            raise ResourceNotFoundException(f"Run group {group_id} not found") from None


def _created(group: RunGroup) -> dict[str, Any]:
    return {"arn": group.arn, "id": group.group_id, "tags": dict(group.tags)}


def _listed(group: RunGroup) -> dict[str, Any]:
    return {
        "arn": group.arn,
        "id": group.group_id,
        "name": group.name,
        "maxCpus": group.max_cpus,
        "maxRuns": group.max_runs,
        "maxDuration": group.max_duration_minutes,
        "maxGpus": group.max_gpus,
        "creationTime": group.creation_time,
    }
