"""The stack outputs of a run."""

import re
from typing import Final

import aws_cdk as cdk
from constructs import Construct

from cdk_healthomics.names import output_logical_id
from cdk_healthomics.stack_outputs import StackOutputs
from cdk_healthomics.tokens import is_string_token

_RUN_ARN: Final = "RunArn"
_RUN_OUTPUT_URI: Final = "RunOutputUri"

_EXPORT_NAME_LIMIT: Final = 255
_EXPORT_NAME: Final = re.compile(r"[A-Za-z0-9:-]+")


def define_outputs(run: Construct, *, run_arn: str, run_output_uri: str, export_name_prefix: str | None) -> None:
    """Give the run's stack an output for its ARN and one for its output URI, with logical ids that stay.

    Raises:
        InvalidRunError: The stack has no room for them.
    """
    outputs = (
        (_RUN_ARN, run_arn, "ARN of the HealthOmics run"),
        (_RUN_OUTPUT_URI, run_output_uri, "S3 URI of the outputs of the HealthOmics run"),
    )
    StackOutputs.of(cdk.Stack.of(run)).reserve(run, [output_logical_id(run, suffix) for suffix, _, _ in outputs])
    for suffix, value, description in outputs:
        export_name = None if export_name_prefix is None else f"{export_name_prefix}{suffix}"
        output = cdk.CfnOutput(run, f"{suffix}Output", value=value, description=description, export_name=export_name)
        output.override_logical_id(output_logical_id(run, suffix))


def export_problems(export_name_prefix: str | None, *, outputs: bool) -> list[str]:
    """What is wrong with the prefix of the export names."""
    if export_name_prefix is None:
        return []
    if not outputs:
        return [
            f"export_name_prefix is {export_name_prefix!r}, but outputs is False, so that there is nothing to export: "
            "drop one of the two"
        ]
    if is_string_token(export_name_prefix):
        return []
    room = _EXPORT_NAME_LIMIT - len(_RUN_OUTPUT_URI)
    if _EXPORT_NAME.fullmatch(export_name_prefix) and len(export_name_prefix) <= room:
        return []
    return [f"export_name_prefix is {export_name_prefix!r}: use 1 to {room} letters, digits, colons and hyphens"]
