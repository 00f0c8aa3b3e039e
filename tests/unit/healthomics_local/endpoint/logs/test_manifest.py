"""The members of the run manifest, against what a recorded one has."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from healthomics_local.endpoint import Outcome, Run, RunStatus, Task, TaskStatus, Workflow
from healthomics_local.endpoint.ids import ArnFormat
from healthomics_local.endpoint.instances import INSTANCE_TYPES, instance_for
from healthomics_local.endpoint.logs.manifest import manifest
from healthomics_local.endpoint.records import TaskUsage

ARNS = ArnFormat(partition="aws", region="us-east-1", account_id="123456789012")
PREFIX = "arn:aws:omics:us-east-1:123456789012:"
T0 = datetime(2024, 10, 20, 5, 26, 47, 157_000, tzinfo=UTC)

TASK = Task(
    task_id="1637537",
    uuid="0ac95438-54ee-6348-a98d-4cadd3b692cd",
    name="GenomeSize",
    status=TaskStatus.COMPLETED,
    cpus=1,
    memory_gib=1,
    creation_time=T0,
    start_time=T0 + timedelta(seconds=1),
    stop_time=T0 + timedelta(seconds=17.362),
    usage=TaskUsage(
        cpus_average=0.000229, cpus_maximum=0.000368, memory_average_gib=0.375977, memory_maximum_gib=0.38379
    ),
)
RUN = Run(
    run_id="8192875",
    uuid="90c95432-34ac-9bbf-1e8a-3b6387044c59",
    arn=f"{PREFIX}run/8192875",
    sequence=1,
    request={
        "name": "n",
        "outputUri": "s3://out/x",
        "parameters": {"a": ["s3://in/ä"]},
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "storageType": "STATIC",
        "storageCapacity": 1200,
        "workflowType": "PRIVATE",
        "runGroupId": "11",
        "cacheId": "22",
        "cacheBehavior": "CACHE_ALWAYS",
        "runId": "33",
    },
    run_output_uri="s3://out/x/8192875",
    status=RunStatus.COMPLETED,
    started_by="arn:aws:sts::123456789012:x",
    creation_time=T0,
    start_time=T0,
    stop_time=T0 + timedelta(hours=1),
    outcome=Outcome(),
    tasks=(TASK,),
    workflow=Workflow(
        workflow_id="5326885",
        uuid="u",
        arn=f"{PREFIX}workflow/5326885/version/v2",
        version_name="v2",
        sequence=1,
        digest="sha256:8a",
        creation_time=T0,
    ),
)


def documents(run: Run) -> list[dict[str, Any]]:
    return [json.loads(message) for message in manifest(run, ARNS)]


def test_the_first_document_describes_the_run() -> None:
    assert documents(RUN)[0] == {
        "arn": f"{PREFIX}run/8192875",
        "uuid": "90c95432-34ac-9bbf-1e8a-3b6387044c59",
        "name": "n",
        "status": "COMPLETED",
        "creationTime": "2024-10-20T05:26:47.157Z",
        "startTime": "2024-10-20T05:26:47.157Z",
        "stopTime": "2024-10-20T06:26:47.157Z",
        "startedBy": "arn:aws:sts::123456789012:x",
        "digest": "sha256:8a",
        "engine": "WDL",
        "outputUri": "s3://out/x",
        "parameters": {"a": ["s3://in/ä"]},
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "storageType": "STATIC",
        "storageCapacity": 1200,
        "workflow": f"{PREFIX}workflow/5326885",
        "workflowVersion": f"{PREFIX}workflow/5326885/version/v2",
        "workflowType": "PRIVATE",
        "run": f"{PREFIX}run/33",
        "runGroup": f"{PREFIX}runGroup/11",
        "runCache": f"{PREFIX}runCache/22",
        "runCacheBehavior": "CACHE_ALWAYS",
        "metrics": {"runningSeconds": 3600.0, "storageReservedGiB": 1200},
    }


def test_a_task_has_what_its_instance_type_reserves_and_what_was_measured() -> None:
    assert documents(RUN)[1] == {
        "arn": f"{PREFIX}task/1637537",
        "uuid": "0ac95438-54ee-6348-a98d-4cadd3b692cd",
        "name": "GenomeSize",
        "status": "COMPLETED",
        "run": f"{PREFIX}run/8192875",
        "creationTime": "2024-10-20T05:26:47.157Z",
        "startTime": "2024-10-20T05:26:48.157Z",
        "stopTime": "2024-10-20T05:27:04.519Z",
        "cpus": 1,
        "gpus": 0,
        "memory": 1,
        "instanceType": "omics.c.large",
        "metrics": {
            "cpusReserved": 2,
            "cpusAverage": 0.000229,
            "cpusMaximum": 0.000368,
            "gpusReserved": 0,
            "memoryReservedGiB": 4,
            "memoryAverageGiB": 0.375977,
            "memoryMaximumGiB": 0.38379,
            "runningSeconds": 16.362,
        },
    }


def test_what_nobody_measured_is_not_told() -> None:
    _, task = documents(replace(RUN, tasks=(replace(TASK, usage=TaskUsage()),)))

    assert task["metrics"].keys() == {"cpusReserved", "gpusReserved", "memoryReservedGiB", "runningSeconds"}


def test_a_full_second_still_has_milliseconds() -> None:
    run, _ = documents(replace(RUN, stop_time=datetime(2024, 10, 20, 7, 2, 53, tzinfo=UTC)))

    assert run["stopTime"] == "2024-10-20T07:02:53.000Z"


def test_a_failure_is_told_with_its_reason() -> None:
    failed = Outcome.failed("RUN_TASK_FAILED", "task failed")
    task = replace(TASK, status=TaskStatus.FAILED, failure_reason="RUN_TASK_FAILED", status_message="exit 1")

    run_document, task_document = documents(
        replace(RUN, status=RunStatus.FAILED, outcome=failed, tasks=(task,)),
    )

    assert (run_document["failureReason"], run_document["statusMessage"]) == ("RUN_TASK_FAILED", "task failed")
    assert (task_document["failureReason"], task_document["statusMessage"]) == ("RUN_TASK_FAILED", "exit 1")


def test_the_instance_type_is_the_smallest_that_fits() -> None:
    for cpus in (1, 2, 3, 16, 100, 192):
        for memory in (1, 4, 17, 64, 384):
            chosen = instance_for(cpus, memory)

            fitting = [each for each in INSTANCE_TYPES if each.cpus >= cpus and each.memory_gib >= memory]
            assert chosen in fitting
            assert (chosen.cpus, chosen.memory_gib) == min((each.cpus, each.memory_gib) for each in fitting)


def test_a_task_that_asks_for_more_than_there_is_gets_the_largest_type() -> None:
    assert instance_for(1000, 1).name == "omics.r.48xlarge"


def test_only_a_task_that_asks_for_gpus_gets_an_instance_with_gpus() -> None:
    assert instance_for(4, 16).gpus == 0
    assert instance_for(4, 16, 1).name == "omics.g5.xlarge"
    assert instance_for(4, 16, 2).name == "omics.g5.12xlarge"
