"""Fixtures for the tests of the local HealthOmics endpoint over HTTP."""

from healthomics_local.pytest_plugin import healthomics, healthomics_settings

__all__ = ["healthomics", "healthomics_settings"]
