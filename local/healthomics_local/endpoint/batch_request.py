"""The rules of StartRunBatch that the service model cannot express. Pure.

The texts of failures that the developer guide quotes are the guide's; the others are this package's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint import run_request
from healthomics_local.endpoint.errors import ServiceError, ValidationException
from healthomics_local.endpoint.json_values import is_array, is_object, parse_json
from healthomics_local.endpoint.objects import S3Uri
from healthomics_local.endpoint.service_model import operation_model, structure_shape
from healthomics_local.endpoint.validation import check_input

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_RUNS = 100_000
MAX_SETTINGS_BYTES = 6 * 1024**3

# Members of the two settings that StartRun does not have under the same name, or at all.
_NOT_OF_START_RUN = frozenset({"runSettingId", "runTags", "outputBucketOwnerId"})


class BatchFailure(Exception):  # noqa: N818 - it ends in a status of the batch, not in an error for a caller
    """Why a batch as a whole fails, before any run is started."""

    def __init__(self, message: str, *, reason: str = "VALIDATION_EXCEPTION") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


def check_members(members: Mapping[str, Any]) -> None:
    """Refuse what no batch can have, before anything is looked up.

    Raises:
        ValidationException: The first rule that is broken.
    """
    sources = [name for name in ("inlineSettings", "s3UriSettings") if name in members["batchRunSettings"]]
    if len(sources) != 1:
        raise ValidationException("batchRunSettings must have exactly one of inlineSettings and s3UriSettings")
    run_request.check_tags(members.get("tags", {}))
    default = members["defaultRunSetting"]
    if default.get("workflowType") == "READY2RUN":
        raise ValidationException("Run batches are not supported for READY2RUN workflows: use StartRun for each run")
    run_request.check_values(_as_start_run(default))
    run_request.check_combination(default)


def settings_object(members: Mapping[str, Any]) -> S3Uri | None:
    """Where the settings of the runs lie; None when they are in the request.

    Raises:
        ValidationException: The URI names no object.
    """
    text = members["batchRunSettings"].get("s3UriSettings")
    if text is None:
        return None
    try:
        uri = S3Uri.parse(text)
    except ValueError as error:
        raise ValidationException(f"s3UriSettings: {error}") from None
    if not uri.key:
        raise ValidationException(f"s3UriSettings must name an object in a bucket, got {text}")
    return uri


def parse_settings(content: bytes) -> list[Any]:
    """The settings in a file.

    Raises:
        BatchFailure: It is no JSON array.
    """
    try:
        document: object = parse_json(content)
    except ValueError:
        raise BatchFailure("Invalid JSON format in run configurations") from None
    if not is_array(document):
        raise BatchFailure("Invalid JSON format in run configurations: they must be an array")
    return document


def check_settings(settings: Sequence[Any]) -> None:
    """Refuse settings of which no batch can be made; whether each run can be started shows when it is started.

    Raises:
        BatchFailure: There are too many or none, one breaks the model, or two have the same id.
    """
    if len(settings) > MAX_RUNS:
        raise BatchFailure(f"Batch has {len(settings)} runs but {MAX_RUNS} runs is the max.")
    if not settings:
        raise BatchFailure("Batch has 0 runs but 1 run is the min.")
    shape = structure_shape("InlineSetting")
    for position, setting in enumerate(settings, start=1):
        if not is_object(setting):
            raise BatchFailure(f"Invalid JSON format in run configurations: number {position} must be an object")
        try:
            check_input(shape, setting, reject_unknown=True)
        except ServiceError as error:
            raise BatchFailure(f"Run configuration number {position} is invalid: {error.message}") from None
    unique = len({setting["runSettingId"] for setting in settings})
    if unique < len(settings):
        raise BatchFailure(f"Expected {len(settings)} unique runSettingIds but there were {unique}")


def start_run_members(default: Mapping[str, Any], setting: Mapping[str, Any]) -> dict[str, Any]:
    """The members of StartRun for one run: its own setting, then the default one; parameters and tags are merged.

    Raises:
        ValidationException: Together they are no valid request.
    """
    shared, own = _as_start_run(default), _as_start_run(setting)
    run_request.check_values(own)
    members = shared | own
    for name in ("parameters", "tags"):
        if name in members:
            members[name] = shared.get(name, {}) | own.get(name, {})
    # The service makes up a token for each run; it is not needed to tell the runs apart here.
    check_input(operation_model("StartRun").input_shape, {"requestId": "batch", **members}, reject_unknown=True)
    return members


def _as_start_run(setting: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in setting.items() if value is not None}
    members = {name: value for name, value in given.items() if name not in _NOT_OF_START_RUN}
    if "runTags" in given:
        members["tags"] = given["runTags"]
    return members
