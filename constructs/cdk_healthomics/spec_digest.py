"""Digests of what is defined in the app, for names that must change when something is replaced."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

import aws_cdk as cdk
from constructs import IConstruct

from healthomics_run_handler import contract

_SPEC_PROPERTIES: Final = frozenset(
    {*contract.START_RUN_MEMBERS, contract.ADDITIONAL_PROPERTY, contract.RERUN_ON_PROPERTY}
)
_LENGTH: Final = 12


def spec_digest(properties: Mapping[str, object], run: IConstruct) -> str:
    """Digest of what the handler compares to tell whether a run is to be replaced, as the template writes it.

    What only the deployment knows counts by its reference: ``replacement`` knows what may be behind that. Final only
    once the app is complete: until then a reference to another stack is written otherwise.

    Args:
        properties: Properties of the custom resource; those that are no part of the spec may be among them.
        run: The run, or its resource.
    """
    spec = {name: value for name, value in properties.items() if name in _SPEC_PROPERTIES}
    return digest(cdk.Stack.of(run).resolve(spec))


def digest(document: object) -> str:
    """Digest of a JSON-like value: 12 hex digits, the same at every synth, and fit for a logical id."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_LENGTH]
