"""A HealthOmics endpoint for one machine: the workflow-run part of the API, as real clients see it."""

from healthomics_local.endpoint.authorization.authorizer import Authorizer
from healthomics_local.endpoint.authorization.policy_authorizer import PolicyAuthorizer, Principal, Role
from healthomics_local.endpoint.clock import Clock, RealClock, VirtualClock
from healthomics_local.endpoint.errors import ServiceError
from healthomics_local.endpoint.faults import ConnectionDropped, Fault
from healthomics_local.endpoint.local_endpoint import LocalHealthOmics
from healthomics_local.endpoint.logs.cloudwatch import CloudWatchLogs
from healthomics_local.endpoint.logs.sink import LogEntry, LogSink, MemoryLogs
from healthomics_local.endpoint.objects import MemoryObjectStore, ObjectStore, S3ObjectStore, S3Uri
from healthomics_local.endpoint.published_workflows import Ready2RunWorkflow, SharedWorkflow
from healthomics_local.endpoint.recording import RecordedRequest
from healthomics_local.endpoint.records import Outcome, Run, Task, Workflow
from healthomics_local.endpoint.script import RunScript, TaskDemand
from healthomics_local.endpoint.script_plan import ScriptRule
from healthomics_local.endpoint.service import Service
from healthomics_local.endpoint.settings import RepeatedRequest, RunOutputLayout, Settings, StorageChecks, Timings
from healthomics_local.endpoint.state_file import StateFileError
from healthomics_local.endpoint.statuses import RunStatus, TaskStatus, WorkflowStatus

__all__ = [
    "Authorizer",
    "Clock",
    "CloudWatchLogs",
    "ConnectionDropped",
    "Fault",
    "LocalHealthOmics",
    "LogEntry",
    "LogSink",
    "MemoryLogs",
    "MemoryObjectStore",
    "ObjectStore",
    "Outcome",
    "PolicyAuthorizer",
    "Principal",
    "Ready2RunWorkflow",
    "RealClock",
    "RecordedRequest",
    "RepeatedRequest",
    "Role",
    "Run",
    "RunOutputLayout",
    "RunScript",
    "RunStatus",
    "S3ObjectStore",
    "S3Uri",
    "ScriptRule",
    "Service",
    "ServiceError",
    "Settings",
    "SharedWorkflow",
    "StateFileError",
    "StorageChecks",
    "Task",
    "TaskDemand",
    "TaskStatus",
    "Timings",
    "VirtualClock",
    "Workflow",
    "WorkflowStatus",
]
