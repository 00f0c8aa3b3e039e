"""What a user of this package can catch."""

from collections.abc import Sequence


class InvalidRunError(ValueError):
    """A run that HealthOmics would refuse, found at synth.

    All findings are reported at once, one a line, each with the construct's path before it.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import InvalidRunError, Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> try:
        ...     WorkflowRun(stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="/data", priority=-1)
        ... except InvalidRunError as error:
        ...     print(error)
        Genomics/Alignment: output_uri is '/data', but outputs go to S3: give s3://bucket/prefix
        Genomics/Alignment: priority is -1, but HealthOmics takes 0 to 100,000
    """

    path: str
    """Path of the construct in the tree, such as ``GenomicsStack/Alignment``."""

    problems: tuple[str, ...]
    """What is wrong, and the cure; one sentence for each finding."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))


class UnknownAttributeError(ValueError, AttributeError):
    """An imported run was asked for what nobody has said of it.

    As an ``AttributeError`` it lets ``hasattr`` answer, and ``isinstance`` of a protocol, which asks it.
    """
