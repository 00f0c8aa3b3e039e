"""Every member of StartRun, from an argument of the construct to what HealthOmics is asked.

Nothing on the way is replaced but AWS: the synthesized template, its properties as CloudFormation hands them on (every
scalar a string), the handler, boto3, and HTTP.
"""

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from handler_deployment import ACCOUNT, REGION, Deployment
from healthomics_local.endpoint import LocalHealthOmics, Ready2RunWorkflow, Settings
from healthomics_run_handler.contract import LEDGER_TAG_PREFIX
from template.start_run_members import HANDLER_SETS, MORE, TABLE, properties_of_every_member

pytestmark = pytest.mark.slow

CASES = {member: (member, expected) for member, (_, expected) in TABLE.items()} | {
    case: (member, expected) for case, (member, _, expected) in MORE.items()
}


@pytest.fixture
def omics() -> Iterator[LocalHealthOmics]:
    settings = Settings(
        region=REGION,
        account_id=ACCOUNT,
        accept_unknown_references=True,
        ready2run_workflows={"12": Ready2RunWorkflow(name="Published")},
        engine="simulated",
    )
    with LocalHealthOmics(settings) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def properties() -> dict[str, dict[str, Any]]:
    return properties_of_every_member()


def asked(deployment: Deployment, properties: dict[str, Any]) -> dict[str, Any]:
    """What HealthOmics is asked when CloudFormation creates a run with these properties."""
    answer = deployment.send(deployment.event("Create", properties))
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    return dict(deployment.omics.requests("StartRun")[-1].input)


@pytest.mark.parametrize("case", CASES)
def test_a_member_arrives_unchanged_at_the_endpoint(
    case: str, deployment: Deployment, properties: dict[str, dict[str, Any]]
) -> None:
    member, expected = CASES[case]
    given = dict(properties[case])
    if member == "runId":  # the endpoint copies only a run that it has
        given["RunId"] = expected = deployment.create()["Data"]["RunId"]
    found = asked(deployment, given)[member]
    if member == "tags":
        found = {key: value for key, value in found.items() if not key.startswith(LEDGER_TAG_PREFIX)}

    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)  # 1, 1.0 and True differ


def test_every_member_of_the_service_model_has_arrived() -> None:
    shape = botocore.session.get_session().get_service_model("omics").operation_model("StartRun").input_shape

    assert {member for member, _ in CASES.values()} >= set(shape.members) - HANDLER_SETS, (
        "StartRun has members that no case sets: add rows to tests/template/start_run_members.py, whose unit test says "
        "what else a new member needs"
    )
