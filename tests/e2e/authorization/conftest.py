"""A local AWS that enforces IAM: MiniStack behind the launcher, and the endpoint in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from healthomics_local.endpoint import LocalHealthOmics, RunScript, Settings, Timings
from healthomics_local.event_forwarder import EventForwarder
from healthomics_local.folders import home_folder
from healthomics_local.ministack_authorizer import MiniStackAuthorizer, new_secret
from healthomics_local.ministack_environment import ensure_environment
from healthomics_local.ministack_process import MiniStackProcess, MiniStackSettings, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "000000000000"
REGION = "eu-west-1"
WAITS = "waits-"
"""How the names of runs begin that stay PENDING: nothing is executed, and a Delete has something to cancel."""


@dataclass(frozen=True, kw_only=True)
class LocalAws:
    """A local AWS that enforces IAM, with the endpoint in this process."""

    url: str
    omics: LocalHealthOmics
    authorizer: MiniStackAuthorizer

    def client(self, service: str, key: str = "test", secret: str = "test", token: str | None = None) -> Any:
        """A client with some keys; those of the account's root are "test"."""
        return boto3.client(
            service,
            endpoint_url=self.omics.url if service == "omics" else self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(inject_host_prefix=False, s3={"addressing_style": "path"}),
        )


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    listener = listen(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    authorizer = MiniStackAuthorizer(endpoint_url=url, region=REGION, account_id=ACCOUNT, secret=new_secret())
    events = EventForwarder(endpoint_url=url, region=REGION)
    settings = Settings(
        region=REGION,
        account_id=ACCOUNT,
        timings=Timings.none(),
        aws_endpoint_url=url,
        authorizer=authorizer,
        event_sink=events,
        script=lambda members: RunScript(pending_seconds=86_400) if members["name"].startswith(WAITS) else None,
    )
    with LocalHealthOmics(settings) as omics:
        process = MiniStackProcess(
            listener,
            MiniStackSettings(
                python=ensure_environment(home_folder()),
                region=REGION,
                account_id=ACCOUNT,
                omics_endpoint_url=omics.url,
                authorization_secret=authorizer.secret,
                log_file=tmp_path_factory.mktemp("ministack") / "ministack.log",
                temporary_directory=tmp_path_factory.mktemp("temporary"),
            ),
        )
        try:
            process.wait_until_ready()
            events.start()
            yield LocalAws(url=url, omics=omics, authorizer=authorizer)
        finally:
            events.stop()
            process.stop()
