"""StartRun, GetRun, ListRuns, CancelRun, DeleteRun."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint import run_request
from healthomics_local.endpoint.engine_settings import check_engine_settings
from healthomics_local.endpoint.errors import ResourceNotFoundException, ServiceQuotaExceededException
from healthomics_local.endpoint.exports import Exports
from healthomics_local.endpoint.ledger import Created
from healthomics_local.endpoint.operations.references import References
from healthomics_local.endpoint.paging import first_page, position
from healthomics_local.endpoint.records import Configuration, LedgerEntry, Run, Workflow
from healthomics_local.endpoint.run_table import RunFilter
from healthomics_local.endpoint.script import RunScript
from healthomics_local.endpoint.statuses import RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.backend import Backend

# Members of StartRun that GetRun hands back under the same name.
_ECHOED = (
    "cacheId",
    "cacheBehavior",
    "workflowType",
    "runId",
    "roleArn",
    "name",
    "runGroupId",
    "priority",
    "parameters",
    "storageCapacity",
    "outputUri",
    "logLevel",
    "retentionMode",
    "storageType",
    "workflowOwnerId",
    "workflowVersionName",
    "networkingMode",
    "scratchStorageMode",
    "engineSettings",
    "sessionPolicy",
    "outputUriPrefixMode",
)


class RunOperations:
    """The operations on runs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._state = backend.state
        self._references = References(backend)
        self._exports = Exports(backend)

    def start_run(self, members: Mapping[str, Any], started_by: str) -> dict[str, Any]:
        """Start a run, or answer with the run that this requestId has started before."""

        def create() -> Created:
            run = self.launch(members, started_by=started_by)
            return Created(resource=run.uuid, response=_started(run))

        def present(entry: LedgerEntry) -> dict[str, Any]:
            return _started(self._state.run_ever(entry.resource))

        backend = self._backend
        return backend.ledger.once("StartRun", members, backend.now(), create=create, present=present)

    def launch(self, members: Mapping[str, Any], *, started_by: str | None, batch_id: str | None = None) -> Run:
        """Start a run, which no earlier request has started. Must be called within a transaction.

        Args:
            members: The members of StartRun.
            started_by: The ARN that GetRun reports.
            batch_id: The run batch that the run is part of; None: it is part of none.

        Raises:
            ServiceError: What StartRun would answer with.
        """
        backend = self._backend
        run_request.check_members(members)
        source = self._state.run(members["runId"]) if "runId" in members else None
        copy_tags = backend.settings.duplicate_copies_tags
        wanted = run_request.merged(members, source, copy_tags=copy_tags)
        run_request.check_combination(wanted)
        workflow = self._workflow(wanted, source)
        run_request.check_parameters(wanted.get("parameters", {}), workflow)
        run_request.check_output_length(wanted, backend.settings.run_output_layout)
        if workflow.engine == "NEXTFLOW":
            check_engine_settings(wanted.get("engineSettings", {}), versions=backend.settings.nextflow_versions)
        configuration = self._references.check(wanted)
        cache = self._state.run_caches.get(wanted.get("cacheId", ""))
        if cache is not None:
            wanted.setdefault("cacheBehavior", cache.cache_behavior)
        self._make_room()
        run = self._new_run(wanted, workflow, configuration)
        run = replace(run, started_by=started_by, batch_id=batch_id)
        script = backend.scripts.take(run.request)
        if script is None and backend.settings.script is not None:
            script = backend.settings.script(run.request)
        backend.lifecycle.begin(run, script or RunScript())
        return run

    def get_run(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one run."""
        return self._described(self._state.run(members["id"]), export=members.get("export", ()))

    def list_runs(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The runs that match every filter, newest first."""
        show_cancelled = self._backend.settings.cancelled_runs_are_listed
        wanted = RunFilter(
            name=members.get("name"),
            status=members.get("status"),
            group=members.get("runGroupId"),
            batch=members.get("batchId"),
        )
        found = self._state.runs.newest(wanted, before=position(members))
        if not show_cancelled:
            found = (run for run in found if run.status is not RunStatus.CANCELLED)
        return first_page(found, members, _listed)

    def cancel_run(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Cancel a run that has not ended."""
        self._backend.lifecycle.cancel(self._state.run(members["id"]))
        return {}

    def delete_run(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete the record of a run that has ended."""
        self.delete(self._state.run(members["id"]))
        return {}

    def delete(self, run: Run) -> None:
        """Delete the record of a run that has ended. Must be called within a transaction.

        Raises:
            ConflictException: It has not ended.
        """
        self._backend.lifecycle.delete(run)
        if self._backend.settings.deletion_frees_request_id:
            self._backend.ledger.forget(run.uuid)
        if self._backend.settings.reuse_deleted_run_ids:
            self._backend.ids.give_back(run.run_id)

    def _workflow(self, wanted: Mapping[str, Any], source: Run | None) -> Workflow:
        if source is not None and source.workflow.owner_id is not None:
            # The API reference: "StartRun will not support re-run for a workflow that is shared with you".
            raise ResourceNotFoundException(f"Workflow {source.workflow_id} not found")
        return self._references.workflow(
            wanted["workflowId"],
            workflow_type=wanted.get("workflowType", "PRIVATE"),
            owner_id=wanted.get("workflowOwnerId"),
            version_name=wanted.get("workflowVersionName"),
        )

    def _make_room(self) -> None:
        """Remove old REMOVE runs while the quota of stored runs is used up."""
        limit = self._backend.settings.max_stored_runs
        if limit is None or len(self._state.runs) < limit:
            return
        while len(self._state.runs) >= limit:
            removable = self._state.runs.oldest_removable()
            if removable is None:
                raise ServiceQuotaExceededException(
                    f"The maximum number of runs ({limit}) has been reached: delete runs, "
                    "or start runs with retentionMode REMOVE"
                )
            self.delete(removable)

    def _new_run(
        self,
        wanted: Mapping[str, Any],
        workflow: Workflow,
        configuration: Configuration | None,
    ) -> Run:
        backend = self._backend
        request = run_request.with_defaults(wanted, workflow, backend.settings)
        tags = request.pop("tags", {})
        run_id, run_uuid = backend.ids.numeric(), backend.ids.uuid()
        layout = backend.settings.run_output_layout
        return Run(
            run_id=run_id,
            uuid=run_uuid,
            arn=backend.arns.of(f"run/{run_id}"),
            sequence=self._state.next_sequence(),
            request=request,
            run_output_uri=run_request.run_output_uri(request, run_id=run_id, run_uuid=run_uuid, layout=layout),
            tags=dict(tags),
            creation_time=backend.now(),
            workflow=workflow,
            engine_version=run_request.engine_version(request, workflow),
            configuration=configuration,
        )

    def _described(self, run: Run, *, export: tuple[str, ...] | list[str]) -> dict[str, Any]:
        arns = self._backend.arns
        described: dict[str, Any] = {name: run.request.get(name) for name in _ECHOED}
        described |= {
            "arn": run.arn,
            "id": run.run_id,
            "uuid": run.uuid,
            "status": run.status.value,
            "workflowId": run.workflow_id,
            "workflowUuid": run.workflow.uuid,
            "digest": run.workflow.digest,
            "engineVersion": run.engine_version,
            "accelerators": run.workflow.accelerators,
            "batchId": run.batch_id,
            "runOutputUri": run.run_output_uri,
            "startedBy": run.started_by,
            "creationTime": run.creation_time,
            "startTime": run.start_time,
            "stopTime": run.stop_time,
            "tags": run.tags,
            "configuration": _configuration(run),
        }
        if run.start_time is not None:
            described["logLocation"] = {
                "engineLogStream": arns.log_stream(f"run/{run.run_id}/engine"),
                "runLogStream": arns.log_stream(f"run/{run.run_id}"),
            }
        if run.configuration is not None and run.configuration.vpc_config is not None:
            described["vpcConfig"] = run.configuration.vpc_config
        if run.outcome is not None and run.status is RunStatus.FAILED:
            described["failureReason"] = run.outcome.failure_reason
            described["statusMessage"] = run.outcome.status_message
        return described | self._exports.urls(export, run.workflow, run.arn)


def _started(run: Run) -> dict[str, Any]:
    return {
        "arn": run.arn,
        "id": run.run_id,
        "status": run.status.value,
        "tags": dict(run.tags),
        "uuid": run.uuid,
        "runOutputUri": run.run_output_uri,
        "configuration": _configuration(run),
        "networkingMode": run.request["networkingMode"],
    }


def _configuration(run: Run) -> dict[str, Any] | None:
    if run.configuration is None:
        return None
    return {
        "name": run.configuration.name,
        "arn": run.configuration.arn,
        "uuid": run.configuration.uuid,
    }


def _listed(run: Run) -> dict[str, Any]:
    return {
        "arn": run.arn,
        "id": run.run_id,
        "status": run.status.value,
        "workflowId": run.workflow_id,
        "workflowName": run.workflow.name,
        "workflowVersionName": run.request.get("workflowVersionName"),
        "batchId": run.batch_id,
        "name": run.name,
        "priority": run.request.get("priority"),
        "storageCapacity": run.request.get("storageCapacity"),
        "storageType": run.request["storageType"],
        "creationTime": run.creation_time,
        "startTime": run.start_time,
        "stopTime": run.stop_time,
    }
