"""Which permissions each call needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from healthomics_local.endpoint.authorization import requirements
from healthomics_local.endpoint.authorization.requirements import required_permissions
from healthomics_local.endpoint.ids import ArnFormat
from healthomics_local.endpoint.records import Run, Workflow

if TYPE_CHECKING:
    from healthomics_local.endpoint import Service

ARNS = ArnFormat(partition="aws", region="eu-west-1", account_id="123456789012")
ROLE = "arn:aws:iam::123456789012:role/run"
START: dict[str, Any] = {"workflowId": "7", "roleArn": ROLE, "outputUri": "s3://bucket/out", "requestId": "r"}


def needed(operation: str, members: dict[str, Any], source: Run | None = None) -> list[tuple[str, str]]:
    permissions = required_permissions(operation, members, ARNS, source)
    prefix = "arn:aws:omics:eu-west-1:123456789012:"
    return [(each.action, each.resource.removeprefix(prefix)) for each in permissions]


def test_start_run_needs_the_run_all_that_it_names_and_to_pass_the_role() -> None:
    members = START | {
        "workflowVersionName": "v1",
        "runGroupId": "8",
        "cacheId": "9",
        "configurationName": "net",
    }

    assert needed("StartRun", members) == [
        ("omics:StartRun", "run/*"),
        ("omics:StartRun", "workflow/7"),
        ("omics:StartRun", "workflow/7/version/v1"),
        ("omics:StartRun", "runGroup/8"),
        ("omics:StartRun", "runCache/9"),
        ("omics:StartRun", "configuration/net"),
        ("iam:PassRole", ROLE),
    ]


@pytest.mark.parametrize(
    ("members", "arn"),
    [
        ({"workflowType": "READY2RUN"}, "arn:aws:omics:eu-west-1::workflow/7"),
        ({"workflowOwnerId": "210987654321"}, "arn:aws:omics:eu-west-1:210987654321:workflow/7"),
    ],
)
def test_the_account_in_a_workflows_arn_is_its_owners(members: dict[str, Any], arn: str) -> None:
    assert ("omics:StartRun", arn) in needed("StartRun", START | members)


def test_the_role_is_passed_to_healthomics() -> None:
    (pass_role,) = (each for each in required_permissions("StartRun", START, ARNS, None) if each.action[:3] == "iam")

    assert pass_role.context == {"iam:PassedToService": "omics.amazonaws.com"}


def test_tags_need_a_permission_of_their_own_and_are_known_to_conditions() -> None:
    permissions = required_permissions("StartRun", START | {"tags": {"team": "a", "cost": "b"}}, ARNS, None)

    context = {"aws:RequestTag/team": "a", "aws:RequestTag/cost": "b", "aws:TagKeys": ["team", "cost"]}
    assert [each.resource for each in permissions if each.action == "omics:TagResource"] == [ARNS.of("run/*")]
    assert all(each.context == context for each in permissions if each.action != "iam:PassRole")


def test_a_copy_of_a_run_needs_what_it_takes_over() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    workflow = Workflow(workflow_id="7", uuid="u", arn=ARNS.of("workflow/7"), sequence=1, creation_time=now)
    source = Run(
        run_id="1",
        uuid="u",
        arn=ARNS.of("run/1"),
        sequence=2,
        request=START | {"runGroupId": "8", "cacheId": "9"},
        run_output_uri="s3://bucket/out/1",
        creation_time=now,
        workflow=workflow,
    )
    members = {"runId": "1", "roleArn": ROLE, "outputUri": "s3://bucket/2", "cacheId": "10"}

    assert needed("StartRun", members, source) == [
        ("omics:StartRun", "run/*"),
        ("omics:StartRun", "workflow/7"),
        ("omics:StartRun", "runGroup/8"),
        ("omics:StartRun", "runCache/10"),
        ("iam:PassRole", ROLE),
    ]
    assert needed("StartRun", members, None)[0] == ("omics:StartRun", "run/*")
    shared = replace(source, request=source.request | {"workflowOwnerId": "210987654321"})
    assert ("omics:StartRun", "arn:aws:omics:eu-west-1:210987654321:workflow/7") in needed("StartRun", members, shared)


def test_a_batch_needs_both_authorizations() -> None:
    default = {"workflowId": "7", "roleArn": ROLE, "runGroupId": "8", "runTags": {"a": "1"}}
    inline = {"inlineSettings": [{"runSettingId": "one", "runTags": {"b": "2"}}]}
    members = {"defaultRunSetting": default, "batchRunSettings": inline, "tags": {"c": "3"}}

    assert needed("StartRunBatch", members) == [
        ("omics:StartRunBatch", "runBatch/*"),
        ("omics:TagResource", "runBatch/*"),
        ("omics:StartRun", "run/*"),
        ("omics:StartRun", "workflow/7"),
        ("omics:StartRun", "runGroup/8"),
        ("omics:TagResource", "run/*"),
        ("iam:PassRole", ROLE),
    ]
    contexts = [each.context.get("aws:TagKeys") for each in required_permissions("StartRunBatch", members, ARNS, None)]
    assert contexts == [["c"], ["c"], *[["a", "b"]] * 4, None]


@pytest.mark.parametrize(
    ("operation", "members", "expected"),
    [
        ("GetRun", {"id": "1"}, ["run/1"]),
        ("GetRunTask", {"id": "1", "taskId": "2"}, ["run/1", "task/2"]),
        ("ListRuns", {"name": "x"}, ["*"]),
        ("GetWorkflow", {"id": "7", "type": "READY2RUN"}, ["arn:aws:omics:eu-west-1::workflow/7"]),
        ("GetWorkflow", {"id": "7", "workflowOwnerId": "2" * 12}, [f"arn:aws:omics:eu-west-1:{'2' * 12}:workflow/7"]),
        (
            "DeleteWorkflowVersion",
            {"workflowId": "7", "versionName": "v1"},
            ["workflow/7", "workflow/7/version/v1"],
        ),
        ("CreateRunGroup", {"name": "g"}, ["*"]),
        ("GetConfiguration", {"name": "net"}, ["configuration/net"]),
        ("TagResource", {"resourceArn": ARNS.of("run/1"), "tags": {"a": "b"}}, ["run/1"]),
        ("CancelRunBatch", {"batchId": "5"}, ["runBatch/5"]),
    ],
)
def test_other_calls_need_what_they_act_on(operation: str, members: dict[str, Any], expected: list[str]) -> None:
    assert needed(operation, members) == [(f"omics:{operation}", resource) for resource in expected]


def test_creating_something_with_tags_needs_to_tag_it() -> None:
    assert needed("CreateRunGroup", {"tags": {"a": "b"}}) == [
        ("omics:CreateRunGroup", "*"),
        ("omics:TagResource", "runGroup/*"),
    ]


def test_what_is_removed_is_known_to_conditions() -> None:
    members = {"resourceArn": ARNS.of("run/1"), "tagKeys": ["a"]}

    assert required_permissions("UntagResource", members, ARNS, None)[0].context == {"aws:TagKeys": ["a"]}


def test_every_operation_of_the_endpoint_is_known(service: Service) -> None:
    implemented = set(service._dispatcher._operations)

    assert implemented == set(requirements._RESOURCES) | {"StartRun", "StartRunBatch"}
