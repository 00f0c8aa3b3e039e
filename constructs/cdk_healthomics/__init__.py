"""CDK constructs that make an AWS HealthOmics workflow run a first-class resource."""

from cdk_healthomics.choices import (
    CacheBehavior,
    LogLevel,
    NetworkingMode,
    OnDelete,
    OutputUriPrefixMode,
    RetentionMode,
    RunStatus,
    ScratchStorageMode,
    WorkflowType,
)
from cdk_healthomics.engine_settings import EngineSettings
from cdk_healthomics.errors import InvalidRunError
from cdk_healthomics.imported_run import IWorkflowRun
from cdk_healthomics.provider import RunProvider
from cdk_healthomics.run_base import RunMetricOptions, RunRuleOptions
from cdk_healthomics.run_event import RunEvent
from cdk_healthomics.run_grants import WorkflowRunGrants
from cdk_healthomics.storage import Storage
from cdk_healthomics.workflow import SourceRun, Workflow
from cdk_healthomics.workflow_run import RunOverrides, WorkflowRun

__all__ = [
    "CacheBehavior",
    "EngineSettings",
    "IWorkflowRun",
    "InvalidRunError",
    "LogLevel",
    "NetworkingMode",
    "OnDelete",
    "OutputUriPrefixMode",
    "RetentionMode",
    "RunEvent",
    "RunMetricOptions",
    "RunOverrides",
    "RunProvider",
    "RunRuleOptions",
    "RunStatus",
    "ScratchStorageMode",
    "SourceRun",
    "Storage",
    "Workflow",
    "WorkflowRun",
    "WorkflowRunGrants",
    "WorkflowType",
]
