"""Decides about each call: who made it, and whether they may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.authorization.requirements import required_permissions
from healthomics_local.endpoint.authorization.signatures import Signature, verify
from healthomics_local.endpoint.batch_request import BatchFailure, check_settings, parse_settings, settings_object
from healthomics_local.endpoint.errors import AccessDeniedException, ValidationException
from healthomics_local.endpoint.objects import ObjectStoreError, read_object
from healthomics_local.endpoint.resource_arns import record_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.authorization.authorizer import Authorizer, Credential, Permission
    from healthomics_local.endpoint.authorization.run_access import RunAccess
    from healthomics_local.endpoint.ids import ArnFormat
    from healthomics_local.endpoint.messages import Request
    from healthomics_local.endpoint.records import Tags
    from healthomics_local.endpoint.state import State


class Caller:
    """Who made a call."""

    def __init__(self, credential: Credential, control: AccessControl) -> None:
        self.arn = credential.principal_arn
        self._access_key_id = credential.access_key_id
        self._control = control

    def require(self, operation: str, members: Mapping[str, Any]) -> None:
        """Refuse a call that the caller may not make.

        Args:
            operation: The API name.
            members: Valid members.

        Raises:
            AccessDeniedException: A permission is missing.
        """
        self._control.require(self._access_key_id, operation, members)


class AccessControl:
    """Verifies signatures and asks an authorizer. Takes the lock for what it looks up, and never while it asks."""

    def __init__(self, authorizer: Authorizer, *, state: State, arns: ArnFormat, access: RunAccess) -> None:
        self._authorizer = authorizer
        self._access = access
        self._state = state
        self._arns = arns

    def authenticate(self, request: Request) -> Caller:
        """Who made a request.

        Raises:
            ServiceError: It is not signed, or not with a valid signature.
        """
        signature = Signature.of(request.headers)
        credential = self._authorizer.credential(signature.access_key_id)
        # Clients sign by the wall clock, whatever clock the runs go by.
        verified = verify(request, signature, credential, region=self._arns.region, now=datetime.now(UTC))
        return Caller(verified, self)

    def require(self, access_key_id: str, operation: str, members: Mapping[str, Any]) -> None:
        """Refuse a call that the owner of a key may not make.

        Raises:
            AccessDeniedException: A permission is missing.
        """
        self._require(access_key_id, operation, members)
        if operation == "StartRunBatch" and (settings := self._settings_in_s3(members)):
            # What their tags need is known once they have been read, which the role does only for whoever may pass it.
            self._require(access_key_id, operation, {**members, "batchRunSettings": {"inlineSettings": settings}})

    def _settings_in_s3(self, members: Mapping[str, Any]) -> list[Any]:
        """The settings of a batch that lie in S3; none of those that the batch itself will fail for."""
        try:
            uri = settings_object(members)
            if uri is None:
                return []
            store = self._access.batch_settings(members["defaultRunSetting"]["roleArn"])
            settings = parse_settings(read_object(store, uri))
            check_settings(settings)
        except (BatchFailure, ObjectStoreError, ValidationException):
            return []
        return settings

    def _require(self, access_key_id: str, operation: str, members: Mapping[str, Any]) -> None:
        with self._state.transaction():
            source = self._state.runs.get(str(members.get("runId"))) if operation == "StartRun" else None
            needed = required_permissions(operation, members, self._arns, source)
            needed = [self._with_resource_tags(permission) for permission in needed]
        denial = self._authorizer.caller_denial(access_key_id, needed)
        if denial is not None:
            raise AccessDeniedException(denial.message)

    def _with_resource_tags(self, permission: Permission) -> Permission:
        tags = {f"aws:ResourceTag/{key}": value for key, value in self._tags(permission.resource).items()}
        return replace(permission, context={**permission.context, **tags})

    def _tags(self, arn: str) -> Tags:
        """The tags of a resource; none if it does not exist, so that a condition on them does not hold."""
        place = record_place(arn, self._state)
        if place is None:
            return {}
        records, key = place
        tags: Tags = records[key].tags
        return tags
