"""Event patterns about runs that are known by their names, which are many or long for one pattern.

Most names are default ones, which begin with those of stack and construct, so their beginning says nearly as much as
all of them. Names that users choose have nothing in common.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from os.path import commonprefix
from typing import Final

from cdk_healthomics.run_event import status_change_json

PATTERN_LIMIT: Final = 2048
"""Characters of an event pattern (EventBridge quotas)."""

_NAME_LIMIT: Final = 128
"""A run name has at most as many characters, whatever the deployment makes of it."""
_DEPLOY_TIME: Final = "${Token["

Json = dict[str, object]


class NamedRuns:
    """The runs that a rule is about; it grows as the app is defined.

    Args:
        statuses: The statuses of interest; none for all of them.
        account: The account of the runs.
        detail: What else tells their events from others: members of the event's ``detail``.
    """

    def __init__(
        self, statuses: Sequence[str], *, account: str, detail: Mapping[str, Sequence[object]] | None = None
    ) -> None:
        self._statuses = statuses
        self._account = account
        self._detail = detail or {}
        self._default_names: list[str] = []
        self._given_names: list[str] = []

    def add(self, name: str, *, is_default: bool) -> None:
        """Have the pattern know a run."""
        (self._default_names if is_default else self._given_names).append(name)

    @property
    def names(self) -> Sequence[object]:
        """What the pattern has for names: each; or, where they are too many, how the default ones begin."""
        names = [*self._default_names, *self._given_names]
        return names if self._has_room(names) else [*self._beginning(), *self._given_names]

    def pattern(self) -> Json:
        """The pattern that matches these runs, and few others; may be longer than EventBridge takes."""
        return self._with(self.names)

    def problem(self) -> str | None:
        """Why EventBridge would refuse ``pattern``, without the cure; None if it would not."""
        if self._has_room(self.names):
            return None
        return (
            f"would name {len(self._given_names)} runs, and its pattern be longer than the {PATTERN_LIMIT:,} "
            "characters that EventBridge takes"
        )

    def loose_pattern(self) -> Json:
        """A pattern that EventBridge takes, and that matches the more other runs the more names there are."""
        names = self.names
        if self._has_room(names):
            return self._with(names)
        for length in range(_NAME_LIMIT, 0, -1):
            names = [*self._beginning(), *_shortened(self._given_names, length)]
            if self._has_room(names):
                return self._with(names)
        return status_change_json(self._detail, self._statuses, account=self._account)

    def _beginning(self) -> list[object]:
        if not self._default_names:
            return []
        return [{"prefix": commonprefix(self._default_names)}]  # noqa: RUF071 - of texts, not of paths

    def _with(self, names: Sequence[object]) -> Json:
        return status_change_json({**self._detail, "runName": names}, self._statuses, account=self._account)

    def _has_room(self, names: Sequence[object]) -> bool:
        # Nobody says how CloudFormation writes the JSON: this is with blanks.
        text = json.dumps(self._with(names))
        return len(text) + _NAME_LIMIT * text.count(_DEPLOY_TIME) <= PATTERN_LIMIT


def _shortened(names: Sequence[str], length: int) -> Iterator[object]:
    """Names that begin alike as how they begin, with at most some characters; the others as they are."""
    alike: dict[str, set[str]] = {}
    for name in names:
        # A beginning cannot end within a token.
        alike.setdefault(name.partition(_DEPLOY_TIME)[0][:length] or name, set()).add(name)
    for beginning, members in alike.items():
        yield {"prefix": beginning} if len(members) > 1 else members.pop()
