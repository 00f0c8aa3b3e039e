"""The settings of a batch's runs where they lie in S3, which the batch's role reads.

This takes time: never with a lock held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.batch_request import MAX_SETTINGS_BYTES, BatchFailure, parse_settings
from healthomics_local.endpoint.errors import ValidationException
from healthomics_local.endpoint.objects import ObjectStoreError, S3Uri, read_object

if TYPE_CHECKING:
    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.objects import ObjectStore


def settings_etag(backend: Backend, uri: S3Uri, *, role_arn: str) -> str:
    """The ETag of the settings, which they must still have when they are read.

    Raises:
        ValidationException: The role cannot read them.
    """
    try:
        return _objects(backend, role_arn).describe(uri).etag
    except ObjectStoreError as error:
        # The API reference: "HealthOmics validates access to the file during the synchronous API call".
        raise ValidationException(f"s3UriSettings cannot be read: {error}") from error


def read_settings(backend: Backend, uri: S3Uri, *, role_arn: str, etag: str | None) -> list[Any]:
    """The settings, which may be wrong each for itself.

    Raises:
        BatchFailure: They cannot be read, have changed, are too large, or are no JSON array.
    """
    store = _objects(backend, role_arn)
    try:
        found = store.describe(uri)
        if found.etag != etag:
            raise BatchFailure(
                f"Expected s3UriConfigs etag: {etag} but was: {found.etag}. "
                "s3UriConfigs have changed since calling StartRunBatch"
            )
        if found.size > MAX_SETTINGS_BYTES:
            raise BatchFailure(f"s3UriConfigs have {found.size} bytes but {MAX_SETTINGS_BYTES} bytes is the max.")
        return parse_settings(read_object(store, uri))
    except ObjectStoreError as error:
        raise BatchFailure(f"s3UriConfigs cannot be read: {error}", reason="ACCESS_DENIED_EXCEPTION") from error


def _objects(backend: Backend, role_arn: str) -> ObjectStore:
    return backend.objects if backend.access is None else backend.access.batch_settings(role_arn)
