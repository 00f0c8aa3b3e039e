"""What the author of a template writes, and what CloudFormation makes of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from healthomics_run_handler.contract import (
    ADDITIONAL_PROPERTY,
    ON_DELETE_CANCEL,
    ON_DELETE_PROPERTY,
    RERUN_ON_PROPERTY,
    RESOURCE_TYPE,
    START_RUN_MEMBERS,
    TAGS_PROPERTY,
)

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
SERVICE_TOKEN: Final = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:provider"

Properties = dict[str, Any]

SPEC_PROPERTIES: Final = frozenset({*START_RUN_MEMBERS, ADDITIONAL_PROPERTY, RERUN_ON_PROPERTY})
"""What the run spec is made of (design §4); everything else may change without a new run."""


@dataclass(frozen=True)
class RunTemplate:
    """One ``Custom::HealthOmicsRun`` in a template."""

    name: str = "run"
    sample: int = 0
    rerun_on: str | None = None
    removes_itself: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    on_delete: str = ON_DELETE_CANCEL
    service_timeout: int = 3600
    release: int = 1
    """Of the library: a later one adds properties that are none of StartRun's members (aws/aws-cdk#30121)."""

    def properties(self) -> Properties:
        """The properties with their types, as the construct writes them."""
        properties: Properties = {
            "ServiceToken": SERVICE_TOKEN,
            "ServiceTimeout": self.service_timeout,
            "Name": self.name,
            "WorkflowId": "1234567",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/run",
            "OutputUri": "s3://bucket/prefix",
            "Priority": 10 + self.sample,
            "Parameters": json.dumps({"sample": self.sample, "paired": True}, sort_keys=True),
            "RetentionMode": "REMOVE" if self.removes_itself else "RETAIN",
            ON_DELETE_PROPERTY: self.on_delete,
        }
        if self.tags:
            properties[TAGS_PROPERTY] = dict(self.tags)
        if self.rerun_on is not None:
            properties[RERUN_ON_PROPERTY] = self.rerun_on
        for release in range(2, self.release + 1):
            properties[f"AddedInRelease{release}"] = True
        return properties


def stringified(value: Any) -> Any:
    """CloudFormation hands every scalar over as a string (aws-cloudformation/cloudformation-coverage-roadmap#1037)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {key: stringified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stringified(item) for item in value]
    return str(value)


def spec_of(properties: Properties) -> str:
    """The run spec in a comparable form, the simulator's own reading of design §4."""
    return json.dumps({name: properties[name] for name in SPEC_PROPERTIES & properties.keys()}, sort_keys=True)


__all__ = ["ACCOUNT", "REGION", "RESOURCE_TYPE", "RunTemplate", "spec_of", "stringified"]
