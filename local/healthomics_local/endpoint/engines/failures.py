"""How a run failed, in the words that the service uses. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from healthomics_local.endpoint.records import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedTask:
    """The task that made a run fail."""

    name: str
    task_id: str
    exit_code: int | None
    stderr: tuple[str, ...]

    def description(self) -> str:
        """What is known about the failure, in one line."""
        text = "failed" if self.exit_code is None else f"exited with status {self.exit_code}"
        return f"{text}: {' | '.join(self.stderr)}" if self.stderr else text


def run_failure(failed: FailedTask | None, engine_message: str) -> Outcome:
    """The outcome of a run whose workflow engine has failed, because of a task or without one."""
    if failed is None:
        return Outcome.failed("WORKFLOW_RUN_FAILED", f"Workflow engine failed: {engine_message}")
    message = (
        f"Run failed due to task: {failed.name}, id: {failed.task_id}, failure. "
        f"Use the GetRunTask API for more information. The task {failed.description()}"
    )
    return Outcome.failed("RUN_TASK_FAILED", message)
