"""Scripts for runs that have not been started yet: late failures, and how long things take, on demand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.script import RunScript


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptRule:
    """How runs go, and which ones."""

    script: RunScript
    workflow_id: str | None = None
    """Only runs of this workflow; None: of any."""
    run_name: str | None = None
    """Only runs with this name; None: with any, or none."""
    count: int | None = None
    """So many runs; None: all of them."""

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise ValueError(f"count must be None or at least 1, got {self.count}")

    def matches(self, members: Mapping[str, Any]) -> bool:
        """Whether the run of this StartRun goes by the rule."""
        return self.workflow_id in {None, members.get("workflowId")} and self.run_name in {None, members.get("name")}


class ScriptPlan:
    """The rules that are left, in the order in which they were added."""

    def __init__(self) -> None:
        self._rules: list[ScriptRule] = []
        self._lock = threading.Lock()

    def add(self, rule: ScriptRule) -> None:
        """Add a rule."""
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """Forget all rules; runs that were started keep their scripts."""
        with self._lock:
            self._rules.clear()

    def pending(self) -> tuple[ScriptRule, ...]:
        """The rules that are left, with what is left of their counts."""
        with self._lock:
            return tuple(self._rules)

    def take(self, members: Mapping[str, Any]) -> RunScript | None:
        """The script of the first rule for this run, if there is one; it is used up by one."""
        with self._lock:
            for index, rule in enumerate(self._rules):
                if not rule.matches(members):
                    continue
                if rule.count == 1:
                    del self._rules[index]
                elif rule.count is not None:
                    self._rules[index] = replace(rule, count=rule.count - 1)
                return rule.script
        return None
