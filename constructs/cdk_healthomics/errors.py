"""What a user of this package can catch."""

from collections.abc import Sequence


class InvalidRunError(ValueError):
    """A run that HealthOmics would refuse, found at synth.

    All findings are reported at once, one a line, each with the construct's path before it.
    """

    path: str
    """Path of the construct in the tree, such as ``GenomicsStack/Alignment``."""

    problems: tuple[str, ...]
    """What is wrong, and the cure; one sentence for each finding."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))
