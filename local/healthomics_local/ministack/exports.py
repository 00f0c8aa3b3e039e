"""Exports that other stacks import neither change nor go, as on AWS. MiniStack would let them.

CloudFormation looks at a stack's outputs when the resources of an update are done. So a refusal there is followed by a
rollback, and whatever the update started has been started by then.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from healthomics_local.ministack.binding import MiniStack, ResolveOutputs

Importers = Callable[[str], Sequence[str]]

_WITHOUT_IMPORTS: Final = ("DELETE_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")
"""Statuses of stacks that have a template, and import nothing for all that."""


def install(ministack: MiniStack) -> None:
    """Have every operation look after the exports of its stack."""

    def importers(export: str) -> list[str]:
        return sorted(
            name
            for name, stack in ministack.stacks().items()
            if stack.get("StackStatus") not in _WITHOUT_IMPORTS and export in ministack.imports_of(stack)
        )

    def wrap(original: ResolveOutputs) -> ResolveOutputs:
        def resolve(  # noqa: PLR0917 - MiniStack calls it so
            outputs_defs: Any,
            conditions: Any,
            resources: Any,
            param_values: Any,
            mappings: Any,
            stack_name: str,
            stack_id: str,
        ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
            outputs, exports = original(
                outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id
            )
            before = exported((ministack.stack(stack_name) or {}).get("Outputs", []))
            after = exported(outputs)
            others = {name: owner for name, owner in ministack.exports().items() if owner != stack_id}
            refused = refusal(before, after, others=others, importers=importers)
            if refused is not None:
                raise ValueError(refused)
            ministack.forget_exports(before.keys() - after.keys())
            return outputs, exports

        return resolve

    ministack.wrap_outputs(wrap)


def exported(outputs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The exports among a stack's outputs: name -> value."""
    return {str(output["ExportName"]): str(output["OutputValue"]) for output in outputs if output.get("ExportName")}


def refusal(
    before: Mapping[str, str], after: Mapping[str, str], *, others: Mapping[str, str], importers: Importers
) -> str | None:
    """Why CloudFormation refuses an operation because of exports, in its words; None if it does not. Pure.

    Args:
        before: The stack's exports before the operation: name -> value.
        after: Those that it would have.
        others: The exports of other stacks: name -> ARN of the stack.
        importers: The names of the stacks that import an export.
    """
    for name in after:
        if name in others:
            return f"Export with name {name} is already exported by stack {_stack_name(others[name])}."
    for name, value in before.items():
        if after.get(name) == value:
            continue
        users = importers(name)
        if users:
            what = "updated" if name in after else "deleted"
            return f"Export {name} cannot be {what} as it is in use by {' and '.join(users)}"
    return None


def _stack_name(stack_arn: str) -> str:
    return stack_arn.partition(":stack/")[2].partition("/")[0]
