"""Hostile clients: whatever they send, there is an error of the API or a clean close, and no run is lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthomics_local.endpoint import LocalHealthOmics


class _Crashes(logging.Handler):
    """Collects what the endpoint logs as an error: it does so for mistakes of its own only."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


@pytest.fixture(scope="module", autouse=True)
def crashes() -> Iterator[list[str]]:
    """Fails the module if the endpoint has crashed in it, even where no client has noticed."""
    logger, handler = logging.getLogger("healthomics_local"), _Crashes()
    logger.addHandler(handler)
    try:
        yield handler.messages
    finally:
        logger.removeHandler(handler)
    assert handler.messages == []


@pytest.fixture(scope="module")
def omics() -> Iterator[LocalHealthOmics]:
    with local_healthomics(accept_unknown_references=True, max_body_bytes=100_000) as omics:
        yield omics
