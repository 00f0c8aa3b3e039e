"""What all tests share: patience, and a line on how much of the service model was compared with the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

CONFORMANCE = "functional/endpoint/test_conformance.py"

# A slow or busy machine is no reason for a property to fail.
settings.register_profile("patient", settings.default, deadline=None)
settings.load_profile("patient")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of cases that were generated from the service model, if they were among the tests."""
    counts = {
        outcome: sum(1 for report in terminalreporter.getreports(outcome) if CONFORMANCE in report.nodeid)
        for outcome in ("passed", "failed")
    }
    if any(counts.values()):
        terminalreporter.write_line(
            f"conformance with the service model: {sum(counts.values())} cases, {counts['failed']} failed"
        )
