"""StartRun, GetRun, ListRuns, CancelRun, DeleteRun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint import run_request
from healthomics_local.endpoint.errors import ResourceNotFoundException, ServiceQuotaExceededException
from healthomics_local.endpoint.operations.references import References
from healthomics_local.endpoint.paging import page
from healthomics_local.endpoint.records import Configuration, Run, Workflow
from healthomics_local.endpoint.script import RunScript
from healthomics_local.endpoint.settings import RepeatedRequest
from healthomics_local.endpoint.statuses import RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.ledger import LedgerEntry

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

    def start_run(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Start a run, or answer with the run that this requestId has started before."""
        backend, now = self._backend, self._backend.now()
        entry = backend.ledger.find("StartRun", members, now)
        if entry is not None:
            return self._repeated(entry)
        run_request.check_members(members)
        source = self._state.run(members["runId"]) if "runId" in members else None
        copy_tags = backend.settings.duplicate_copies_tags
        wanted = run_request.merged(members, source, copy_tags=copy_tags)
        run_request.check_combination(wanted)
        workflow = self._workflow(wanted, source)
        run_request.check_parameters(wanted.get("parameters", {}), workflow)
        configuration = self._references.check(wanted)
        self._make_room()
        run = self._new_run(wanted, workflow, configuration)
        script = backend.settings.script(run.request) if backend.settings.script else None
        backend.lifecycle.begin(run, script or RunScript())
        response = _started(run)
        backend.ledger.record("StartRun", members, resource=run.uuid, response=response, now=now)
        return response

    def get_run(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one run."""
        return self._described(self._state.run(members["id"]), export=members.get("export", ()))

    def list_runs(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The runs that match every filter, newest first."""
        show_cancelled = self._backend.settings.cancelled_runs_are_listed
        found = [
            run
            for run in self._state.runs.values()
            if members.get("name") in {None, run.name}
            and members.get("runGroupId") in {None, run.request.get("runGroupId")}
            and members.get("batchId") in {None, run.batch_id}
            and members.get("status") in {None, run.status}
            and (show_cancelled or run.status is not RunStatus.CANCELLED)
        ]
        return page(found, members, _listed)

    def cancel_run(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Cancel a run that has not ended."""
        self._backend.lifecycle.cancel(self._state.run(members["id"]))
        return {}

    def delete_run(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete the record of a run that has ended."""
        self._delete(self._state.run(members["id"]))
        return {}

    def _delete(self, run: Run) -> None:
        self._backend.lifecycle.delete(run)
        if self._backend.settings.deletion_frees_request_id:
            self._backend.ledger.forget(run.uuid)
        if self._backend.settings.reuse_deleted_run_ids:
            self._backend.ids.give_back(run.run_id)

    def _repeated(self, entry: LedgerEntry) -> dict[str, Any]:
        if self._backend.settings.repeated_request is RepeatedRequest.REPLAY:
            return dict(entry.response)
        runs = (*self._state.runs.values(), *reversed(self._state.deleted_runs))
        run = next(run for run in runs if run.uuid == entry.resource)
        return _started(run)

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
        removable = sorted(
            (
                run
                for run in self._state.runs.values()
                if run.status.is_terminal and run.request["retentionMode"] == "REMOVE"
            ),
            key=lambda run: run.sequence,
        )
        while len(self._state.runs) >= limit:
            if not removable:
                raise ServiceQuotaExceededException(
                    f"The maximum number of runs ({limit}) has been reached: delete runs, "
                    "or start runs with retentionMode REMOVE"
                )
            self._delete(removable.pop(0))

    def _new_run(self, wanted: Mapping[str, Any], workflow: Workflow, configuration: Configuration | None) -> Run:
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
        settings, arns = self._backend.settings, self._backend.arns
        role = f"arn:{settings.partition}:sts::{settings.account_id}:assumed-role/local/healthomics"
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
            "startedBy": settings.started_by or role,
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
        if "DEFINITION" in export:
            described["definition"] = run.workflow.definition.uri
        return described


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
