"""Which workflow a run executes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_omics

from cdk_healthomics.choices import WorkflowType
from cdk_healthomics.kinds import Kind, has, instance, require
from cdk_healthomics.places import Place
from cdk_healthomics.resource_ids import id_for_other_stacks, is_elsewhere
from cdk_healthomics.tokens import is_one_token, is_string_token, split_around_tokens

if TYPE_CHECKING:
    from aws_cdk.interfaces import aws_omics as omics_refs

_ARN_PARTS: Final = 6
_OMICS: Final = "omics"
_WORKFLOW_REF: Final = Kind(has("workflow_ref"), "a CfnWorkflow; Workflow.private(...) takes an id", optional=False)
_VERSION_REF: Final = Kind(
    has("workflow_version_ref"), "a CfnWorkflowVersion; Workflow.private(...) takes a version_name", optional=False
)
_ARN: Final = "arn:<partition>:omics:<region>:<account>:workflow/<id>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """A workflow to run. Use the factories: they know which members StartRun wants for each kind.

    Example:
        >>> from cdk_healthomics import Workflow
        >>> own = Workflow.private("1234567", version_name="v2")
        >>> published = Workflow.ready2run("7654321")
        >>> theirs = Workflow.shared("2345678", owner_id="210987654321")
        >>> Workflow.from_arn("arn:aws:omics:us-east-1::workflow/7654321").is_ready2run
        True
    """

    workflow_id: str
    """The workflow's id (digits), not its uuid."""

    workflow_type: str = WorkflowType.PRIVATE
    """A ``WorkflowType``."""

    owner_id: str | None = None
    """Account that shares the workflow; None for this account's own and for Ready2Run workflows."""

    version_name: str | None = None
    """The workflow version; None runs the default version."""

    arn: str | None = None
    """The workflow's ARN where the user gave one; None derives it."""

    template: "aws_omics.CfnWorkflow | aws_omics.CfnWorkflowVersion | None" = None
    """The resource in this app whose parameter template the run's parameters must fit, where there is one."""

    defined_by: "aws_omics.CfnWorkflow | None" = None
    """The resource in this app that defines the workflow, where there is one."""

    @staticmethod
    def private(workflow_id: str, *, version_name: str | None = None) -> "Workflow":
        """A workflow of the stack's account and Region.

        Args:
            workflow_id: 1 to 18 digits; may be a token.
            version_name: The version to run; by default the workflow's default version.
        """
        return Workflow(workflow_id=workflow_id, version_name=version_name)

    @staticmethod
    def ready2run(workflow_id: str, *, version_name: str | None = None) -> "Workflow":
        """A Ready2Run workflow. Its storage is the publisher's choice, and it cannot use a run cache.

        Args:
            workflow_id: 1 to 18 digits, from the console or ``list-workflows --type READY2RUN``.
            version_name: The version to run; by default the workflow's default version.
        """
        return Workflow(workflow_id=workflow_id, workflow_type=WorkflowType.READY2RUN, version_name=version_name)

    @staticmethod
    def shared(workflow_id: str, *, owner_id: str, version_name: str | None = None) -> "Workflow":
        """A workflow that another account shares with this one, once the share is accepted.

        Args:
            workflow_id: 1 to 18 digits; may be a token.
            owner_id: The 12 digits of the account that owns the workflow.
            version_name: The version to run; by default the workflow's default version.
        """
        return Workflow(workflow_id=workflow_id, owner_id=owner_id, version_name=version_name)

    @staticmethod
    def from_ref(workflow: "omics_refs.IWorkflowRef", *, version_name: str | None = None) -> "Workflow":
        """A workflow that this app defines, such as a ``CfnWorkflow``.

        Where its parameter template is known, the parameters of the run are checked against it at synth.

        From another stack the workflow is referred to without an export, because CloudFormation refuses to change an
        export that is in use, and so to replace the workflow. The run's template changes when the workflow's definition
        does. A workflow of another account is one that it shares; one of another Region cannot be run.

        Args:
            workflow: The workflow. A changed definition gives it a new id, and so starts a new run.
            version_name: The version to run; by default the workflow's default version. Use ``from_version_ref`` for a
                version that this app defines too.

        Raises:
            TypeError: It is no construct of a workflow.
        """
        require("workflow", workflow, _WORKFLOW_REF)
        reference = workflow.workflow_ref
        workflow_id = reference.workflow_id
        if not isinstance(workflow, aws_omics.CfnWorkflow):
            if not is_string_token(reference.workflow_arn):
                return Workflow.from_arn(reference.workflow_arn, version_name=version_name)
            return Workflow(workflow_id=workflow_id, version_name=version_name)
        return Workflow(
            workflow_id=workflow_id,
            version_name=version_name,
            template=workflow if version_name is None else None,
            defined_by=workflow,
        )

    @staticmethod
    def from_version_ref(version: "omics_refs.IWorkflowVersionRef") -> "Workflow":
        """A workflow version that this app defines, such as a ``CfnWorkflowVersion``.

        Raises:
            TypeError: It is no construct of a workflow version.
        """
        require("version", version, _VERSION_REF)
        arn = version.workflow_version_ref.workflow_version_arn
        return Workflow(
            workflow_id=cdk.Fn.select(1, cdk.Fn.split("/", arn)),
            version_name=cdk.Fn.select(3, cdk.Fn.split("/", arn)),
            template=version if isinstance(version, aws_omics.CfnWorkflowVersion) else None,
        )

    @staticmethod
    def from_arn(workflow_arn: str, *, version_name: str | None = None) -> "Workflow":
        """A workflow by its ARN: private, shared (another account's) or Ready2Run (no account in the ARN).

        Args:
            workflow_arn: ``arn:<partition>:omics:<region>:<account>:workflow/<id>``, optionally with
                ``/version/<name>``. Its parts may be tokens, the account only the stack's own. An ARN of which synth
                knows nothing stands for a private workflow of the stack's account, and its version is not looked at.
            version_name: The version to run, where the ARN does not name one.

        Raises:
            TypeError: It is no string.
            ValueError: It is not the ARN of a workflow, or it names another version.
        """
        require("workflow_arn", workflow_arn, Kind(instance(str), _ARN, optional=False))
        if is_one_token(workflow_arn):
            workflow_id = cdk.Fn.select(1, cdk.Fn.split("/", workflow_arn))
            return Workflow(workflow_id=workflow_id, version_name=version_name)
        parts = split_around_tokens(workflow_arn, ":", _ARN_PARTS - 1)
        match split_around_tokens(parts[-1], "/"):
            case ["workflow", workflow_id]:
                pass
            case ["workflow", workflow_id, "version", version] if version_name in (None, version):
                version_name = version
            case _:
                workflow_id = ""
        if len(parts) != _ARN_PARTS or parts[0] != "arn" or parts[2] != _OMICS or not workflow_id:
            raise ValueError(
                f"workflow_arn is {workflow_arn!r}, with version_name {version_name!r}: "
                f"give {_ARN}, and one version at most; a token may stand for one of the parts, or for all"
            )
        return Workflow(
            workflow_id=workflow_id,
            version_name=version_name,
            arn=":".join([*parts[:-1], f"workflow/{workflow_id}"]),
            workflow_type=WorkflowType.PRIVATE if parts[4] else WorkflowType.READY2RUN,
        )

    @property
    def is_ready2run(self) -> bool:
        """Whether it is a Ready2Run workflow."""
        return self.workflow_type == WorkflowType.READY2RUN

    def in_stack(self, stack: cdk.Stack) -> "Workflow":
        """The same workflow, with what only the stack can tell: whether it is another stack's, or another account's.

        Raises:
            ValueError: The workflow is of another Region, or nobody can tell whose it is.
        """
        here = Place.of(stack)
        if self.arn is not None:
            return self._by_arn(self.arn, stack, here)
        defined = self.defined_by or self.template
        if defined is not None:
            there = Place.of_resource(defined)
            _require_region(defined.node.path, there, here)
            workflow_id = self.workflow_id
            if self.defined_by is not None and is_elsewhere(self.defined_by, stack):
                workflow_id = id_for_other_stacks(self.defined_by, self.defined_by.workflow_ref.workflow_id)
            owner_id = there.account if there.is_in_another_account(here) else self.owner_id
            return replace(self, workflow_id=workflow_id, owner_id=owner_id)
        if self.owner_id is not None and self.owner_id == here.account:
            raise ValueError(
                f"the workflow {self.workflow_id} is shared by {self.owner_id}, which is the stack's own account: "
                "use Workflow.private, since HealthOmics knows no owner of a workflow of one's own"
            )
        return self

    def _by_arn(self, arn: str, stack: cdk.Stack, here: Place) -> "Workflow":
        _require_region(arn, Place.of_resource(None, arn), here)
        if self.is_ready2run:
            return self
        account = split_around_tokens(arn, ":", _ARN_PARTS - 1)[4]
        if account == stack.account or stack.resolve(account) == {"Ref": "AWS::AccountId"}:
            return replace(self, owner_id=None)
        if here.account is None or is_string_token(account):
            raise ValueError(
                f"nobody can tell at synth whether the workflow {arn} is this account's: give the stack an "
                "explicit env and the ARN a literal account, or use Workflow.private() or Workflow.shared()"
            )
        return replace(self, owner_id=account)

    def arns(self, stack: cdk.Stack) -> tuple[str, str]:
        """What a policy names to allow a run of it: the workflow, and its version or versions.

        HealthOmics wants both for a run of a version. The ARN of a Ready2Run workflow has no account.
        """
        arn = self.arn or stack.format_arn(
            service=_OMICS,
            account="" if self.is_ready2run else self.owner_id,
            resource="workflow",
            resource_name=self.workflow_id,
        )
        return arn, f"{arn}/version/{self.version_name or '*'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRun:
    """A run to duplicate, in place of a workflow. ``WorkflowRun.duplicate`` makes it.

    Example:
        >>> import aws_cdk as cdk
        >>> from aws_cdk import aws_iam as iam
        >>> from cdk_healthomics import WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/run")
        >>> again = WorkflowRun.duplicate(
        ...     stack, "Again", run_id="7654321", role=role, output_uri="s3://amzn-s3-demo-bucket/again"
        ... )
    """

    run_id: str
    """The run whose settings are copied."""

    workflow: Workflow | None = None
    """Its workflow, where it is known: narrows what the provider may start."""

    def in_stack(self, stack: cdk.Stack) -> "SourceRun":
        """The same run, with what only the stack can tell of its workflow.

        Raises:
            ValueError: The workflow is of another Region, or nobody can tell whose it is.
        """
        return self if self.workflow is None else replace(self, workflow=self.workflow.in_stack(stack))


def parameter_template(workflow: Workflow) -> Mapping[str, object] | None:
    """The parameter template of a workflow that this app defines: name -> entry; None where it is not known."""
    if workflow.template is None:
        return None
    template = workflow.template.parameter_template
    return template if isinstance(template, Mapping) else None


def _require_region(workflow: str, there: Place, here: Place) -> None:
    if there.is_in_another_region(here):
        raise ValueError(
            f"the workflow {workflow} is in Region {there.region}, but the stack is in {here.region}: "
            "a run starts in its workflow's Region, so define it in a stack of that Region"
        )
