"""boto3 clients for a local AWS, independent of the user's AWS configuration."""

import os
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.session import Session as BotocoreSession

from healthomics_local.state import State

NOT_CONFIGURED: Final = (None, None, None, None)
NO_FILE: Final = (None, None, os.devnull, None)
"""How botocore declares a setting: name in the configuration file, environment variable, default, conversion."""
OWN_SETTINGS: Final = {
    # An AWS_PROFILE that does not exist would be an error, and one that exists the wrong account.
    "profile": NOT_CONFIGURED,
    "config_file": NO_FILE,
    "credentials_file": NO_FILE,
}


def client(state: State, service: str) -> Any:
    """Return a client for one service."""
    session: Any = boto3.Session(botocore_session=BotocoreSession(session_vars=OWN_SETTINGS))
    return session.client(
        service,
        endpoint_url=state.omics_endpoint_url if service == "omics" else state.endpoint_url,
        region_name=state.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - accepted by the local AWS only
        config=Config(
            inject_host_prefix=False,  # the endpoint is one address: no "workflows-" in front of it
            proxies={},
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
    )
