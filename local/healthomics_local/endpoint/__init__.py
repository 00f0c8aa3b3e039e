"""A HealthOmics endpoint for one machine: the workflow-run part of the API, as real clients see it."""

from healthomics_local.endpoint.clock import Clock, RealClock, VirtualClock
from healthomics_local.endpoint.errors import ServiceError
from healthomics_local.endpoint.faults import ConnectionDropped, Fault
from healthomics_local.endpoint.local_endpoint import LocalHealthOmics
from healthomics_local.endpoint.objects import MemoryObjectStore, ObjectStore, S3ObjectStore, S3Uri
from healthomics_local.endpoint.recording import RecordedRequest
from healthomics_local.endpoint.records import Outcome, Run, Task, Workflow
from healthomics_local.endpoint.script import RunScript
from healthomics_local.endpoint.service import Service
from healthomics_local.endpoint.settings import RepeatedRequest, RunOutputLayout, Settings, Timings
from healthomics_local.endpoint.statuses import RunStatus, TaskStatus, WorkflowStatus

__all__ = [
    "Clock",
    "ConnectionDropped",
    "Fault",
    "LocalHealthOmics",
    "MemoryObjectStore",
    "ObjectStore",
    "Outcome",
    "RealClock",
    "RecordedRequest",
    "RepeatedRequest",
    "Run",
    "RunOutputLayout",
    "RunScript",
    "RunStatus",
    "S3ObjectStore",
    "S3Uri",
    "Service",
    "ServiceError",
    "Settings",
    "Task",
    "TaskStatus",
    "Timings",
    "VirtualClock",
    "Workflow",
    "WorkflowStatus",
]
