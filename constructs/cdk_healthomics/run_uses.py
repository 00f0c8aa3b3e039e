"""What a run is started from: the resources that the provider's role must be allowed to use for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import aws_cdk as cdk

from cdk_healthomics import known_runs
from cdk_healthomics.names import outermost_stack
from cdk_healthomics.permissions import any_of_account, any_workflow
from cdk_healthomics.references import Reference, additional_arns
from cdk_healthomics.tokens import references_in
from cdk_healthomics.workflow import SourceRun, Workflow

WORKFLOW = "workflow"


def run_uses(
    workflow: Workflow | SourceRun,
    references: Mapping[str, Reference | None],
    additional: Mapping[str, object],
    stack: cdk.Stack,
) -> known_runs.Uses:
    """What a run is started from: kind of resource, as ARNs call it -> ARNs.

    A copy of another run uses what that one does, but for what it is given itself. Of a run that the app does not
    define nobody knows at synth what it uses: any resource of the kind will do.

    Args:
        workflow: The workflow, or the run to copy.
        references: Kind -> what the run is given of it.
        additional: Members of StartRun that are laid over the rest; they may name such resources too.
        stack: The run's stack.
    """
    given = {kind: [reference.arn] for kind, reference in references.items() if reference is not None}
    given |= {kind: [arn] for kind, arn in additional_arns(additional, stack)}
    if isinstance(workflow, Workflow):
        return {WORKFLOW: _of_workflow(workflow, additional, stack), **given}
    copied = _copied(workflow, stack)
    if copied is None:
        copied = {WORKFLOW: any_workflow(stack), **{kind: any_of_account(stack, kind) for kind in references}}
    if workflow.workflow is not None:
        copied = {**copied, WORKFLOW: _of_workflow(workflow.workflow.in_stack(stack), additional, stack)}
    return {**copied, **given}


def _of_workflow(workflow: Workflow, additional: Mapping[str, object], stack: cdk.Stack) -> Sequence[str]:
    version = additional.get("workflowVersionName")
    return (replace(workflow, version_name=version) if isinstance(version, str) else workflow).arns(stack)


def _copied(source: SourceRun, stack: cdk.Stack) -> dict[str, Sequence[str]] | None:
    run = known_runs.run_with_id(source.run_id)
    if run is None:
        return None
    own = cdk.Stack.of(run.construct)
    if outermost_stack(own) == outermost_stack(stack):
        return dict(run.uses)
    if not known_runs.same_place(own, stack):
        return None
    # A reference to a resource of the other stack could be an export, and that would keep it from being replaced.
    return {kind: arns if all(_is_plain(arn) for arn in arns) else _any(kind, stack) for kind, arns in run.uses.items()}


def _any(kind: str, stack: cdk.Stack) -> Sequence[str]:
    return any_workflow(stack) if kind == WORKFLOW else any_of_account(stack, kind)


def _is_plain(arn: str) -> bool:
    return next(references_in(arn), None) is None
