"""Every member of StartRun that botocore knows can be set through the construct, and reaches the handler as given."""

from typing import Any

import botocore.session
import pytest

from cdk_healthomics import InvalidRunError, LogLevel, Workflow, WorkflowRun
from healthomics_run_handler import contract
from healthomics_run_handler.spec import parse_spec
from template.start_run_members import HANDLER_SETS, REFUSED, TABLE, properties_of_every_member
from template.support import deployed, new_stack, plain_run, run_properties, synthesized


@pytest.fixture(scope="module")
def requests() -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """StartRun member -> the request (and tags) of the run whose argument sets it."""
    specs = {member: parse_spec(properties) for member, properties in properties_of_every_member().items()}
    return {member: (dict(spec.start_run), dict(spec.tags)) for member, spec in specs.items()}


def test_the_table_names_every_member_that_botocore_knows() -> None:
    shape = botocore.session.get_session().get_service_model("omics").operation_model("StartRun").input_shape
    unknown = set(shape.members) - set(TABLE) - HANDLER_SETS

    assert not unknown, (
        f"StartRun has the new members {sorted(unknown)}: for each, add a property to START_RUN_MEMBERS in "
        "healthomics_run_handler/contract.py (an addition is no update of the runs that are deployed), an argument to "
        "WorkflowRun and RunOverrides, a field to RunSettings, its rules to validation.py, a row to this table, and a "
        "value that synth refuses to REFUSED; "
        "until then additional_start_run_parameters sets them"
    )


def test_the_contract_names_the_same_members() -> None:
    assert set(contract.START_RUN_MEMBERS.values()) == set(TABLE) - {"tags"}


@pytest.mark.parametrize("member", TABLE)
def test_a_member_reaches_the_handler_as_given(
    member: str, requests: dict[str, tuple[dict[str, Any], dict[str, str]]]
) -> None:
    request, tags = requests[member]

    assert (tags if member == "tags" else request[member]) == TABLE[member][1]


@pytest.mark.parametrize("member", TABLE)
def test_synth_refuses_what_it_knows_to_be_wrong(member: str) -> None:
    arguments, message = REFUSED[member]

    with pytest.raises(InvalidRunError) as caught:
        plain_run(new_stack(), **arguments)
    (problem,) = caught.value.problems
    assert message in problem


def test_members_of_the_future_lie_over_the_rest() -> None:
    stack = new_stack()
    WorkflowRun(
        stack,
        "Run",
        workflow=Workflow.private("12"),
        output_uri="s3://b",
        additional_start_run_parameters={"futureMember": {"a": [1.0]}, "logLevel": "NEW"},
        log_level=LogLevel.ALL,
    )
    request = parse_spec(deployed(run_properties(synthesized(stack)))).start_run

    assert request["futureMember"] == {"a": [1.0]}
    assert request["logLevel"] == "NEW"
