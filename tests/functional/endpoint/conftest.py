"""Fixtures for the tests of the local HealthOmics endpoint over HTTP."""

from healthomics_local.testing import healthomics

__all__ = ["healthomics"]
