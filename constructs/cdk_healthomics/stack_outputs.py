"""The outputs of a stack that are the library's: there is room for 200, whoever they are for."""

from collections.abc import Iterator, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk
import jsii
from constructs import IConstruct, IValidation

from cdk_healthomics.errors import InvalidRunError

_LIMIT: Final = 200
"""Outputs of a stack (CloudFormation quotas)."""
_NAMED: Final = 3
"""How many references a message names."""


class StackOutputs:
    """The outputs of a stack's runs, and those by which other stacks refer to what is in it."""

    def __init__(self) -> None:
        self.of_runs: dict[str, str] = {}
        self.for_references: list[str] = []

    @staticmethod
    def of(stack: cdk.Stack) -> "StackOutputs":
        """Those of a stack."""
        if stack not in _OUTPUTS:
            _OUTPUTS[stack] = outputs = StackOutputs()
            stack.node.add_validation(_Quota(stack, outputs))
        return _OUTPUTS[stack]

    def reserve(self, run: IConstruct, logical_ids: Sequence[str]) -> None:
        """Note the outputs of a run.

        Raises:
            InvalidRunError: The stack would have more outputs than CloudFormation allows, or two of one name.
        """
        for logical_id in logical_ids:
            if logical_id in self.of_runs:
                problem = (
                    f"the output {logical_id} is the one of {self.of_runs[logical_id]} too, because logical ids have "
                    "letters and digits only: give one of the two another construct id, or pass outputs=False"
                )
                raise InvalidRunError(run.node.path, [problem])
            self.of_runs[logical_id] = run.node.path
        if len(self.of_runs) > _LIMIT:
            problem = (
                f"a stack has at most {_LIMIT} outputs, and the runs before this one have them: "
                "pass outputs=False to the runs that need none, or use another stack"
            )
            raise InvalidRunError(run.node.path, [problem])

    def refer(self, construct: IConstruct, attribute: str) -> None:
        """Note an output by which other stacks read an attribute."""
        self.for_references.append(f"{construct.node.path} ({attribute})")


@jsii.implements(IValidation)
class _Quota:
    """What only the whole stack can tell: whether CloudFormation takes so many outputs."""

    def __init__(self, stack: cdk.Stack, outputs: StackOutputs) -> None:
        self._stack = stack
        self._outputs = outputs

    def validate(self) -> list[str]:
        """What is wrong."""
        count = sum(
            isinstance(construct, cdk.CfnOutput) and cdk.Stack.of(construct) == self._stack
            for construct in self._stack.node.find_all()
        )
        return list(self._problems(count))

    def _problems(self, count: int) -> Iterator[str]:
        runs, references = len(self._outputs.of_runs), self._outputs.for_references
        if count <= _LIMIT or not (runs or references):
            return
        parts, cures = [f"{runs} of them of its runs"], ["use another stack"]
        if runs:
            cures.insert(0, "pass outputs=False to the runs that need none")
        if references:
            more = len(references) - _NAMED
            named = ", ".join(references[:_NAMED]) + (f" and {more} more" if more > 0 else "")
            parts.append(f"{len(references)} for other stacks, which refer to {named}")
            cures.append("have the other stacks read parameters (run.publish)")
        yield (
            f"the stack has {count} outputs, {' and '.join(parts)}, but CloudFormation allows {_LIMIT}: "
            f"{', or '.join(cures)}"
        )


_OUTPUTS: Final[WeakKeyDictionary[cdk.Stack, StackOutputs]] = WeakKeyDictionary()
