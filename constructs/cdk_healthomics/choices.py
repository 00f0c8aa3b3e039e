"""The closed choices of a run, in the words of the service.

Every member is a string, and its value is what StartRun takes. Where an argument is one of these choices it also takes
a string, so that a deploy-time value (``CfnParameter.value_as_string``) can make the choice.

Source: the StartRun page of the AWS HealthOmics API reference.
"""

from enum import StrEnum

from healthomics_run_handler import contract


class WorkflowType(StrEnum):
    """Whose workflow it is.

    Example:
        >>> from cdk_healthomics import Workflow, WorkflowType
        >>> Workflow.ready2run("1234567").workflow_type is WorkflowType.READY2RUN
        True
    """

    PRIVATE = "PRIVATE"
    """A workflow of this account, or one that another account shares with it."""
    READY2RUN = "READY2RUN"
    """A workflow that HealthOmics or a partner publishes, at a fixed price for each run."""


class CacheBehavior(StrEnum):
    """When the outputs of tasks are saved to the run cache.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import CacheBehavior, Workflow, WorkflowRun
        >>> run = WorkflowRun(
        ...     cdk.Stack(cdk.App(), "Genomics"),
        ...     "Alignment",
        ...     workflow=Workflow.private("1234567"),
        ...     output_uri="s3://amzn-s3-demo-bucket/out",
        ...     cache="7654321",
        ...     cache_behavior=CacheBehavior.CACHE_ALWAYS,
        ... )
    """

    CACHE_ON_FAILURE = "CACHE_ON_FAILURE"
    """Only when the run fails: a rerun resumes, and no storage is spent on runs that succeed."""
    CACHE_ALWAYS = "CACHE_ALWAYS"
    """After every task of every run."""


class LogLevel(StrEnum):
    """Which engine messages go to CloudWatch Logs.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import LogLevel, Workflow, WorkflowRun
        >>> run = WorkflowRun(
        ...     cdk.Stack(cdk.App(), "Genomics"),
        ...     "Alignment",
        ...     workflow=Workflow.private("1234567"),
        ...     output_uri="s3://amzn-s3-demo-bucket/out",
        ...     log_level=LogLevel.ERROR,
        ... )
    """

    OFF = "OFF"
    """None: a run that fails leaves no engine log that says why."""
    FATAL = "FATAL"
    """Only what ended the run."""
    ERROR = "ERROR"
    """All errors, those that ended the run included."""
    ALL = "ALL"
    """Everything that the engine has to say."""


class RetentionMode(StrEnum):
    """What happens to the run's record when the account is at its quota of runs.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import RetentionMode, Workflow, WorkflowRun
        >>> run = WorkflowRun(
        ...     cdk.Stack(cdk.App(), "Genomics"),
        ...     "Alignment",
        ...     workflow=Workflow.private("1234567"),
        ...     output_uri="s3://amzn-s3-demo-bucket/out",
        ...     retention_mode=RetentionMode.REMOVE,
        ... )
    """

    RETAIN = "RETAIN"
    """It stays until somebody deletes it, and new runs are refused at the quota."""
    REMOVE = "REMOVE"
    """The service removes the oldest such record to make room."""


class NetworkingMode(StrEnum):
    """What the tasks of a run can reach.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import NetworkingMode, Workflow, WorkflowRun
        >>> run = WorkflowRun(
        ...     cdk.Stack(cdk.App(), "Genomics"),
        ...     "Alignment",
        ...     workflow=Workflow.private("1234567"),
        ...     output_uri="s3://amzn-s3-demo-bucket/out",
        ...     networking_mode=NetworkingMode.VPC,
        ...     configuration="laboratory",
        ... )
    """

    RESTRICTED = "RESTRICTED"
    """S3 and ECR of the same Region only."""
    VPC = "VPC"
    """The VPC that the configuration names."""


class ScratchStorageMode(StrEnum):
    """Where CPU tasks keep their temporary files; GPU tasks always keep them local.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import ScratchStorageMode, Workflow, WorkflowRun
        >>> run = WorkflowRun(
        ...     cdk.Stack(cdk.App(), "Genomics"),
        ...     "Alignment",
        ...     workflow=Workflow.private("1234567"),
        ...     output_uri="s3://amzn-s3-demo-bucket/out",
        ...     scratch_storage_mode=ScratchStorageMode.LOCAL,
        ... )
    """

    LOCAL = "LOCAL"
    """On the disk of the machine that the task has for itself."""
    SHARED = "SHARED"
    """In the run storage, which the tasks of the run share. The service's default."""


class OutputUriPrefixMode(StrEnum):
    """How the output URI becomes the place of the outputs.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import OutputUriPrefixMode, Workflow, WorkflowRun
        >>> run = WorkflowRun(
        ...     cdk.Stack(cdk.App(), "Genomics"),
        ...     "Alignment",
        ...     workflow=Workflow.private("1234567"),
        ...     output_uri="s3://amzn-s3-demo-bucket/out",
        ...     output_uri_prefix_mode=OutputUriPrefixMode.SERVICE_DEFINED,
        ... )
    """

    SERVICE_DEFINED = "SERVICE_DEFINED"
    """Below the output URI, under a prefix of the run's own."""
    NONE_WITH_OVERWRITE = "NONE_WITH_OVERWRITE"
    """Straight under the output URI; what lies there is overwritten."""


class RunStatus(StrEnum):
    """What a run is doing; COMPLETED, FAILED and CANCELLED are final.

    Example:
        >>> from cdk_healthomics import RunStatus
        >>> str(RunStatus.FAILED)
        'FAILED'
    """

    PENDING = "PENDING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class OnDelete(StrEnum):
    """What happens to the run when the resource is deleted or replaced.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import OnDelete, Workflow, WorkflowRun
        >>> run = WorkflowRun(
        ...     cdk.Stack(cdk.App(), "Genomics"),
        ...     "Alignment",
        ...     workflow=Workflow.private("1234567"),
        ...     output_uri="s3://amzn-s3-demo-bucket/out",
        ...     on_delete=OnDelete.LEAVE,
        ... )
    """

    CANCEL = contract.ON_DELETE_CANCEL
    """An active run is cancelled, and the deletion waits until it has ended. Outputs and the record stay."""
    LEAVE = contract.ON_DELETE_LEAVE
    """The run goes on, and goes on costing."""
    CANCEL_AND_DELETE_RECORD = contract.ON_DELETE_CANCEL_AND_DELETE_RECORD
    """As CANCEL; then the run's record is deleted too. Outputs in S3 and logs always stay."""
