"""Dashboards and failed deployments lead to the same pages of the console."""

from cdk_healthomics import console_links
from cdk_healthomics.log_queries import LoggedRun
from healthomics_run_waiter.texts import log_link


def test_the_engine_log_of_a_dashboard_is_that_of_a_failed_wait() -> None:
    run = LoggedRun(run_id="7654321")

    assert console_links.log_stream("eu-west-1", run.engine_stream) == log_link("eu-west-1", "7654321")
