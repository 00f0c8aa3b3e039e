"""Pages of the AWS console that tell more about a run."""

from cdk_healthomics.permissions import RUN_LOG_GROUP
from healthomics_run_waiter import console


def run_page(region: str, run_id: str) -> str:
    """The run in the HealthOmics console."""
    return f"https://{region}.console.aws.amazon.com/omics/home?region={region}#/runs/{run_id}"


def log_stream(region: str, name: str) -> str:
    """A log stream of a run."""
    return console.log_stream(region, RUN_LOG_GROUP, name)


def log_streams(region: str, prefix: str) -> str:
    """The log streams of runs whose names begin so."""
    return console.log_streams(region, RUN_LOG_GROUP, prefix)
