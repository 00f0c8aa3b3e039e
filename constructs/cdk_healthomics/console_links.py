"""Pages of the AWS console that tell more about a run."""

from typing import Final

from cdk_healthomics.permissions import RUN_LOG_GROUP

_SLASH: Final = "$252F"
"""A slash in the fragment of CloudWatch's console: percent-encoded twice, with ``$`` for ``%``."""

_FILTER: Final = "$3FlogStreamNameFilter$3D"


def run_page(region: str, run_id: str) -> str:
    """The run in the HealthOmics console."""
    return f"https://{region}.console.aws.amazon.com/omics/home?region={region}#/runs/{run_id}"


def log_stream(region: str, name: str) -> str:
    """A log stream of a run."""
    return f"{_log_group(region)}/log-events/{_encoded(name)}"


def log_streams(region: str, prefix: str) -> str:
    """The log streams of runs whose names begin so."""
    return f"{_log_group(region)}{_FILTER}{_encoded(prefix)}"


def _log_group(region: str) -> str:
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    return f"{console}#logsV2:log-groups/log-group/{_encoded(RUN_LOG_GROUP)}"


def _encoded(name: str) -> str:
    return name.replace("/", _SLASH)
