"""From what a deployment said when it failed to one paragraph with the cure. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from healthomics_local.stacks import Failure

CURES: Final = (
    (
        r"Unrecognized resource types",
        "the local AWS does not have this resource type: leave it out of the local deployment, for example behind "
        "a context value",
    ),
    (
        r"[Ww]orkflow\b.*(not found|does not exist|ResourceNotFound)|ResourceNotFoundException.*[Ww]orkflow",
        "check the workflow id: the local HealthOmics knows the workflows that were created in it (define an "
        "AWS::Omics::Workflow in the app) and a few Ready2Run ids",
    ),
    (
        r"did not receive a response from your custom resource",
        "the function behind the resource did not answer: read its log with `aws logs filter-log-events "
        '--log-group-name /aws/lambda/<function>` after `eval "$(healthomics-local up --export)"`',
    ),
    (r"NoSuchBucket|NoSuchKey", "create the bucket or the object in a stack that is deployed before this one"),
    (
        r"No module named '(aws_cdk|constructs|cdk_healthomics)",
        "the app runs with the Python that runs healthomics-local: install the app's packages there, or start "
        "healthomics-local from the app's own environment",
    ),
    (r"No module named", "install the missing package into the Python that runs healthomics-local"),
    (
        r"Cloud assembly schema version mismatch|Maximum schema version supported",
        "the CDK CLI is older than aws-cdk-lib: install a newer aws-cdk 2.x in the app's folder",
    ),
    (
        r"is in [A-Z_]*ROLLBACK_FAILED|ROLLBACK_FAILED state",
        "stop the local AWS with `healthomics-local down` and deploy again: it starts empty",
    ),
)
"""What is said, and what helps."""

ERROR_LINE: Final = re.compile(r"(❌|\b\w*Error\b:|\berror\b:|^Error|failed:|Failed)")
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
REASON_LIMIT: Final = 900


def cure_for(text: str) -> str | None:
    """Return what helps against an error whose text is known."""
    return next((cure for pattern, cure in CURES if re.search(pattern, text)), None)


def explain_failure(failure: Failure) -> str:
    """Say in one paragraph which resource failed, why, and what helps."""
    reason = _one_line(failure.reason)
    where = f"{failure.logical_id} ({failure.resource_type}) in stack {failure.stack}"
    return _with_cure(f"the deployment failed at {where}: {failure.status}: {reason}", reason)


def explain_cdk_output(lines: Sequence[str], *, doing: str, log_file: str) -> str:
    """Say in one paragraph why the CDK CLI failed before or beside CloudFormation."""
    clean = [COLOUR.sub("", line).strip() for line in lines]
    told = [line for line in clean if ERROR_LINE.search(line)]
    said = _one_line(told[-1] if told else " ".join([line for line in clean if line][-3:]) or "no output")
    return _with_cure(f"{doing} failed: {said} (whole output: {log_file})", " ".join(clean))


def _with_cure(problem: str, text: str) -> str:
    cure = cure_for(text)
    return f"{problem.rstrip('.')}. Cure: {cure}." if cure else problem


def _one_line(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= REASON_LIMIT else f"{joined[:REASON_LIMIT]}…"
