"""The endpoint as other code uses it: a service behind a URL, as a context manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.hosts import ServedHosts
from healthomics_local.endpoint.http_server import HttpServer
from healthomics_local.endpoint.service import Service

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from mypy_boto3_omics import OmicsClient

    from healthomics_local.endpoint.settings import Settings


class LocalHealthOmics(Service):
    """A HealthOmics on a port of this machine.

    >>> from healthomics_local.endpoint import Settings
    >>> with LocalHealthOmics(Settings(accept_unknown_references=True)) as omics:
    ...     run = omics.client().start_run(
    ...         workflowId="1234567", roleArn="arn:aws:iam::123456789012:role/run", outputUri="s3://bucket/out"
    ...     )
    ...     run["status"], [each.run_id for each in omics.runs()] == [run["id"]]
    ('PENDING', True)
    """

    def __init__(self, settings: Settings | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(settings)
        self._host = host
        self._port = port
        self._hosts = ServedHosts(configured=(*self.settings.allowed_hosts, host))
        self._server: HttpServer | None = None

    @property
    def url(self) -> str:
        """Where the endpoint can be reached.

        Raises:
            RuntimeError: It has not been started.
        """
        if self._server is None:
            raise RuntimeError("the endpoint has no URL before it is started: use it in a with statement")
        return self._server.url

    def _base_url(self) -> str | None:
        return None if self._server is None else self._server.url

    def client(self, **config: Any) -> OmicsClient:
        """A boto3 client for the endpoint, over HTTP.

        Args:
            config: Members of botocore's Config; without any, nothing is retried.
        """
        from healthomics_local.endpoint.clients import http_client  # noqa: PLC0415 - boto3 is slow to import

        return http_client(self.url, region=self.settings.region, **config)

    def start(self) -> Self:
        """Listen. Returns when connections are accepted."""
        try:
            self._server = HttpServer(self, host=self._host, port=self._port)
        except (OSError, OverflowError):
            # Nobody will stop what has not started, and the state file must be free again.
            self.close()
            raise
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop listening, and end every run, process and thread."""
        # First the clock: nobody should have to wait for a call that waits in an injected latency.
        self._stop_clock()
        if self._server is not None:
            self._server.stop()
            self._server = None
        self.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
