"""The real handler with the real boto3, between the local HealthOmics endpoint and a stand-in for CloudFormation."""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from handler_deployment import REGION, Deployment, Stack, requests_for
from healthomics_local.endpoint import LocalHealthOmics
from healthomics_run_handler import index


@pytest.fixture
def deployment(omics: LocalHealthOmics, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    stack = Stack()
    with ThreadingHTTPServer(("127.0.0.1", 0), requests_for(stack)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_OMICS": omics.url,
            "AWS_ENDPOINT_URL_CLOUDFORMATION": url,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }.items():
            monkeypatch.setenv(name, value)
        index._clients.cache_clear()
        yield Deployment(stack, omics, url)
        for client in index._clients():
            client._client.close()
        index._clients.cache_clear()
        server.shutdown()
        thread.join()
