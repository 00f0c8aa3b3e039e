"""The endpoint that the handler's life cycles need."""

from collections.abc import Iterator

import pytest

from handler_deployment import ACCOUNT, REGION
from healthomics_local.endpoint import LocalHealthOmics, Settings, Timings


@pytest.fixture
def omics() -> Iterator[LocalHealthOmics]:
    settings = Settings(
        region=REGION,
        account_id=ACCOUNT,
        accept_unknown_references=True,
        engine="simulated",
        timings=Timings(cancelling=0.5),
    )
    with LocalHealthOmics(settings) as endpoint:
        yield endpoint
