"""What HealthOmics would refuse, found at synth.

The rules are those of the API (botocore's service model: patterns, lengths, ranges, enumerations) and of the AWS
HealthOmics user guide (which settings go together). Nothing that the service accepts is a problem, and what only the
deployment knows is passed over. Messages say what, the value, what is allowed, and the cure.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from cdk_healthomics import choices, parameters
from cdk_healthomics.references import ADDITIONAL_REFERENCES
from cdk_healthomics.run_settings import RunSettings
from cdk_healthomics.session_policies import session_policy_problems
from cdk_healthomics.storage import DYNAMIC, STATIC
from cdk_healthomics.tokens import begins_with_token, is_string_token, is_token, literal_text
from cdk_healthomics.workflow import SourceRun, Workflow, parameter_template
from healthomics_run_handler import contract
from healthomics_run_handler.identity import quote

if TYPE_CHECKING:
    from enum import StrEnum


@dataclass(frozen=True, slots=True)
class _Form:
    """How a value is written."""

    whole: re.Pattern[str]
    part: re.Pattern[str]
    """What is known of it, where it holds a token."""
    allowed: str


_ID_DIGITS: Final = (re.compile(r"[0-9]{1,18}"), re.compile(r"[0-9]{0,18}"))
_RUN_ID: Final = _Form(*_ID_DIGITS, "1 to 18 digits")
_WORKFLOW_ID: Final = _Form(*_ID_DIGITS, "1 to 18 digits, the id and not the uuid")
_RUN_GROUP_ID: Final = _Form(*_ID_DIGITS, "a run group, or its id of 1 to 18 digits")
_CACHE_ID: Final = _Form(*_ID_DIGITS, "a run cache, or its id of 1 to 18 digits")
_ACCOUNT: Final = _Form(re.compile(r"[0-9]{12}"), re.compile(r"[0-9]{0,12}"), "the 12 digits of an account")
_VERSION: Final = _Form(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9\-._]{0,63}"),
    re.compile(r"[A-Za-z0-9\-._]{0,64}"),
    "1 to 64 letters, digits, hyphens, dots and underscores, a letter or digit first",
)
_CONFIGURATION: Final = _Form(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9\-._]{0,127}"),
    re.compile(r"[A-Za-z0-9\-._]{0,128}"),
    "a configuration, or its name of 1 to 128 letters, digits, hyphens, dots and underscores, a letter or digit first",
)
_ROLE_ARN: Final = _Form(
    re.compile(r"arn:.+"), re.compile(r".*", re.DOTALL), "arn:<partition>:iam::<account>:role/<name>"
)
_BUCKET: Final = re.compile(r"[A-Za-z0-9._-]{0,255}")
"""As wide as S3 ever took them: buckets of before 2018 have capitals and underscores."""

_NAME_LIMIT: Final = 128
_ROLE_ARN_LIMIT: Final = 128
_PRIORITY_LIMIT: Final = 100_000
_CAPACITY_LIMIT: Final = 100_000
_READABLE_BELOW: Final = 10**15

_TAG_KEY_LIMIT: Final = 128
_TAG_VALUE_LIMIT: Final = 256
_USER_TAG_LIMIT: Final = contract.TAG_LIMIT - contract.LEDGER_TAG_LIMIT

_S3: Final = "s3://"

_ENGINE_TEXTS: Final = ("engineVersion", "syntaxVersion", "profile")
"""Engine settings that are texts; 25.10 as a number would be 25.1."""

_NOT_ADDITIONAL: Final = {
    "requestId": "the handler derives it from the event, so that one event starts one run: drop it",
    "tags": "use the tags argument, or Tags.of(...)",
    "name": "use the name argument: the handler finds the run by it",
    "roleArn": "use the role argument: the provider must be allowed to pass it",
    "outputUri": "use the output_uri argument",
    "workflowId": "use the workflow argument: the provider must be allowed to start it",
    "workflowOwnerId": "use Workflow.shared: the provider must be allowed to start it",
    "workflowType": "use Workflow.private or Workflow.ready2run: the provider must be allowed to start it",
    "runId": "use WorkflowRun.duplicate",
}


def run_problems(settings: RunSettings) -> Iterator[str]:
    """What is wrong with a run, as far as synth can tell; nothing if HealthOmics may accept it.

    Args:
        settings: A run whose arguments have the right types (``argument_types``).
    """
    yield from _workflow_problems(settings.workflow)
    yield from _text_problems("name", settings.name, _NAME_LIMIT)
    yield from _role_problems(settings.role_arn)
    yield from _output_problems(settings.output_uri)
    yield from _choice_problems(settings)
    yield from _reference_problems(settings)
    yield from _whole_number_problems("priority", settings.priority, _PRIORITY_LIMIT)
    yield from _storage_problems(settings)
    yield from _combination_problems(settings)
    yield from _parameter_problems(settings)
    if settings.engine_settings is not None:
        yield from _engine_problems(settings.engine_settings)
    if settings.session_policy is not None:
        yield from session_policy_problems(settings.session_policy)
    yield from _additional_problems(settings.additional or {})
    yield from tag_problems(settings.tags or {})
    if settings.rerun_on is not None:
        yield from _string_problems("rerun_on", settings.rerun_on)


def tag_problems(tags: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the user's tags of a run.

    Source: TagMap of the API, "Tagging resources" of the user guide, and the tags that the handler keeps for itself.
    """
    if len(tags) > _USER_TAG_LIMIT:
        yield (
            f"the run has {len(tags)} tags, but at most {_USER_TAG_LIMIT} are free "
            f"(HealthOmics allows {contract.TAG_LIMIT}, and {contract.LEDGER_TAG_LIMIT} are the handler's): "
            "drop some, or keep Tags.of(...) away from it with exclude_resource_types "
            f"{contract.RESOURCE_TYPE!r}"
        )
    for key, value in tags.items():
        wrong_types = [*_string_problems("a tag key", key), *_string_problems(f"the value of the tag {key!r}", value)]
        if wrong_types or is_string_token(key):
            yield from wrong_types
            continue
        if not 1 <= len(key) <= _TAG_KEY_LIMIT:
            yield f"the tag key {key!r} has {len(key)} characters: use 1 to {_TAG_KEY_LIMIT}"
        if key.lower().startswith("aws:"):
            yield f"the tag key {key!r} begins with aws:, which AWS keeps for itself: choose another"
        if key.startswith(contract.LEDGER_TAG_PREFIX):
            yield (
                f"the tag key {key!r} begins with {contract.LEDGER_TAG_PREFIX}, "
                "which the handler keeps for itself: choose another"
            )
        if len(literal_text(value)) > _TAG_VALUE_LIMIT:
            yield f"the value of the tag {key!r} has {len(value)} characters: use at most {_TAG_VALUE_LIMIT}"


def _workflow_problems(workflow: Workflow | SourceRun) -> Iterator[str]:
    match workflow:
        case SourceRun():
            yield from _form_problems("run_id", workflow.run_id, _RUN_ID)
            if workflow.workflow is not None:
                yield from _workflow_problems(workflow.workflow)
                if workflow.workflow.owner_id is not None:
                    yield (
                        "source_workflow is shared by another account, and HealthOmics does not duplicate runs of such "
                        "a workflow: define a WorkflowRun of it"
                    )
        case Workflow():
            yield from _form_problems("the workflow's id", workflow.workflow_id, _WORKFLOW_ID)
            yield from _choice_problem("the workflow's workflow_type", workflow.workflow_type, choices.WorkflowType)
            yield from _form_problems("the workflow's owner_id", workflow.owner_id, _ACCOUNT)
            yield from _form_problems("the workflow's version_name", workflow.version_name, _VERSION)


def _role_problems(role_arn: str) -> Iterator[str]:
    yield from _form_problems("the role's ARN", role_arn, _ROLE_ARN)
    if (length := len(literal_text(role_arn))) > _ROLE_ARN_LIMIT:
        yield (
            f"the role's ARN {role_arn} has {length} characters, but HealthOmics takes at most "
            f"{_ROLE_ARN_LIMIT}: use a role with a shorter path or name"
        )


def _output_problems(output_uri: str) -> Iterator[str]:
    problems = list(_string_problems("output_uri", output_uri))
    if problems:
        yield from problems
        return
    if not output_uri.startswith(_S3) and not begins_with_token(output_uri):
        yield f"output_uri is {output_uri!r}, but outputs go to S3: give s3://bucket/prefix"
    elif output_uri.startswith(_S3):
        bucket, _, _ = output_uri.removeprefix(_S3).partition("/")
        if not bucket:
            yield f"output_uri is {output_uri!r}, without a bucket: give s3://bucket/prefix"
        elif not _BUCKET.fullmatch(literal_text(bucket)):
            yield (
                f"output_uri is {output_uri!r}, but {bucket!r} cannot be the name of a bucket: use letters, digits, "
                "hyphens, dots and underscores between s3:// and the next slash"
            )
            return
    known = literal_text(output_uri)
    yield from _character_problems("output_uri", known)
    if (size := len(quote(known).encode(errors="replace"))) > contract.OUTPUT_URI_MAX_BYTES:
        yield (
            f"output_uri has {size} bytes in UTF-8 (% and | count three), but {contract.OUTPUT_URI_MAX_BYTES} are "
            "allowed: use a shorter prefix"
        )


def _choice_problems(settings: RunSettings) -> Iterator[str]:
    of: tuple[tuple[str, str | None, type[StrEnum]], ...] = (
        ("cache_behavior", settings.cache_behavior, choices.CacheBehavior),
        ("log_level", settings.log_level, choices.LogLevel),
        ("retention_mode", settings.retention_mode, choices.RetentionMode),
        ("networking_mode", settings.networking_mode, choices.NetworkingMode),
        ("scratch_storage_mode", settings.scratch_storage_mode, choices.ScratchStorageMode),
        ("output_uri_prefix_mode", settings.output_uri_prefix_mode, choices.OutputUriPrefixMode),
        ("on_delete", settings.on_delete, choices.OnDelete),
    )
    for argument, value, choice in of:
        yield from _choice_problem(argument, value, choice)
    if is_token(settings.on_delete):
        yield (
            "on_delete is a token, but what the provider may do depends on it: use OnDelete, one of "
            f"{', '.join(choices.OnDelete)}"
        )


def _choice_problem(what: str, value: str | None, choice: "type[StrEnum]") -> Iterator[str]:
    if value is not None and not is_token(value) and value not in list(choice):
        yield f"{what} is {value!r}: use {choice.__name__}, one of {', '.join(choice)}"


def _reference_problems(settings: RunSettings) -> Iterator[str]:
    yield from _form_problems("run_group", settings.run_group_id, _RUN_GROUP_ID)
    yield from _form_problems("cache", settings.cache_id, _CACHE_ID)
    yield from _form_problems("configuration", settings.configuration_name, _CONFIGURATION)


def _storage_problems(settings: RunSettings) -> Iterator[str]:
    storage = settings.storage
    if storage is None:
        return
    if storage.storage_type not in (STATIC, DYNAMIC) and not is_token(storage.storage_type):
        yield f"storage is {storage.storage_type!r}: use Storage.dynamic() or Storage.static(...)"
    if _is_ready2run(settings) and storage.storage_type == STATIC:
        yield ("storage is static, but the storage of a Ready2Run workflow is its publisher's choice: drop storage")
    yield from _whole_number_problems("storage (GiB)", storage.capacity_gib, _CAPACITY_LIMIT)


def _is_ready2run(settings: RunSettings) -> bool:
    """Whether it is a run of a Ready2Run workflow, or a copy of one, as far as synth knows."""
    workflow = settings.workflow.workflow if isinstance(settings.workflow, SourceRun) else settings.workflow
    return workflow is not None and workflow.is_ready2run


def _combination_problems(settings: RunSettings) -> Iterator[str]:
    additional = settings.additional or {}
    if _is_ready2run(settings) and (settings.cache_id is not None or "cacheId" in additional):
        yield "cache is given, but Ready2Run workflows cannot use a run cache: drop cache"
    if settings.is_duplicate:  # the other half of each pair may come from the run that is copied
        return
    if settings.cache_behavior is not None and settings.cache_id is None and "cacheId" not in additional:
        yield f"cache_behavior is {settings.cache_behavior}, but the run has no cache: give cache, or drop it"
    if (
        settings.networking_mode == choices.NetworkingMode.VPC
        and settings.configuration_name is None
        and "configurationName" not in additional
    ):
        yield "networking_mode is VPC, which needs a configuration that names the VPC: give configuration"


def _engine_problems(engine_settings: Mapping[str, object]) -> Iterator[str]:
    problems = list(parameters.json_problems(engine_settings, "engine_settings"))
    if problems:
        yield from problems
        return
    for name in _ENGINE_TEXTS:
        value = engine_settings.get(name)
        if value is not None and not isinstance(value, str):
            yield f"engine_settings[{name!r}] is {value!r}, a {type(value).__name__}: give a string, such as '25.10'"


def _parameter_problems(settings: RunSettings) -> Iterator[str]:
    given = settings.parameters
    if given is not None:
        problems = list(parameters.json_problems(given, "parameters"))
        yield from problems
        if not problems and (size := parameters.smallest_size(given)) > parameters.PARAMETERS_LIMIT_BYTES:
            yield (
                f"parameters has {size:,} bytes as JSON, but HealthOmics takes at most "
                f"{parameters.PARAMETERS_LIMIT_BYTES:,}: pass the URI of a file that lists the values"
            )
    if isinstance(settings.workflow, Workflow) and "parameters" not in (settings.additional or {}):
        template = parameter_template(settings.workflow)
        if template is not None:
            yield from parameters.template_problems(given or {}, template)


def _additional_problems(additional: Mapping[str, object]) -> Iterator[str]:
    yield from parameters.json_problems(additional, "additional_start_run_parameters")
    for member, cure in _NOT_ADDITIONAL.items():
        if member in additional:
            yield f"additional_start_run_parameters has {member}: {cure}"
    for member in (*ADDITIONAL_REFERENCES, "workflowVersionName"):
        if member in additional:
            yield from _string_problems(f"{member} of additional_start_run_parameters", additional[member])


def _string_problems(what: str, value: object) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{what} is {value!r}, a {type(value).__name__}: give a string"


def _text_problems(what: str, value: str, limit: int) -> Iterator[str]:
    problems = list(_string_problems(what, value))
    if problems:
        yield from problems
        return
    known = literal_text(value)
    if len(known) > limit or not value:
        yield f"{what} has {len(known)} characters: use 1 to {limit}"
    yield from _character_problems(what, known)


def _character_problems(what: str, value: str) -> Iterator[str]:
    r"""Where a text does not match ``[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]+``: it has a character of category C.

    Unassigned characters (Cn) pass: the service may know a newer Unicode than this Python.
    """
    refused = next((char for char in value if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"}), None)
    if refused is not None:
        yield (
            f"{what} is {value!r}, with the character U+{ord(refused):04X}: HealthOmics takes letters, marks, "
            "spaces, symbols, digits and punctuation, no line breaks and no other control characters"
        )


def _form_problems(what: str, value: str | None, form: _Form) -> Iterator[str]:
    if value is None:
        return
    problems = list(_string_problems(what, value))
    pattern = form.part if is_string_token(value) else form.whole
    if problems:
        yield from problems
    elif pattern.fullmatch(literal_text(value)) is None:
        yield f"{what} is {value!r}: give {form.allowed}"


def _whole_number_problems(what: str, value: object, limit: int) -> Iterator[str]:
    if value is None or is_token(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        whole = False
    else:
        whole = isinstance(value, int) or value.is_integer()
    if not whole:
        yield f"{what} is {value!r}: give a whole number from 0 to {limit:,}"
    elif not 0 <= cast("float", value) <= limit:
        yield f"{what} is {_readable(cast('float', value))}, but HealthOmics takes 0 to {limit:,}"


def _readable(number: float) -> str:
    """A number as text; Python refuses to write integers of thousands of digits."""
    return f"{number:,}" if abs(number) < _READABLE_BELOW else f"beyond {'-' if number < 0 else ''}{_READABLE_BELOW:,}"
