"""The Lambda function behind the runs of a stack: one for each stack, however many runs it has."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from cdk_healthomics import permissions
from cdk_healthomics.errors import InvalidRunError
from cdk_healthomics.handler_asset import staged_handler
from cdk_healthomics.jsii_protocols import as_principal, as_role
from cdk_healthomics.nag import acknowledge_wildcards
from healthomics_run_handler import contract

_CONSTRUCT_ID: Final = "HealthOmicsRunProvider"
"""A permanent contract, with the ids of the constructs below it: they make the logical id of the Lambda function, and
CloudFormation refuses to update a custom resource whose function has changed ("Modifying service token is not
allowed")."""

_OUTPUTS_LIMIT: Final = 200
"""Outputs of a stack (CloudFormation quotas)."""

_RUNTIME: Final = lambda_.Runtime.PYTHON_3_14
_RUNS_REASON: Final = (
    "a run's ARN exists only once it has started, and ListRuns has no resource; "
    "the handler touches no run that does not carry its ledger tags"
)
_START_REASON: Final = "a run starts from one version of a workflow, or, if it is a copy, from what the copied run used"
_STATEMENT_ARNS_LIMIT: Final = 12
"""ARNs in one statement. The CDK moves statements that overflow the inline policy into managed ones, but never splits
one."""


class RunProvider(Construct):
    """The Lambda function that starts and cancels the runs of a stack, its role and its log group.

    ``RunProvider.of(scope)`` finds or defines the one of a stack; a ``WorkflowRun`` does so by itself.
    """

    function: lambda_.Function
    """Answers the events of the custom resources."""

    retries: IDependable
    """How often Lambda delivers an event again; the first event must not come before it is set."""

    role: iam.Role
    """Role of the function; its permissions grow with the runs of the stack."""

    log_group: logs.LogGroup
    """Logs of the function: JSON, kept for a month, deleted with the stack."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self.log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=as_principal(iam.ServicePrincipal("lambda.amazonaws.com")),
            description="Starts and cancels the HealthOmics runs of the stack (cdk-healthomics)",
        )
        for statement in (
            permissions.write_handler_logs(self.log_group.log_group_arn),
            *permissions.manage_runs(stack),
        ):
            self.role.add_to_policy(statement)
            acknowledge_wildcards(self.role, statement.resources, _RUNS_REASON)
        with staged_handler() as folder:
            self.function = lambda_.Function(
                self,
                "Function",
                description="Starts and cancels HealthOmics runs for CloudFormation (cdk-healthomics)",
                code=lambda_.Code.from_asset(str(folder)),
                handler=contract.LAMBDA_HANDLER,
                runtime=_RUNTIME,
                architecture=lambda_.Architecture.ARM_64,
                memory_size=256,
                timeout=cdk.Duration.minutes(15),
                role=as_role(self.role),
                log_group=self.log_group,
                logging_format=lambda_.LoggingFormat.JSON,
                # Safe, because an event that is delivered again starts nothing twice; and without a retry a crash
                # would leave CloudFormation waiting for an hour.
                retry_attempts=2,
                max_event_age=cdk.Duration.hours(1),
            )
        self.retries = self.function.node.find_child("EventInvokeConfig")
        self._start_from = _GrowingStatements(self.role, permissions.start_from)
        self._pass_roles = _GrowingStatements(self.role, permissions.pass_run_roles)
        self._delete_records: iam.Policy | None = None
        self._outputs: dict[str, str] = {}

    @staticmethod
    def of(scope: Construct) -> "RunProvider":
        """The provider of the scope's stack; defines it if there is none yet."""
        stack = cdk.Stack.of(scope)
        found = stack.node.try_find_child(_CONSTRUCT_ID)
        return found if isinstance(found, RunProvider) else RunProvider(stack, _CONSTRUCT_ID)

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
        return self._delete_records

    def reserve_outputs(self, run: Construct, logical_ids: Sequence[str]) -> None:
        """Note the outputs of a run.

        Raises:
            InvalidRunError: The stack would have more outputs than CloudFormation allows, or two of one name.
        """
        for logical_id in logical_ids:
            if logical_id in self._outputs:
                problem = (
                    f"the output {logical_id} is the one of {self._outputs[logical_id]} too, because logical ids have "
                    "letters and digits only: give one of the two another construct id, or pass outputs=False"
                )
                raise InvalidRunError(run.node.path, [problem])
            self._outputs[logical_id] = run.node.path
        if len(self._outputs) > _OUTPUTS_LIMIT:
            problem = (
                f"a stack has at most {_OUTPUTS_LIMIT} outputs, and the runs before this one have them: "
                "pass outputs=False to the runs that need none, or use another stack"
            )
            raise InvalidRunError(run.node.path, [problem])


class _GrowingStatements:
    """Statements of one kind whose resources are added one by one; each ARN once, and few to a statement."""

    def __init__(self, role: iam.Role, new_statement: Callable[[], iam.PolicyStatement]) -> None:
        self._role = role
        self._new_statement = new_statement
        self._arns: dict[str, None] = {}
        self._open: iam.PolicyStatement | None = None

    def add(self, arns: Iterable[str]) -> None:
        for arn in arns:
            if arn in self._arns:
                continue
            if self._open is None or len(self._arns) % _STATEMENT_ARNS_LIMIT == 0:
                self._open = self._new_statement()
                self._open.add_resources(arn)
                self._role.add_to_policy(self._open)
            else:
                self._open.add_resources(arn)
            self._arns[arn] = None
            acknowledge_wildcards(self._role, [arn], _START_REASON)
