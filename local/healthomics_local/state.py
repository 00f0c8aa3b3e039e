"""What a running local AWS tells others about itself, in one file of its state folder."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from healthomics_local.processes import ProcessId

STATE_FILE: Final = "state.json"
LOCK_FILE: Final = "supervisor.lock"
START_LOCK_FILE: Final = "start.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A local AWS that is up."""

    supervisor: ProcessId
    ministack_group: int
    """The process group of MiniStack and its Lambda workers."""
    endpoint_url: str
    """Every service but HealthOmics."""
    omics_endpoint_url: str
    region: str
    account_id: str
    speed: float
    authorization: bool
    """Whether signatures are verified and IAM policies enforced."""
    temporary_directory: str
    started_at: str
    """UTC, ISO 8601."""

    def environment(self) -> dict[str, str]:
        """Return the variables that point AWS tools at this local AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_OMICS": self.omics_endpoint_url,
            # boto3 would put "workflows-" in front of the address.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def write_state(folder: Path, state: State) -> None:
    """Write the file in one step, so that no reader meets half of it."""
    target = folder / STATE_FILE
    draft = folder / f"{STATE_FILE}.{os.getpid()}"
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n")
    draft.replace(target)


def read_state(folder: Path) -> State | None:
    """Read what the last local AWS wrote, which need not run any more; None if nothing usable is there."""
    try:
        content: dict[str, Any] = json.loads((folder / STATE_FILE).read_text())
        content["supervisor"] = ProcessId(**content["supervisor"])
        return State(**content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_state(folder: Path) -> None:
    """Forget a local AWS that is gone."""
    (folder / STATE_FILE).unlink(missing_ok=True)
