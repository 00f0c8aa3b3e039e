"""Exports hold their values while other stacks import them, as on AWS, where MiniStack lets them change and go."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from .conftest import Stack

pytestmark = pytest.mark.e2e


def exporting(stack: Stack, text: str, **properties: Any) -> dict[str, Any]:
    """Resources that answer a text, which changes the physical id as well."""
    answer = json.dumps({"Data": {"Text": text}})
    return {"R": stack.resource(OnCreate=f"ok {text}", OnUpdate=f"ok {text}", Answer=answer, **properties)}


def output(stack: Stack, name: str = "text") -> dict[str, Any]:
    return {"Text": {"Value": {"Fn::GetAtt": ["R", "Text"]}, "Export": {"Name": f"{stack.name}:{name}"}}}


def importing(producer: Stack, name: str = "text") -> dict[str, Any]:
    properties = {"Type": "String", "Value": {"Fn::ImportValue": f"{producer.name}:{name}"}}
    return {"Copy": {"Type": "AWS::SSM::Parameter", "Properties": properties}}


def literal() -> dict[str, Any]:
    return {"Copy": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "literal"}}}


def exports(stack: Stack) -> dict[str, str]:
    listed = stack.client.list_exports()["Exports"]
    return {export["Name"]: export["Value"] for export in listed if export["Name"].startswith(f"{stack.name}:")}


@pytest.fixture
def consumer(stack: Stack) -> Stack:
    """A stack that imports what ``stack`` exports."""
    assert stack.create(exporting(stack, "one"), output(stack)) == "CREATE_COMPLETE"
    consumer = dataclasses.replace(stack, name=f"{stack.name}-consumer")
    assert consumer.create(importing(stack)) == "CREATE_COMPLETE"
    return consumer


def test_an_export_in_use_cannot_change_and_the_replacement_is_undone(stack: Stack, consumer: Stack) -> None:
    status = stack.update(exporting(stack, "two"), output(stack))

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    reason = f"Export {stack.name}:text cannot be updated as it is in use by {consumer.name}"
    assert reason in stack.reasons()
    # After the resources were updated: what the update started is deleted again.
    assert stack.requests() == [("Create", None), ("Update", "one"), ("Update", "two"), ("Delete", "two")]
    assert exports(stack) == {f"{stack.name}:text": "one"}


def test_an_export_in_use_cannot_go(stack: Stack, consumer: Stack) -> None:
    assert stack.update(exporting(stack, "one")) == "UPDATE_ROLLBACK_COMPLETE"

    reason = f"Export {stack.name}:text cannot be deleted as it is in use by {consumer.name}"
    assert reason in stack.reasons()
    assert exports(stack) == {f"{stack.name}:text": "one"}
    with pytest.raises(ClientError, match="is imported by stack"):
        stack.client.delete_stack(StackName=stack.name)


def test_an_export_that_nobody_imports_any_more_changes_and_goes(stack: Stack, consumer: Stack) -> None:
    assert consumer.update(literal()) == "UPDATE_COMPLETE"

    assert stack.update(exporting(stack, "two"), output(stack)) == "UPDATE_COMPLETE"
    assert exports(stack) == {f"{stack.name}:text": "two"}
    assert stack.update(exporting(stack, "two")) == "UPDATE_COMPLETE"
    assert exports(stack) == {}


def test_other_outputs_and_exports_change_while_one_is_in_use(stack: Stack, consumer: Stack) -> None:
    resources = {**exporting(stack, "one"), "S": stack.resource(OnCreate="ok s")}
    second = {"Second": {"Value": {"Fn::GetAtt": ["S", "Text"]}, "Export": {"Name": f"{stack.name}:second"}}}

    assert stack.update(resources, output(stack) | second) == "UPDATE_COMPLETE"

    assert exports(stack) == {f"{stack.name}:text": "one", f"{stack.name}:second": "text"}
    assert consumer.update(importing(stack, "second")) == "UPDATE_COMPLETE"
    # Moved, so that the first one may go with its resource.
    assert stack.update({"S": resources["S"]}, second) == "UPDATE_COMPLETE"
    assert exports(stack) == {f"{stack.name}:second": "text"}


def test_an_export_has_one_stack(stack: Stack, consumer: Stack) -> None:
    status = consumer.update(exporting(stack, "other"), output(stack))

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert f"Export with name {stack.name}:text is already exported by stack {stack.name}." in consumer.reasons()
    assert exports(stack) == {f"{stack.name}:text": "one"}
