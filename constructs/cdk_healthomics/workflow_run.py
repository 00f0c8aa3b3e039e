"""``WorkflowRun``: one HealthOmics workflow run as a resource of a stack."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_healthomics import known_runs
from cdk_healthomics.advice import advise_on_cache, advise_on_exports, give_advice
from cdk_healthomics.any_run_rules import AnyRunRules
from cdk_healthomics.argument_types import OF_RUN
from cdk_healthomics.choices import (
    CacheBehavior,
    LogLevel,
    NetworkingMode,
    OnDelete,
    OutputUriPrefixMode,
    RetentionMode,
    RunStatus,
    ScratchStorageMode,
)
from cdk_healthomics.engine_settings import EngineSettings
from cdk_healthomics.errors import InvalidRunError
from cdk_healthomics.imported_run import ImportedRun, IWorkflowRun
from cdk_healthomics.jsii_protocols import as_role
from cdk_healthomics.kinds import type_problems
from cdk_healthomics.late_checks import ChecksAtSynth
from cdk_healthomics.late_dependencies import LateDependencies
from cdk_healthomics.log_queries import LoggedRun
from cdk_healthomics.named_access import allow_what_is_named
from cdk_healthomics.names import default_run_name
from cdk_healthomics.output_location import output_location
from cdk_healthomics.places import place_problems
from cdk_healthomics.policy_quota import watch_run_role
from cdk_healthomics.provider import RunProvider
from cdk_healthomics.published_run import RUN_ARN, RUN_ID, RUN_OUTPUT_URI, RUN_UUID, PublishedRun, publish
from cdk_healthomics.references import (
    Reference,
    References,
    configuration_reference,
    run_cache_reference,
    run_group_reference,
)
from cdk_healthomics.run_base import EventSubject, RunBase
from cdk_healthomics.run_completion import RunCompletion, WaitSettings
from cdk_healthomics.run_grants import WorkflowRunGrants, runs_of
from cdk_healthomics.run_outputs import define_outputs, export_problems
from cdk_healthomics.run_role import RunRole, bucket_guards, grant_what_is_given
from cdk_healthomics.run_settings import RunSettings, resource_properties
from cdk_healthomics.run_uses import run_uses
from cdk_healthomics.run_waiter import RunWaiter
from cdk_healthomics.run_widgets import ShownRun
from cdk_healthomics.stack_reference import Attributes
from cdk_healthomics.stack_runs import StackRuns, nesting
from cdk_healthomics.storage import Storage
from cdk_healthomics.validation import run_problems
from cdk_healthomics.workflow import SourceRun, Workflow
from healthomics_run_handler import contract

if TYPE_CHECKING:
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_s3 as s3
    from aws_cdk.interfaces import aws_omics as omics_refs

_SERVICE_TIMEOUT_SECONDS = 3600
"""CloudFormation's maximum. The handler answers long before; a shorter limit could only turn a slow success into a
rollback."""

_LONGEST_WAIT = cdk.Duration.hours(12)
_COMPLETION = "Completion"
"""Id of the completion below the run; a permanent contract, as all construct ids."""


class RunOverrides(TypedDict, total=False):
    """What ``WorkflowRun.duplicate`` can change; what is left out is copied from the source run.

    The same arguments as those of ``WorkflowRun``.

    Example:
        >>> from cdk_healthomics import RetentionMode, RunOverrides
        >>> cheaper: RunOverrides = {"retention_mode": RetentionMode.REMOVE, "priority": 1}
    """

    parameters: Mapping[str, object]
    storage: Storage
    input_buckets: "Sequence[s3.IBucket]"
    image_repositories: "Sequence[ecr.IRepository]"
    output_uri_prefix_mode: OutputUriPrefixMode | str
    name: str
    run_group: "omics_refs.IRunGroupRef | str"
    priority: float
    cache: "omics_refs.IRunCacheRef | str"
    cache_behavior: CacheBehavior | str
    log_level: LogLevel | str
    retention_mode: RetentionMode | str
    networking_mode: NetworkingMode | str
    configuration: "omics_refs.IConfigurationRef | str"
    engine_settings: EngineSettings | Mapping[str, object]
    scratch_storage_mode: ScratchStorageMode | str
    session_policy: iam.PolicyDocument | Mapping[str, object]
    tags: Mapping[str, str]
    additional_start_run_parameters: Mapping[str, object]
    rerun_on: str
    on_delete: OnDelete
    outputs: bool
    export_name_prefix: str
    reference_strength: cdk.ReferenceStrength


@jsii.implements(cdk.ITaggableV2, iam.IGrantable)
class WorkflowRun(AnyRunRules, RunBase):
    """One run of an AWS HealthOmics workflow, started when the stack is deployed.

    The run starts exactly once, however often CloudFormation delivers the event. A change of any argument that StartRun
    sees, or of ``rerun_on``, starts a new run on the next deployment and then ends the old one; nothing else does. A
    rollback starts nothing and keeps the run that was there before.

    The deployment does not wait for the run to end: it is done when the run has been accepted. If it should,
    ``wait_for_completion`` makes it.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> run = WorkflowRun(
        ...     stack,
        ...     "Alignment",
        ...     workflow=Workflow.private("1234567"),
        ...     output_uri="s3://amzn-s3-demo-bucket/alignment",
        ...     parameters={"sample": "NA12878", "threads": 4},
        ... )

    Every run adds one resource to the template, and its role if it did not get one; all runs of a stack share one
    Lambda function.
    """

    role: iam.IRole
    """The role that HealthOmics assumes for the run: the one given, or the one defined here."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        workflow: Workflow | SourceRun,
        output_uri: str | None = None,
        output_bucket: "s3.IBucket | None" = None,
        output_prefix: str = "",
        output_uri_prefix_mode: OutputUriPrefixMode | str | None = None,
        parameters: Mapping[str, object] | None = None,
        input_buckets: "Sequence[s3.IBucket]" = (),
        image_repositories: "Sequence[ecr.IRepository]" = (),
        role: iam.IRole | iam.Role | None = None,
        storage: Storage | None = None,
        scratch_storage_mode: ScratchStorageMode | str | None = None,
        name: str | None = None,
        run_group: "omics_refs.IRunGroupRef | str | None" = None,
        priority: float | None = None,
        cache: "omics_refs.IRunCacheRef | str | None" = None,
        cache_behavior: CacheBehavior | str | None = None,
        log_level: LogLevel | str | None = None,
        retention_mode: RetentionMode | str | None = None,
        networking_mode: NetworkingMode | str | None = None,
        configuration: "omics_refs.IConfigurationRef | str | None" = None,
        engine_settings: EngineSettings | Mapping[str, object] | None = None,
        session_policy: iam.PolicyDocument | Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
        additional_start_run_parameters: Mapping[str, object] | None = None,
        rerun_on: str | None = None,
        on_delete: OnDelete = OnDelete.CANCEL,
        outputs: bool = True,
        export_name_prefix: str | None = None,
        reference_strength: cdk.ReferenceStrength = cdk.ReferenceStrength.WEAK,
    ) -> None:
        """Define a run.

        Every value that HealthOmics gets may be a token, and what can be known at synth is checked at synth.

        Args:
            scope: Where the run belongs in the construct tree.
            construct_id: Its id there; part of the run's identity, so a new id means a new run.
            workflow: What to run: ``Workflow.private``, ``.ready2run``, ``.shared``, ``.from_ref``,
                ``.from_version_ref`` or ``.from_arn``.
            output_uri: Where the outputs go: ``s3://bucket/prefix``, at most 750 bytes, in the workflow's Region.
                Give this or ``output_bucket``.
            output_bucket: The bucket where the outputs go, in the workflow's Region; the role may write to it.
            output_prefix: Prefix in ``output_bucket``, without a slash before it. By default the bucket's root.
            output_uri_prefix_mode: By default SERVICE_DEFINED: outputs go below a prefix of the run's own.
            parameters: The workflow's inputs, name -> JSON value: strings, numbers, booleans, None, lists and mappings,
                exactly as Python has them. At most 50,000 bytes as JSON. Deploy-time strings and numbers resolve; their
                text must not need escapes in JSON (quotes, backslashes). By default no parameters.
            input_buckets: Buckets that the role may read. URIs such as ``s3://bucket/key`` and outputs of other runs of
                the app among the parameters need no mention, if the role is one that a run has defined.
            image_repositories: ECR repositories whose images the role may pull for the tasks. The policy of one that
                the app defines lets ``omics.amazonaws.com`` pull, too; others must do so already.
            role: The role that HealthOmics assumes. By default a role that may write the run's logs and outputs, read
                what the S3 URIs among the parameters name (a URI allows what begins with its key, such as an index
                beside the file) and the outputs of runs that the parameters refer to, and nothing else; grant more with
                ``bucket.grant_read(run)`` and the like.
            storage: By default ``Storage.dynamic()``; the publisher's choice for Ready2Run workflows.
            scratch_storage_mode: Where CPU tasks keep temporary files. By default SHARED.
            name: 1 to 128 characters, of no importance to HealthOmics. By default derived from the stack's name and the
                construct's path, unique in the account and Region.
            run_group: Limits that runs share: a ``CfnRunGroup`` or an id. By default none.
            priority: 0 to 100,000, among the waiting runs of the run group. By default the service's. AWS contradicts
                itself on which end wins: the API reference of StartRun calls 1 the highest priority, the user guide and
                the pages of batches let higher values go first.
            cache: Where outputs of tasks are kept for later runs: a ``CfnRunCache`` or an id. By default none. A role
                that is defined here may use the S3 location of a ``CfnRunCache``; that of an id nobody knows at synth.
            cache_behavior: By default the cache's own.
            log_level: Which engine messages go to CloudWatch Logs. By default the service's.
            retention_mode: Whether the run's record makes room at the account's quota of runs. By default RETAIN.
            networking_mode: By default RESTRICTED. VPC needs ``configuration``.
            configuration: The VPC of the tasks: a ``CfnConfiguration`` or its name. By default none.
            engine_settings: Settings of the Nextflow engine. By default none.
            session_policy: Narrows what the role allows, for this run only; at most 2,048 characters as JSON. Must
                allow ``logs:CreateLogStream`` and ``logs:PutLogEvents`` itself. By default the role's permissions apply
                as they are.
            tags: Tags of the run, at most 38 with those of ``Tags.of``. A change never starts a run.
            additional_start_run_parameters: Members of StartRun that are younger than this library, or values that it
                does not know: name in camel case -> JSON value. Laid over the rest, and not checked. The provider may
                use the run group, run cache, configuration and version that are named here. What decides more, such
                as the workflow and its type or the role, has an argument and is refused here.
            rerun_on: Any text; changing it starts a new run on the next deployment. By default only a changed request
                does.
            on_delete: What happens to the run when the resource is deleted or replaced; no token, since the provider's
                permissions depend on it. By default an active run is cancelled.
            outputs: Whether the stack gets outputs for the run's ARN and output URI. A stack has room for 200.
            export_name_prefix: Also exports the outputs, as ``<prefix>RunArn`` and ``<prefix>RunOutputUri``. Beware:
                CloudFormation refuses to change an export that another stack imports, and so to replace the run. By
                default no exports; other stacks of the app can use ``run.run_arn`` without them.
            reference_strength: How other stacks of the app hold on to ``run.run_arn`` and the other attributes. By
                default WEAK: the run can be replaced at any time, and the other stacks get the new run's attributes
                when they are deployed next. STRONG makes exports, with the consequence above; BOTH is the way from
                STRONG to WEAK. In another account references are always weak.

        Raises:
            InvalidRunError: HealthOmics would refuse the run; says everything that is wrong with it.
            ValueError: The workflow does not fit the stack's environment.
        """
        super().__init__(scope, construct_id)
        arguments = {
            "workflow": workflow,
            "output_bucket": output_bucket,
            "output_prefix": output_prefix,
            "parameters": parameters,
            "input_buckets": input_buckets,
            "image_repositories": image_repositories,
            "role": role,
            "storage": storage,
            "run_group": run_group,
            "cache": cache,
            "configuration": configuration,
            "engine_settings": engine_settings,
            "session_policy": session_policy,
            "tags": tags,
            "additional_start_run_parameters": additional_start_run_parameters,
            "outputs": outputs,
            "export_name_prefix": export_name_prefix,
            "reference_strength": reference_strength,
        }
        if problems := list(type_problems(arguments, OF_RUN)):
            raise InvalidRunError(self.node.path, problems)
        stack = cdk.Stack.of(self)
        workflow = workflow.in_stack(stack)
        if isinstance(workflow, Workflow):
            storage = storage or Storage.dynamic()
        location = output_location(output_uri, output_bucket, output_prefix)
        self.role = as_role(RunRole(self, "Role") if role is None else role)
        references = References(
            run_group=None if run_group is None else run_group_reference(run_group, stack),
            cache=None if cache is None else run_cache_reference(cache, stack),
            configuration=None if configuration is None else configuration_reference(configuration, stack),
        )
        settings = RunSettings(
            workflow=workflow,
            role_arn=self.role.role_arn,
            name=default_run_name(self) if name is None else name,
            output_uri=location.uri,
            output_uri_prefix_mode=output_uri_prefix_mode,
            parameters=parameters,
            engine_settings=engine_settings.to_mapping()
            if isinstance(engine_settings, EngineSettings)
            else engine_settings,
            storage=storage,
            scratch_storage_mode=scratch_storage_mode,
            run_group_id=_name(references.run_group),
            priority=priority,
            cache_id=_name(references.cache),
            cache_behavior=cache_behavior,
            log_level=log_level,
            retention_mode=retention_mode,
            networking_mode=networking_mode,
            configuration_name=_name(references.configuration),
            session_policy=None if isinstance(session_policy, iam.PolicyDocument) else session_policy,
            additional=additional_start_run_parameters,
            rerun_on=rerun_on,
            on_delete=on_delete,
            tags=tags,
        )
        problems = [
            *(location.problems or run_problems(settings)),
            *(problem for reference in references.given() for problem in reference.problems),
            *place_problems(stack, output_bucket, role),
            *export_problems(export_name_prefix, outputs=outputs),
        ]
        if problems:
            raise InvalidRunError(self.node.path, problems)
        give_advice(self, settings)

        self._name = settings.name
        self._tags = cdk.TagManager(cdk.TagType.MAP, contract.RESOURCE_TYPE, tags)
        policy_document = session_policy if isinstance(session_policy, iam.PolicyDocument) else None
        self.node.add_validation(ChecksAtSynth(self, self._tags, policy_document))

        grant_what_is_given(
            self.role,
            output_bucket=output_bucket,
            output_prefix=output_prefix,
            input_buckets=input_buckets,
            image_repositories=image_repositories,
            stack=stack,
        )
        buckets = [*input_buckets, *([] if output_bucket is None else [output_bucket])]
        guarded = list(buckets)
        if isinstance(self.role, RunRole):
            guarded += allow_what_is_named(self, self.role, settings, cache, output=output_bucket is None)
            advise_on_cache(self, settings, cache)

        provider = RunProvider.of(self)
        watch_run_role(self.role, provider.options.managed_policies)
        uses = run_uses(workflow, references.by_kind(), additional_start_run_parameters or {}, stack)
        provider.allow_start(
            start_from=[arn for arns in uses.values() for arn in arns], run_role_arn=self.role.role_arn
        )
        properties = resource_properties(settings, stack.to_json_string)
        if policy_document is not None:
            properties["SessionPolicy"] = stack.to_json_string(policy_document)
        self._resource = cdk.CustomResource(
            self,
            "Resource",
            service_token=provider.function.function_arn,
            service_timeout=cdk.Duration.seconds(_SERVICE_TIMEOUT_SECONDS),
            resource_type=contract.RESOURCE_TYPE,
            properties=properties | {contract.TAGS_PROPERTY: self._tags.rendered_tags},
        )
        # References do not wait for these: a run's role has policies, and the function has settings of its retries.
        self._resource.node.add_dependency(provider.retries, self.role)
        for bucket in buckets:
            self._resource.node.add_dependency(*bucket_guards(bucket))
        LateDependencies.of(provider).add(self._resource, self.role, guarded)
        known_runs.remember(
            self._resource, self, output_uri=settings.output_uri, output_bucket=output_bucket, uses=uses
        )
        if on_delete == OnDelete.CANCEL_AND_DELETE_RECORD:
            self._resource.node.add_dependency(provider.allow_delete_records())
        self._attributes = Attributes(self, self._resource, reference_strength)
        StackRuns.add(
            self,
            name=settings.name,
            has_default_name=name is None,
            workflow_id=workflow.workflow_id if isinstance(workflow, Workflow) else None,
            wait_for=self._resource.node.add_dependency,
        )
        if reference_strength == cdk.ReferenceStrength.STRONG or (outputs and export_name_prefix is not None):
            advise_on_exports(self)
        if outputs:
            define_outputs(
                self,
                run_arn=self._resource.get_att_string(contract.ATTRIBUTE_RUN_ARN),
                run_output_uri=self._resource.get_att_string(contract.ATTRIBUTE_RUN_OUTPUT_URI),
                export_name_prefix=export_name_prefix,
            )

    @property
    def grants(self) -> WorkflowRunGrants:
        """Permissions on the run, for those who look after it."""
        return WorkflowRunGrants(runs_of(self._resource))

    @property
    def _event_subject(self) -> EventSubject:
        return EventSubject({"runName": [self._name]}, account=cdk.Stack.of(self).account)

    def wait_for_completion(
        self,
        *,
        timeout: cdk.Duration = _LONGEST_WAIT,
        require: RunStatus | Sequence[RunStatus] = RunStatus.COMPLETED,
    ) -> RunCompletion:
        """Let the deployment wait until the run has ended, and fail if it does not end as it should.

        What depends on the completion, or uses one of its attributes, comes after the end of the run. A failure says
        why the run failed and where its log is; the rollback that follows ends a run that this deployment has started,
        as ``on_delete`` says. A run that is replaced is waited for anew; an update that does not replace it waits for
        nothing, and a rollback never waits.

        The stack gets one more Lambda function, for all its runs that are waited for.

        Args:
            timeout: How long at most: 1 minute to 12 hours, which is CloudFormation's own limit.
            require: The status, or the statuses, with which the run has to end. By default COMPLETED.

        Returns:
            The completion. The same arguments a second time give the same.

        Raises:
            InvalidRunError: An argument cannot be, or the run is already waited for otherwise.
        """
        settings = WaitSettings(timeout, require)
        if problems := list(settings.problems()):
            raise InvalidRunError(self.node.path, problems)
        defined = self.node.try_find_child(_COMPLETION)
        if isinstance(defined, RunCompletion):
            if defined.asks_for(settings):
                return defined
            problems = ["the run is waited for already, with other arguments: wait for a run once"]
            raise InvalidRunError(self.node.path, problems)
        waiter = RunWaiter.of(self)
        completion = RunCompletion(self, _COMPLETION, run=self._resource, settings=settings, waiter=waiter)
        waiter.listen_for(self._name, is_default=self._name == default_run_name(self))
        self._comes_first(waiter.rule)
        return completion

    def _comes_first(self, construct: Construct) -> None:
        if cdk.Stack.of(construct) in nesting(cdk.Stack.of(self)):
            self._resource.node.add_dependency(construct)

    @property
    def _shown(self) -> ShownRun:
        return ShownRun(
            title=self.node.path,
            region=cdk.Stack.of(self).region,
            logs=LoggedRun(run_id=self.run_id, run_uuid=self.run_uuid),
            output_uri=self.run_output_uri,
            event_detail=self._event_subject.detail,
        )

    def publish(self, *, parameter_prefix: str) -> PublishedRun:
        """Define parameters of Systems Manager that tell about the run, for readers outside of the app.

        Args:
            parameter_prefix: What their names begin with, such as ``/genomics/alignment``: a slash before each level,
                letters, digits, points, hyphens and underscores; not ``/aws…`` or ``/ssm…``. May be a token. Nobody
                else in the account and Region may have these parameters.

        Returns:
            The parameters ``<prefix>/run-arn``, ``/run-id``, ``/run-uuid`` and ``/run-output-uri``. The same prefix a
            second time gives the same parameters, another one more of them.

        Raises:
            InvalidRunError: Parameters cannot have such names.
        """
        values = {
            RUN_ARN: self.run_arn,
            RUN_ID: self.run_id,
            RUN_UUID: self.run_uuid,
            RUN_OUTPUT_URI: self.run_output_uri,
        }
        return publish(self, parameter_prefix, values)

    @classmethod
    def duplicate(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        run_id: str,
        role: iam.IRole | iam.Role,
        output_uri: str,
        source_workflow: Workflow | None = None,
        **overrides: Unpack[RunOverrides],
    ) -> Self:
        """Define a run that copies the settings of an earlier run, but for what is given here.

        A run of a workflow that another account shares cannot be duplicated.

        Args:
            scope: Where the run belongs in the construct tree.
            construct_id: Its id there.
            run_id: The run to copy: 1 to 18 digits, or ``run_id`` of another run.
            role: The role that HealthOmics assumes.
            output_uri: Where the outputs go.
            source_workflow: The workflow of the run to copy. By default it is known if the run is one of this app;
                otherwise the provider is allowed to start any workflow of the account and any Ready2Run workflow, with
                any run group, cache and configuration for which no other is given.
            **overrides: The other arguments of ``WorkflowRun``.

        Raises:
            InvalidRunError: HealthOmics would refuse the run.
        """
        source = SourceRun(run_id=run_id, workflow=source_workflow)
        return cls(scope, construct_id, workflow=source, role=role, output_uri=output_uri, **overrides)

    @staticmethod
    def from_run_attributes(
        scope: Construct,
        construct_id: str,
        *,
        run_arn: str,
        run_uuid: str | None = None,
        run_output_uri: str | None = None,
    ) -> IWorkflowRun:
        """Refer to a run that something else started, by what is known of it.

        Args:
            scope: Where the reference belongs in the construct tree.
            construct_id: Its id there.
            run_arn: ``arn:<partition>:omics:<region>:<account>:run/<id>``; may be a token.
            run_uuid: The run's UUID. By default asking for it is an error.
            run_output_uri: The run's output URI. By default asking for it is an error.

        Raises:
            InvalidRunError: One of them cannot be a run's.
        """
        return ImportedRun(scope, construct_id, run_arn=run_arn, run_uuid=run_uuid, run_output_uri=run_output_uri)

    @property
    def run_arn(self) -> str:
        """ARN of the run, a token. Changes when the run is replaced."""
        return self._attributes.token(contract.ATTRIBUTE_RUN_ARN)

    @property
    def run_id(self) -> str:
        """Id of the run, a token. HealthOmics gives the ids of deleted runs to new ones."""
        return self._attributes.token(contract.ATTRIBUTE_RUN_ID)

    @property
    def run_uuid(self) -> str:
        """UUID of the run, a token; no other run ever has it."""
        return self._attributes.token(contract.ATTRIBUTE_RUN_UUID)

    @property
    def run_output_uri(self) -> str:
        """S3 URI of the run's own outputs, a token. Known before the run ends; the service makes it up."""
        return self._attributes.token(contract.ATTRIBUTE_RUN_OUTPUT_URI)

    @property
    def run_status(self) -> str:
        """Status of the run when the resource was last created or updated, a token; commonly ``PENDING``."""
        return self._attributes.token(contract.ATTRIBUTE_RUN_STATUS)

    @property
    def run_name(self) -> str:
        """Name of the run: the one given, or the one made up from stack name and path."""
        return self._name

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The principal that grants on the run go to: the run's role."""
        return self.role.grant_principal

    @property
    def cdk_tag_manager(self) -> cdk.TagManager:
        """The run's own tags and those of ``Tags.of``."""
        return self._tags


def _name(reference: Reference | None) -> str | None:
    return None if reference is None else reference.name
