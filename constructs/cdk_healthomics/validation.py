"""What HealthOmics would refuse, found at synth.

The rules are those of the API (botocore's service model: patterns, lengths, ranges, enumerations) and of the AWS
HealthOmics user guide (which settings go together). Nothing that the service accepts is a problem, and what only the
deployment knows is passed over. Messages say what, the value, what is allowed, and the cure.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from cdk_healthomics import choices, parameters
from cdk_healthomics.run_settings import RunSettings
from cdk_healthomics.storage import STATIC, Storage
from cdk_healthomics.tokens import begins_with_token, is_string_token, is_token, literal_text
from cdk_healthomics.workflow import SourceRun, Workflow, parameter_template
from healthomics_run_handler import contract
from healthomics_run_handler.identity import quote

if TYPE_CHECKING:
    from enum import StrEnum

_ID: Final = re.compile(r"[0-9]{1,18}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-._]{0,63}")
_CONFIGURATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-._]{0,127}")
_ROLE_ARN: Final = re.compile(r"arn:.+")

_NAME_LIMIT: Final = 128
_ROLE_ARN_LIMIT: Final = 128
_PRIORITY_LIMIT: Final = 100_000
_CAPACITY_LIMIT: Final = 100_000
_SESSION_POLICY_LIMIT: Final = 2048

_TAG_KEY_LIMIT: Final = 128
_TAG_VALUE_LIMIT: Final = 256
_USER_TAG_LIMIT: Final = contract.TAG_LIMIT - contract.LEDGER_TAG_LIMIT

_S3: Final = "s3://"

_NOT_ADDITIONAL: Final = {
    "requestId": "the handler derives it from the event, so that one event starts one run: drop it",
    "tags": "use the tags argument, or Tags.of(...)",
    "name": "use the name argument: the handler finds the run by it",
    "roleArn": "use the role argument: the provider must be allowed to pass it",
    "outputUri": "use the output_uri argument",
    "workflowId": "use the workflow argument: the provider must be allowed to start it",
    "workflowOwnerId": "use Workflow.shared: the provider must be allowed to start it",
    "runId": "use WorkflowRun.duplicate",
}


def run_problems(settings: RunSettings) -> Iterator[str]:
    """What is wrong with a run, as far as synth can tell; nothing if HealthOmics may accept it."""
    wrong_types = list(_type_problems(settings))
    yield from wrong_types or _value_problems(settings)


def _type_problems(settings: RunSettings) -> Iterator[str]:
    """Arguments that a type checker would have found."""
    workflows = (Workflow, SourceRun)
    yield from _type_problem(
        "workflow", settings.workflow, workflows, "Workflow.private(...), or another factory of it"
    )
    yield from _type_problem("storage", settings.storage, Storage, "Storage.dynamic() or Storage.static(...)")
    yield from _type_problem("parameters", settings.parameters, Mapping, "a mapping of names to values")
    yield from _type_problem("engine_settings", settings.engine_settings, Mapping, "EngineSettings(...)")
    yield from _type_problem("session_policy", settings.session_policy, Mapping, "a PolicyDocument or a mapping")
    yield from _type_problem(
        "additional_start_run_parameters", settings.additional, Mapping, "a mapping of members to values"
    )
    yield from _type_problem("tags", settings.tags, Mapping, "a mapping of keys to values")


def _type_problem(what: str, value: object, types: type | tuple[type, ...], cure: str) -> Iterator[str]:
    if value is not None and not isinstance(value, types):
        yield f"{what} is {value!r}, a {type(value).__name__}: give {cure}"


def _value_problems(settings: RunSettings) -> Iterator[str]:
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
        yield from parameters.json_problems(settings.engine_settings, "engine_settings")
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


def session_policy_problems(policy: Mapping[str, object]) -> Iterator[str]:
    """What is wrong with a session policy."""
    problems = list(parameters.json_problems(policy, "session_policy"))
    yield from problems
    if problems or parameters.has_token(policy):
        return
    length = len(json.dumps(policy, separators=(",", ":"), ensure_ascii=False))
    if length > _SESSION_POLICY_LIMIT:
        yield (
            f"session_policy has {length} characters as JSON, but HealthOmics takes at most "
            f"{_SESSION_POLICY_LIMIT}: shorten it, or narrow the role instead"
        )


def _workflow_problems(workflow: Workflow | SourceRun) -> Iterator[str]:
    match workflow:
        case SourceRun():
            yield from _pattern_problems("run_id", workflow.run_id, _ID, "1 to 18 digits")
        case Workflow():
            yield from _pattern_problems(
                "the workflow's id", workflow.workflow_id, _ID, "1 to 18 digits, the id and not the uuid"
            )
            yield from _pattern_problems(
                "the workflow's owner_id", workflow.owner_id, _ACCOUNT, "the 12 digits of an account"
            )
            yield from _pattern_problems(
                "the workflow's version_name",
                workflow.version_name,
                _VERSION,
                "1 to 64 letters, digits, hyphens, dots and underscores, a letter or digit first",
            )


def _role_problems(role_arn: str) -> Iterator[str]:
    yield from _pattern_problems("the role's ARN", role_arn, _ROLE_ARN, "arn:<partition>:iam::<account>:role/<name>")
    if not is_token(role_arn) and len(role_arn) > _ROLE_ARN_LIMIT:
        yield (
            f"the role's ARN {role_arn} has {len(role_arn)} characters, but HealthOmics takes at most "
            f"{_ROLE_ARN_LIMIT}: use a role with a shorter path or name"
        )


def _output_problems(output_uri: str) -> Iterator[str]:
    problems = list(_string_problems("output_uri", output_uri))
    if problems:
        yield from problems
        return
    if not output_uri.startswith(_S3) and not begins_with_token(output_uri):
        yield f"output_uri is {output_uri!r}, but outputs go to S3: give s3://bucket/prefix"
    elif output_uri.startswith(_S3) and not output_uri.removeprefix(_S3).split("/")[0]:
        yield f"output_uri is {output_uri!r}, without a bucket: give s3://bucket/prefix"
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
        if value is None or is_token(value) or value in list(choice):
            continue
        yield f"{argument} is {value!r}: use {choice.__name__}, one of {', '.join(choice)}"


def _reference_problems(settings: RunSettings) -> Iterator[str]:
    yield from _pattern_problems("run_group", settings.run_group_id, _ID, "a run group, or its id of 1 to 18 digits")
    yield from _pattern_problems("cache", settings.cache_id, _ID, "a run cache, or its id of 1 to 18 digits")
    yield from _pattern_problems(
        "configuration",
        settings.configuration_name,
        _CONFIGURATION,
        "a configuration, or its name of 1 to 128 letters, digits, hyphens, dots and underscores, "
        "a letter or digit first",
    )


def _storage_problems(settings: RunSettings) -> Iterator[str]:
    if settings.storage is None:
        return
    if settings.is_ready2run and settings.storage.storage_type == STATIC:
        yield ("storage is static, but the storage of a Ready2Run workflow is its publisher's choice: drop storage")
    yield from _whole_number_problems("storage (GiB)", settings.storage.capacity_gib, _CAPACITY_LIMIT)


def _combination_problems(settings: RunSettings) -> Iterator[str]:
    if settings.is_ready2run and settings.cache_id is not None:
        yield "cache is given, but Ready2Run workflows cannot use a run cache: drop cache"
    if settings.is_duplicate:  # the other half of each pair may come from the run that is copied
        return
    additional = settings.additional or {}
    if settings.cache_behavior is not None and settings.cache_id is None and "cacheId" not in additional:
        yield f"cache_behavior is {settings.cache_behavior}, but the run has no cache: give cache, or drop it"
    if (
        settings.networking_mode == choices.NetworkingMode.VPC
        and settings.configuration_name is None
        and "configurationName" not in additional
    ):
        yield "networking_mode is VPC, which needs a configuration that names the VPC: give configuration"


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


def _string_problems(what: str, value: object) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{what} is {value!r}, a {type(value).__name__}: give a string"


def _text_problems(what: str, value: str, limit: int) -> Iterator[str]:
    problems = list(_string_problems(what, value))
    if problems or is_token(value):
        yield from problems
        return
    if not 1 <= len(value) <= limit:
        yield f"{what} has {len(value)} characters: use 1 to {limit}"
    yield from _character_problems(what, value)


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


def _pattern_problems(what: str, value: str | None, pattern: re.Pattern[str], allowed: str) -> Iterator[str]:
    if value is None:
        return
    problems = list(_string_problems(what, value))
    if problems or is_token(value):
        yield from problems
    elif pattern.fullmatch(value) is None:
        yield f"{what} is {value!r}: give {allowed}"


def _whole_number_problems(what: str, value: object, limit: int) -> Iterator[str]:
    if value is None or is_token(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        yield f"{what} is {value!r}: give a whole number from 0 to {limit:,}"
    elif not 0 <= value <= limit:
        yield f"{what} is {value:,}, but HealthOmics takes 0 to {limit:,}"
