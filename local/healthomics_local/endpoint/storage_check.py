"""Whether what a run reads and writes in S3 is there: what AWS finds out only after StartRun has answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.json_values import is_array, is_object
from healthomics_local.endpoint.objects import ObjectNotFoundError, ObjectStoreError, S3Uri
from healthomics_local.endpoint.records import Outcome
from healthomics_local.endpoint.settings import StorageChecks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class InputCheck:
    """What was found out about the inputs of a run."""

    failure: Outcome | None = None
    unknown: tuple[S3Uri, ...] = ()
    """Inputs in buckets that are not here, which are taken as existing."""


class StorageCheck:
    """Looks at buckets and objects. Takes time: never call it with a lock held."""

    def __init__(self, *, objects: ObjectStore, region: str, checks: StorageChecks) -> None:
        self._objects = objects
        self._region = region
        self._checks = checks

    @property
    def is_on(self) -> bool:
        """Whether anything is checked."""
        return self._checks is not StorageChecks.OFF

    def output_failure(self, run: Run) -> Outcome | None:
        """Why the outputs of a run cannot be written; None: nothing speaks against it."""
        if not self.is_on:
            return None
        uri = S3Uri.parse(run.run_output_uri)
        try:
            region = self._objects.bucket_region(uri.bucket)
        except ObjectNotFoundError:
            if self._checks is StorageChecks.KNOWN_BUCKETS:
                return None
            return Outcome.failed("EXPORT_FAILED", f"The output bucket {uri.bucket} does not exist")
        except ObjectStoreError as error:
            return Outcome.failed("EXPORT_FAILED", f"The output bucket {uri.bucket} cannot be used: {error}")
        if region not in {None, self._region}:
            message = f"The output bucket {uri.bucket} is in {region}: it must be in {self._region}, as the workflow is"
            return Outcome.failed("EXPORT_FAILED", message)
        return None

    def inputs(self, run: Run, objects: ObjectStore | None) -> InputCheck:
        """Look for every S3 address among the parameters; one that ends with a slash may name an output folder.

        Args:
            run: The run.
            objects: The objects as the run's role sees them; None: all.
        """
        if not self.is_on:
            return InputCheck()
        unknown: list[S3Uri] = []
        for uri in s3_uris(run.request.get("parameters", {})):
            try:
                if not self._exists(uri, objects or self._objects):
                    unknown.append(uri)
            except ObjectNotFoundError:
                return InputCheck(failure=Outcome.failed("INPUT_URI_NOT_FOUND", f"Input URI not found: {uri}"))
            except ObjectStoreError as error:
                return InputCheck(failure=Outcome.failed("IMPORT_FAILED", f"Input cannot be read: {error}"))
        return InputCheck(unknown=tuple(unknown))

    def _exists(self, uri: S3Uri, objects: ObjectStore) -> bool:
        """Whether there is such an object, or objects below it; False: nobody here knows.

        Raises:
            ObjectNotFoundError: There is no such object.
            ObjectStoreError: It must not be read, or S3 cannot be reached.
        """
        if self._checks is StorageChecks.KNOWN_BUCKETS:
            try:
                objects.bucket_region(uri.bucket)
            except ObjectNotFoundError:
                return False
        try:
            objects.describe(uri)
        except ObjectNotFoundError:
            if not list(objects.keys(uri / "")):
                raise
        return True


def s3_uris(value: Any) -> Iterator[S3Uri]:
    """Every S3 address of an object in a JSON value, at any depth."""
    if is_array(value):
        for each in value:
            yield from s3_uris(each)
    elif is_object(value):
        for each in value.values():
            yield from s3_uris(each)
    elif isinstance(value, str) and value.startswith("s3://") and not value.endswith("/"):
        try:
            uri = S3Uri.parse(value)
        except ValueError:
            return
        if uri.key:
            yield uri
