"""The Lambda function behind the runs of a stack: one for each stack, however many runs it has."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from cdk_healthomics import linters, permissions
from cdk_healthomics.growing_statements import GrowingStatements
from cdk_healthomics.handler_asset import staged_handler
from cdk_healthomics.jsii_protocols import as_key, as_role
from cdk_healthomics.linters import acknowledge_wildcards
from cdk_healthomics.policy_quota import PolicyQuota
from cdk_healthomics.provider_options import MANAGED_POLICIES, ProviderOptions
from cdk_healthomics.stack_function import LONGEST_TIMEOUT, StackFunction
from healthomics_run_handler import contract

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms

_CONSTRUCT_ID: Final = "HealthOmicsRunProvider"
"""A permanent contract, with the ids of the constructs below it: they make the logical id of the Lambda function, and
CloudFormation refuses to update a custom resource whose function has changed ("Modifying service token is not
allowed")."""

_RUNS_REASON: Final = (
    "a run's ARN exists only once it has started, and ListRuns has no resource; "
    "the handler touches no run that does not carry its ledger tags"
)
_START_REASON: Final = "a run starts from one version of a workflow, or, if it is a copy, from what the copied run used"


class RunProvider(Construct):
    """The Lambda function that starts and cancels the runs of a stack, its role and its log group.

    ``RunProvider.of(scope)`` finds or defines the one of a stack; a ``WorkflowRun`` does so by itself. To set it up
    otherwise, call ``RunProvider.configure`` before the stack's first run.

    Example:
        >>> import aws_cdk as cdk
        >>> from aws_cdk import aws_logs as logs
        >>> from cdk_healthomics import RunProvider, Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> provider = RunProvider.configure(stack, log_retention=logs.RetentionDays.ONE_YEAR)
        >>> run = WorkflowRun(
        ...     stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="s3://amzn-s3-demo-bucket/out"
        ... )
        >>> RunProvider.of(run) is provider
        True
    """

    function: lambda_.Function
    """Answers the events of the custom resources."""

    retries: IDependable
    """How often Lambda delivers an event again; the first event must not come before it is set."""

    role: iam.Role
    """Role of the function; its permissions grow with the runs of the stack."""

    log_group: logs.ILogGroup
    """Logs of the function: JSON, by default kept for a month and deleted with the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, options: ProviderOptions | None = None) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self._configured = options
        self._options = options = options or ProviderOptions()
        with staged_handler() as folder:
            made = StackFunction(
                self,
                options,
                what_for="Starts and cancels the HealthOmics runs of the stack",
                code=folder,
                handler=contract.LAMBDA_HANDLER,
                timeout=options.timeout or LONGEST_TIMEOUT,
                statements=permissions.manage_runs(stack),
                reason=_RUNS_REASON,
            )
        self.log_group, self.role = made.log_group, made.role
        self.function, self.retries = made.function, made.retries
        self._start_from = GrowingStatements(as_role(self.role), permissions.start_from, reason=_START_REASON)
        self._pass_roles = GrowingStatements(as_role(self.role), permissions.pass_run_roles, reason=_START_REASON)
        self._delete_records: iam.Policy | None = None
        policies = PolicyQuota(
            self.role,
            options.managed_policies,
            whose="the role of the run provider",
            needed_for="what the runs of the stack use",
            cure="let runs share roles and workflows, define some of them in another stack",
        )
        self.node.add_validation(policies)

    @staticmethod
    def of(scope: Construct) -> "RunProvider":
        """The provider of the scope's stack; defines it if there is none yet."""
        stack = cdk.Stack.of(scope)
        return RunProvider._in(stack) or RunProvider(stack, _CONSTRUCT_ID)

    @staticmethod
    def configure(
        scope: Construct,
        *,
        vpc: "ec2.IVpc | None" = None,
        vpc_subnets: "ec2.SubnetSelection | None" = None,
        security_groups: "Sequence[ec2.ISecurityGroup]" = (),
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
        environment_encryption: "kms.IKey | kms.Key | None" = None,
        memory_size: int = 256,
        timeout: cdk.Duration | None = None,
        permissions_boundary: "iam.IManagedPolicy | None" = None,
        tracing: lambda_.Tracing | None = None,
        reserved_concurrent_executions: int | None = None,
        managed_policies: int = MANAGED_POLICIES,
    ) -> "RunProvider":
        """Set up the Lambda function of the scope's stack, before the stack's first run.

        A nested stack has a function of its own. No option starts or changes a run.

        Args:
            scope: The stack, or a construct in it.
            vpc: The VPC that the function runs in. It must reach CloudFormation, HealthOmics (``workflows-omics``),
                CloudWatch Logs and the S3 bucket of CloudFormation's answers, through endpoints or NAT. By default
                none: the function needs nothing of a VPC.
            vpc_subnets: By default the VPC's private subnets.
            security_groups: By default one of its own, which allows what goes out.
            log_group: Where the function logs. By default a log group of its own.
            log_retention: How long logs are kept, in the log group of its own. By default a month.
            removal_policy: What becomes of the log group of its own when the stack is deleted. By default DESTROY.
            environment_encryption: KMS key for the function's environment variables. By default Lambda's own key; the
                library sets no variables.
            memory_size: In MiB, 128 to 10,240.
            timeout: At most, and by default, 15 minutes; at least one. The time for retries while HealthOmics throttles
                and while a run is being cancelled.
            permissions_boundary: Of the function's role. By default none. For all roles of a stack, those of runs
                included, use ``iam.PermissionsBoundary.of(stack).apply(…)``.
            tracing: X-Ray traces of the function. By default none.
            reserved_concurrent_executions: How many events the function handles at once, and keeps free for them of the
                account's limit. Events beyond that wait. By default not reserved.
            managed_policies: IAM's quota of managed policies for a role, if it was raised for the account: 10 to 20.

        Returns:
            The provider. The same options a second time give the same provider.

        Raises:
            ValueError: The stack has a run already, or is configured otherwise, or an option cannot be.
        """
        stack = cdk.Stack.of(scope)
        options = ProviderOptions(
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=tuple(security_groups or ()),
            log_group=log_group,
            log_retention=log_retention,
            removal_policy=removal_policy,
            environment_encryption=None if environment_encryption is None else as_key(environment_encryption),
            memory_size=memory_size,
            timeout=timeout,
            permissions_boundary=permissions_boundary,
            tracing=tracing,
            reserved_concurrent_executions=reserved_concurrent_executions,
            managed_policies=managed_policies,
        )
        problems = list(options.problems())
        provider = RunProvider._in(stack)
        if provider is not None:
            problems += provider._reasons_against(options)  # noqa: SLF001 - of this class
        if problems:
            raise ValueError("\n".join(f"{stack.node.path}: {problem}" for problem in problems))
        return provider or RunProvider(stack, _CONSTRUCT_ID, options=options)

    @property
    def options(self) -> ProviderOptions:
        """How this function is set up, and that of ``wait_for_completion``."""
        return self._options

    def _reasons_against(self, options: ProviderOptions) -> list[str]:
        """Why the function cannot be set up so, now that it is defined."""
        different = options.differences(self._options)
        if not different:
            return []
        if self._configured is None:
            return [
                "the stack has a run already, whose function has the default options: "
                "call RunProvider.configure before the first run of the stack"
            ]
        return [
            f"the run provider of the stack is already configured, with other values of {', '.join(different)}: "
            "configure a stack once"
        ]

    @staticmethod
    def _in(stack: cdk.Stack) -> "RunProvider | None":
        found = stack.node.try_find_child(_CONSTRUCT_ID)
        return found if isinstance(found, RunProvider) else None

    def allow_start(self, *, start_from: Iterable[str], run_role_arn: str) -> None:
        """Let the function start runs.

        Args:
            start_from: ARNs of what the runs use: workflow, versions, run group, run cache, configuration.
            run_role_arn: The role that the function hands to HealthOmics.
        """
        self._start_from.add(start_from)
        self._pass_roles.add([run_role_arn])

    def allow_delete_records(self) -> iam.Policy:
        """Let the function delete the records of runs.

        Returns:
            The policy that allows it. A resource that depends on it is deleted while the permission still stands, even
            if it is the last one that needs it: a statement in the role's own policy would be gone before the cleanup
            of an update begins.
        """
        if self._delete_records is None:
            statement = permissions.delete_run_records(cdk.Stack.of(self))
            self._delete_records = iam.Policy(self, "DeleteRecords", roles=[as_role(self.role)], statements=[statement])
            acknowledge_wildcards(self._delete_records, statement.resources, _RUNS_REASON)
            linters.acknowledge_inline_policy(self._delete_records)
        return self._delete_records
