"""What a run's settings name: the S3 locations that its role is to read and to write."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_omics
from aws_cdk import aws_s3 as s3

from cdk_healthomics import known_runs
from cdk_healthomics.known_runs import KnownRun
from cdk_healthomics.parameters import literal_strings
from cdk_healthomics.s3_locations import S3Location

if TYPE_CHECKING:
    from constructs import IConstruct

    from cdk_healthomics.run_role import RunRole
    from cdk_healthomics.run_settings import RunSettings

OTHER_OUTPUTS_UNKNOWN: Final = "@cdk-healthomics/workflow-run:outputsOfOtherRunUnknown"
OTHER_ACCOUNT_MUST_ALLOW: Final = "@cdk-healthomics/workflow-run:otherAccountMustAllow"


def allow_what_is_named(
    run: "IConstruct", role: "RunRole", settings: "RunSettings", cache: object, *, output: bool
) -> list[s3.IBucket]:
    """Let a run use the S3 locations that its settings name.

    Args:
        run: The run, for warnings.
        role: Its role.
        settings: What it is asked to be. The outputs of other runs count by where those write them.
        cache: Its run cache, if that is a resource of the app.
        output: Whether the role is to write what is below the output URI.

    Returns:
        The buckets of the app among these locations.
    """
    buckets: dict[s3.IBucket, None] = {}

    def note(bucket: s3.IBucket | None, *, write: bool = False) -> None:
        if bucket is not None:
            role.allow_key(bucket, write=write)
            buckets[bucket] = None

    texts = list(literal_strings(settings.parameters))
    read = [location for text in texts for location in S3Location.all_in(text)]
    for bucket in {location.bucket for location in read}:
        note(known_runs.bucket_named(bucket))
    for other in _other_runs(texts):
        location = other.outputs_for(cdk.Stack.of(role))
        _advise(run, other, location)
        if location is not None:
            read.append(location)
            if known_runs.same_place(cdk.Stack.of(role), cdk.Stack.of(other.construct)):
                note(other.bucket)
    role.allow_read(read)
    if output and (written := known_runs.output_location(settings.output_uri)) is not None:
        role.allow_write(written)
        note(known_runs.bucket_named(written.bucket), write=True)
    if isinstance(cache, aws_omics.CfnRunCache) and cache.cache_s3_location is not None:
        cached = known_runs.output_location(cache.cache_s3_location)
        if cached is not None:
            role.allow_read([cached])
            role.allow_write(cached)
            note(known_runs.bucket_named(cached.bucket), write=True)
    return list(buckets)


def _other_runs(texts: list[str]) -> Iterator[KnownRun]:
    found: dict[str, KnownRun] = {}
    for text in texts:
        for other in known_runs.runs_whose_outputs_are_in(text):
            found.setdefault(other.construct.node.path, other)
    yield from found.values()


def _advise(run: "IConstruct", other: KnownRun, location: S3Location | None) -> None:
    path = other.construct.node.path
    if location is None:
        cdk.Annotations.of(run).add_warning_v2(
            OTHER_OUTPUTS_UNKNOWN,
            f"the parameters name outputs of {path}, but only the deployment of that stack knows where they go: let "
            "the run's role do s3:GetObject on them, s3:ListBucket on their bucket and kms:Decrypt with its key, or "
            "give that run a literal output_uri, or an output_bucket of this account with a literal output_prefix",
        )
    elif cdk.Stack.of(run).account != cdk.Stack.of(other.construct).account:
        cdk.Annotations.of(run).add_warning_v2(
            OTHER_ACCOUNT_MUST_ALLOW,
            f"the parameters name outputs of {path}, in another account, whose bucket and key have a say: let their "
            "policies allow s3:GetObject, s3:ListBucket and kms:Decrypt to the run's role, and that role kms:Decrypt",
        )
