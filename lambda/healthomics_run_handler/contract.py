"""The names that construct and handler share. Standard library only; a compatibility contract.

The construct writes these properties into the template, CloudFormation turns every scalar into a string, and the
handler reads them back. Changing a name or an encoding here would look like an Update to every deployed run, so a
golden file freezes them (``tests/template``).
"""

from typing import Final

RESOURCE_TYPE: Final = "Custom::HealthOmicsRun"

START_RUN_MEMBERS: Final[dict[str, str]] = {
    "WorkflowId": "workflowId",
    "WorkflowType": "workflowType",
    "WorkflowOwnerId": "workflowOwnerId",
    "WorkflowVersionName": "workflowVersionName",
    "RunId": "runId",
    "RoleArn": "roleArn",
    "Name": "name",
    "CacheId": "cacheId",
    "CacheBehavior": "cacheBehavior",
    "RunGroupId": "runGroupId",
    "Priority": "priority",
    "Parameters": "parameters",
    "StorageCapacity": "storageCapacity",
    "StorageType": "storageType",
    "OutputUri": "outputUri",
    "OutputUriPrefixMode": "outputUriPrefixMode",
    "LogLevel": "logLevel",
    "RetentionMode": "retentionMode",
    "NetworkingMode": "networkingMode",
    "ConfigurationName": "configurationName",
    "EngineSettings": "engineSettings",
    "ScratchStorageMode": "scratchStorageMode",
    "SessionPolicy": "sessionPolicy",
}
"""Resource property -> StartRun member, for every member but ``requestId`` (the handler's) and ``tags`` (below)."""

INTEGER_PROPERTIES: Final = frozenset({"Priority", "StorageCapacity"})
"""Properties that CloudFormation stringifies and StartRun wants as integers."""

JSON_PROPERTIES: Final = frozenset({"Parameters", "EngineSettings"})
"""Properties that travel as one JSON text each, so that their types survive jsii and CloudFormation."""

ADDITIONAL_PROPERTY: Final = "AdditionalStartRunParameters"
"""One JSON object, StartRun member -> value, laid over the rest: members younger than this library."""

TAGS_PROPERTY: Final = "Tags"
"""The user's tags, a map of strings. Not part of the run spec."""

RERUN_ON_PROPERTY: Final = "RerunOn"
"""Any string; part of the run spec, never sent to HealthOmics."""

ON_DELETE_PROPERTY: Final = "OnDelete"
"""What Delete does with the run. Not part of the run spec."""

ON_DELETE_CANCEL: Final = "CANCEL"
ON_DELETE_LEAVE: Final = "LEAVE"
ON_DELETE_CANCEL_AND_DELETE_RECORD: Final = "CANCEL_AND_DELETE_RECORD"
ON_DELETE_VALUES: Final = (ON_DELETE_CANCEL, ON_DELETE_LEAVE, ON_DELETE_CANCEL_AND_DELETE_RECORD)

ATTRIBUTE_RUN_ARN: Final = "RunArn"
ATTRIBUTE_RUN_ID: Final = "RunId"
ATTRIBUTE_RUN_UUID: Final = "RunUuid"
ATTRIBUTE_RUN_OUTPUT_URI: Final = "RunOutputUri"
ATTRIBUTE_RUN_STATUS: Final = "RunStatus"
ATTRIBUTES: Final = (
    ATTRIBUTE_RUN_ARN,
    ATTRIBUTE_RUN_ID,
    ATTRIBUTE_RUN_UUID,
    ATTRIBUTE_RUN_OUTPUT_URI,
    ATTRIBUTE_RUN_STATUS,
)
"""What ``Fn::GetAtt`` offers: all of them on every successful answer to a Create or an Update."""

LEDGER_TAG_PREFIX: Final = "cdk-healthomics:"
"""Tags under this prefix are the handler's ledger; a user's tag may not begin with it."""

LEDGER_TAG_LIMIT: Final = 12
"""How many ledger tags a run may carry at once."""

TAG_LIMIT: Final = 50
"""Tags per HealthOmics resource, the ledger's included."""

OUTPUT_URI_MAX_BYTES: Final = 750
"""The output URI in UTF-8: it travels in the physical id, which CloudFormation caps at 1 KB."""

SERVICE_MODEL_DIRECTORY: Final = "models"
"""Folder in the Lambda asset that ``AWS_DATA_PATH`` names; below it ``omics/2022-11-28/service-2.json``."""

LAMBDA_HANDLER: Final = "healthomics_run_handler.index.handler"
