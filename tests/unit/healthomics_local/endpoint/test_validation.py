import pytest
from botocore.model import StructureShape

from healthomics_local.endpoint.errors import SerializationException, ValidationException
from healthomics_local.endpoint.service_model import operation_model
from healthomics_local.endpoint.validation import MAX_SHOWN_VALUE, check_input


def shape_of(operation: str) -> StructureShape:
    shape = operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    return shape


START_RUN = {"roleArn": "arn:aws:iam::1:role/r", "outputUri": "s3://b", "requestId": "1"}


def refusal(operation: str, members: dict[str, object]) -> str:
    with pytest.raises(ValidationException) as refused:
        check_input(shape_of(operation), members, reject_unknown=True)
    return refused.value.message


def test_a_missing_member_is_null_to_the_service() -> None:
    assert refusal("StartRun", {"roleArn": "arn:x", "outputUri": "s3://b"}) == (
        "1 validation error detected: Value null at 'requestId' failed to satisfy constraint: Member must not be null"
    )


def test_all_violations_are_reported_at_once() -> None:
    message = refusal("StartRun", {**START_RUN, "workflowId": "abc", "logLevel": "LOUD", "priority": -1})

    assert message == (
        "3 validation errors detected: "
        "Value 'abc' at 'workflowId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [0-9]+; "
        "Value '-1' at 'priority' failed to satisfy constraint: "
        "Member must have value greater than or equal to 0; "
        "Value 'LOUD' at 'logLevel' failed to satisfy constraint: "
        "Member must satisfy enum value set: [OFF, FATAL, ERROR, ALL]"
    )


def test_a_member_of_a_map_of_structures_is_named_as_the_service_names_it() -> None:
    template = {"joint_mutect2": {"description": "two\nlines"}}
    message = refusal("CreateWorkflow", {"requestId": "1", "parameterTemplate": template})

    assert "at 'parameterTemplate.joint_mutect2.member.description' failed to satisfy" in message


def test_a_bad_tag_value_is_reported_for_the_map() -> None:
    message = refusal("TagResource", {"resourceArn": "arn:x", "tags": {"key": "v" * 257}})

    assert message.endswith(
        "at 'tags' failed to satisfy constraint: Map value must satisfy constraint: "
        "[Member must have length less than or equal to 256, "
        "Member must have length greater than or equal to 0]"
    )


def test_a_long_value_is_cut_in_the_message() -> None:
    message = refusal("StartRun", {**START_RUN, "sessionPolicy": "x" * 3000})

    assert "x" * MAX_SHOWN_VALUE + "…" in message
    assert "x" * (MAX_SHOWN_VALUE + 1) not in message


def test_unknown_members_can_be_let_through() -> None:
    assert "'networking'" in refusal("StartRun", {**START_RUN, "networking": {}})
    check_input(shape_of("StartRun"), {**START_RUN, "networking": {}}, reject_unknown=False)


@pytest.mark.parametrize("document", [{"a": [1, None, {"b": True}]}, {}, [1, "a"], "text", 1.5, True])
def test_a_document_takes_any_json(document: object) -> None:
    check_input(shape_of("StartRun"), {**START_RUN, "parameters": document}, reject_unknown=True)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param("priority", "10", id="number as text"),
        pytest.param("priority", True, id="true is no number"),
        pytest.param("priority", 1.5, id="no integer"),
        pytest.param("name", 5, id="text as number"),
        pytest.param("tags", ["a"], id="list for a map"),
        pytest.param("tags", {"a": 1}, id="number in a map of text"),
    ],
)
def test_a_value_of_the_wrong_type_cannot_be_read(member: str, value: object) -> None:
    with pytest.raises(SerializationException, match=member):
        check_input(shape_of("StartRun"), {**START_RUN, member: value}, reject_unknown=True)


def test_null_in_a_list_is_a_violation() -> None:
    message = refusal("UntagResource", {"resourceArn": "arn:x", "tagKeys": ["a", None]})

    assert "Value null at 'tagKeys.2.member'" in message


def test_members_of_a_structure_are_required_only_when_the_structure_is_there() -> None:
    check_input(shape_of("CreateWorkflow"), {"requestId": "1"}, reject_unknown=True)

    message = refusal("CreateWorkflow", {"requestId": "1", "definitionRepository": {"connectionArn": "arn:x"}})

    assert "Value null at 'definitionRepository.fullRepositoryId'" in message


def test_an_operation_without_input_takes_anything() -> None:
    check_input(None, {}, reject_unknown=True)
