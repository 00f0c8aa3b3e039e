"""Statuses of runs as arguments name them: one of them, or several."""

from collections.abc import Iterable

from cdk_healthomics.choices import RunStatus


def known_statuses(statuses: str | Iterable[str], *, where: str) -> tuple[str, ...]:
    """The statuses, each once; a single one is no sequence of letters.

    Args:
        statuses: One of ``RunStatus``, or several.
        where: Path of the construct that is about them.

    Raises:
        ValueError: No run ever has such a status, so a rule about it would never match.
    """
    wanted = tuple(dict.fromkeys(str(status) for status in ([statuses] if isinstance(statuses, str) else statuses)))
    known = [str(status) for status in RunStatus]
    if unknown := [status for status in wanted if status not in known]:
        raise ValueError(
            f"{where}: statuses has {' and '.join(map(repr, unknown))}, but a run is one of {', '.join(known)}: "
            "use one or more of these"
        )
    return wanted
