"""CDK constructs that make an AWS HealthOmics workflow run a first-class resource."""

from cdk_healthomics.any_run_rules import AnyRunRuleOptions
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
from cdk_healthomics.published_run import PublishedRun
from cdk_healthomics.run_base import RunAlarmOptions, RunMetricOptions
from cdk_healthomics.run_completion import RunCompletion
from cdk_healthomics.run_dashboard import RunDashboard
from cdk_healthomics.run_event import RunEvent
from cdk_healthomics.run_grants import WorkflowRunGrants
from cdk_healthomics.run_history import RunHistory
from cdk_healthomics.run_rules import RunRuleOptions
from cdk_healthomics.storage import Storage
from cdk_healthomics.workflow import SourceRun, Workflow
from cdk_healthomics.workflow_run import RunOverrides, WorkflowRun

__all__ = [
    "AnyRunRuleOptions",
    "CacheBehavior",
    "EngineSettings",
    "IWorkflowRun",
    "InvalidRunError",
    "LogLevel",
    "NetworkingMode",
    "OnDelete",
    "OutputUriPrefixMode",
    "PublishedRun",
    "RetentionMode",
    "RunAlarmOptions",
    "RunCompletion",
    "RunDashboard",
    "RunEvent",
    "RunHistory",
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
