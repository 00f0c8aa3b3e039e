"""Pages of CloudWatch's console, where failed waits and dashboards send their readers. Pure, standard library only."""

_SLASH = "$252F"
"""A slash in the fragment of CloudWatch's console: percent-encoded twice, with ``$`` for ``%``."""
_FILTER = "$3FlogStreamNameFilter$3D"


def log_stream(region: str, log_group: str, name: str) -> str:
    """Return the page of a log stream."""
    return f"{_log_group(region, log_group)}/log-events/{_encoded(name)}"


def log_streams(region: str, log_group: str, prefix: str) -> str:
    """Return the page of the log streams whose names begin so."""
    return f"{_log_group(region, log_group)}{_FILTER}{_encoded(prefix)}"


def _log_group(region: str, name: str) -> str:
    page = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    return f"{page}#logsV2:log-groups/log-group/{_encoded(name)}"


def _encoded(name: str) -> str:
    return name.replace("/", _SLASH)
