"""StartRunBatch, GetBatch, ListBatch, ListRunsInBatch, CancelRunBatch, DeleteRunBatch, DeleteBatch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint import batch_request
from healthomics_local.endpoint.batch_settings import settings_etag
from healthomics_local.endpoint.errors import ResourceNotFoundException, ValidationException
from healthomics_local.endpoint.ledger import Created
from healthomics_local.endpoint.operations.references import References
from healthomics_local.endpoint.paging import page, page_in_order
from healthomics_local.endpoint.records import BatchRun, RunBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.batch_lifecycle import BatchLifecycle
    from healthomics_local.endpoint.records import LedgerEntry

_BATCH_FILTERS = ("status", "name", "runGroupId")
_RUN_FILTERS = ("submissionStatus", "runSettingId", "runId")


class RunBatchOperations:
    """The operations on run batches."""

    def __init__(self, backend: Backend, lifecycle: BatchLifecycle) -> None:
        self._backend = backend
        self._state = backend.state
        self._lifecycle = lifecycle
        self._references = References(backend)

    def start_run_batch(self, members: Mapping[str, Any], started_by: str) -> dict[str, Any]:
        """Start a batch, or answer with the batch that this requestId has started before.

        Takes the lock itself, because it looks at an object in S3 in between.
        """
        with self._state.transaction():
            repeated = self._backend.ledger.repeated(
                "StartRunBatch", members, self._backend.now(), present=self._present
            )
        if repeated is not None:
            return repeated
        batch_request.check_members(members)
        uri = batch_request.settings_object(members)
        role_arn = members["defaultRunSetting"]["roleArn"]
        etag = None if uri is None else settings_etag(self._backend, uri, role_arn=role_arn)
        ledger, now = self._backend.ledger, self._backend.now()
        with self._state.transaction():
            return ledger.once(
                "StartRunBatch",
                members,
                now,
                create=lambda: self._start(members, etag, started_by),
                present=self._present,
            )

    def get_batch(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one batch."""
        batch = self._find(members)
        summary = self._lifecycle.summary(batch)
        return {
            "id": batch.batch_id,
            "arn": batch.arn,
            "uuid": batch.uuid,
            "name": batch.name,
            "status": batch.status.value,
            "tags": dict(batch.tags),
            "totalRuns": batch.total_runs,
            "defaultRunSetting": batch.default_setting,
            "submissionSummary": summary.submissions,
            "runSummary": summary.runs,
            "creationTime": batch.creation_time,
            "submittedTime": batch.submitted_time,
            "processedTime": batch.processed_time,
            "failedTime": batch.failed_time,
            "failureReason": batch.failure_message,
        }

    def list_batch(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The batches that match the filter, newest first."""
        _check_one_filter(members, _BATCH_FILTERS)
        found = [
            batch
            for batch in self._state.run_batches.values()
            if members.get("status") in {None, batch.status}
            and members.get("name") in {None, batch.name}
            and members.get("runGroupId") in {None, batch.default_setting.get("runGroupId")}
        ]
        return page(found, {**members, "maxResults": members.get("maxItems")}, _listed)

    def list_runs_in_batch(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The runs of a batch that match the filter, in the order of their settings."""
        _check_one_filter(members, _RUN_FILTERS)
        batch = self._find(members)

        def after(position: int) -> Iterator[BatchRun]:
            return (
                entry
                for entry in self._lifecycle.entries(batch, position)
                if members.get("submissionStatus") in {None, entry.submission_status}
                and members.get("runSettingId") in {None, entry.setting_id}
                and members.get("runId") in {None, entry.run_id}
            )

        runs, token = page_in_order(after, members, _listed_run)
        return {"runs": runs, "nextToken": token}

    def cancel_run_batch(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Start no more runs of a batch, and cancel those that have not ended."""
        self._lifecycle.cancel(self._find(members))
        return {}

    def delete_run_batch(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete the records of a batch's runs."""
        self._lifecycle.delete_runs(self._find(members))
        return {}

    def delete_batch(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete the record of a batch; its runs stay."""
        batch = self._find(members)
        self._lifecycle.delete(batch)
        if self._backend.settings.deletion_frees_request_id:
            self._backend.ledger.forget(batch.uuid)
        return {}

    def _present(self, entry: LedgerEntry) -> Mapping[str, Any]:
        batch = self._state.run_batches.get(str(entry.response["id"]))
        # A batch that is gone keeps its token, as a run does: to start its runs again would cost money.
        return entry.response if batch is None or batch.uuid != entry.resource else _started(batch)

    def _start(self, members: Mapping[str, Any], etag: str | None, started_by: str) -> Created:
        backend, now, default = self._backend, self._backend.now(), members["defaultRunSetting"]
        workflow = self._references.workflow(
            default["workflowId"],
            workflow_type="PRIVATE",
            owner_id=default.get("workflowOwnerId"),
            version_name=default.get("workflowVersionName"),
        )
        self._references.check(default)
        batch_id = backend.ids.numeric()
        batch = RunBatch(
            batch_id=batch_id,
            uuid=backend.ids.uuid(),
            arn=backend.arns.of(f"runBatch/{batch_id}"),
            sequence=self._state.next_sequence(),
            name=members.get("batchName"),
            default_setting=default,
            settings_uri=members["batchRunSettings"].get("s3UriSettings"),
            settings_etag=etag,
            workflow=workflow,
            creation_time=now,
            tags=dict(members.get("tags", {})),
            started_by=started_by,
        )
        self._lifecycle.begin(batch, members["batchRunSettings"].get("inlineSettings", ()))
        return Created(resource=batch.uuid, response=_started(batch))

    def _find(self, members: Mapping[str, Any]) -> RunBatch:
        batch_id = members["batchId"]
        try:
            return self._state.run_batches[batch_id]
        except KeyError:
            raise ResourceNotFoundException(f"Run batch {batch_id} not found") from None


def _check_one_filter(members: Mapping[str, Any], filters: tuple[str, ...]) -> None:
    given = [name for name in filters if name in members]
    if len(given) > 1:
        raise ValidationException(f"Only one filter is supported in a call, got {' and '.join(given)}")


def _started(batch: RunBatch) -> dict[str, Any]:
    return {
        "id": batch.batch_id,
        "arn": batch.arn,
        "status": batch.status.value,
        "uuid": batch.uuid,
        "tags": dict(batch.tags),
    }


def _listed(batch: RunBatch) -> dict[str, Any]:
    return {
        "id": batch.batch_id,
        "name": batch.name,
        "status": batch.status.value,
        "createdAt": batch.creation_time,
        "totalRuns": batch.total_runs,
        "workflowId": batch.workflow.workflow_id,
    }


def _listed_run(entry: BatchRun) -> dict[str, Any]:
    return {
        "runSettingId": entry.setting_id,
        "runId": entry.run_id,
        "runInternalUuid": entry.run_uuid,
        "runArn": entry.run_arn,
        "submissionStatus": entry.submission_status,
        "submissionFailureReason": entry.failure_reason,
        "submissionFailureMessage": entry.failure_message,
    }
