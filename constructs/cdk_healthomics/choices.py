"""The closed choices of a run, in the words of the service.

Every member is a string, and its value is what StartRun takes. Where an argument is one of these choices it also takes
a string, so that a deploy-time value (``CfnParameter.value_as_string``) can make the choice.

Source: the StartRun page of the AWS HealthOmics API reference.
"""

from enum import StrEnum

from healthomics_run_handler import contract


class WorkflowType(StrEnum):
    """Whose workflow it is."""

    PRIVATE = "PRIVATE"
    """A workflow of this account, or one that another account shares with it."""
    READY2RUN = "READY2RUN"
    """A workflow that HealthOmics or a partner publishes, at a fixed price for each run."""


class CacheBehavior(StrEnum):
    """When the outputs of tasks are saved to the run cache."""

    CACHE_ON_FAILURE = "CACHE_ON_FAILURE"
    """Only when the run fails: a rerun resumes, and no storage is spent on runs that succeed."""
    CACHE_ALWAYS = "CACHE_ALWAYS"
    """After every task of every run."""


class LogLevel(StrEnum):
    """Which engine messages go to CloudWatch Logs."""

    OFF = "OFF"
    FATAL = "FATAL"
    ERROR = "ERROR"
    ALL = "ALL"


class RetentionMode(StrEnum):
    """What happens to the run's record when the account is at its quota of runs."""

    RETAIN = "RETAIN"
    """It stays until somebody deletes it, and new runs are refused at the quota."""
    REMOVE = "REMOVE"
    """The service removes the oldest such record to make room."""


class NetworkingMode(StrEnum):
    """What the tasks of a run can reach."""

    RESTRICTED = "RESTRICTED"
    """S3 and ECR of the same Region only."""
    VPC = "VPC"
    """The VPC that the configuration names."""


class ScratchStorageMode(StrEnum):
    """Where CPU tasks keep their temporary files; GPU tasks always keep them local."""

    LOCAL = "LOCAL"
    SHARED = "SHARED"


class OutputUriPrefixMode(StrEnum):
    """How the output URI becomes the place of the outputs."""

    SERVICE_DEFINED = "SERVICE_DEFINED"
    """Below the output URI, under a prefix of the run's own."""
    NONE_WITH_OVERWRITE = "NONE_WITH_OVERWRITE"
    """Straight under the output URI; what lies there is overwritten."""


class OnDelete(StrEnum):
    """What happens to the run when the resource is deleted or replaced."""

    CANCEL = contract.ON_DELETE_CANCEL
    """An active run is cancelled, and the deletion waits until it has ended. Outputs and the record stay."""
    LEAVE = contract.ON_DELETE_LEAVE
    """The run goes on, and goes on costing."""
    CANCEL_AND_DELETE_RECORD = contract.ON_DELETE_CANCEL_AND_DELETE_RECORD
    """As CANCEL; then the run's record is deleted too. Outputs in S3 and logs always stay."""
