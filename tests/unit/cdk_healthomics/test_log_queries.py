"""Queries find what they are about in the logs of runs, and name members that are there."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cdk_healthomics import log_queries
from cdk_healthomics.log_queries import LoggedRun
from cdk_healthomics.run_widgets import RUNS_LIMIT

ACCOUNT = "arn:aws:omics:us-east-1:123456789012"
UUID = "aecdf624-3440-e174-33c0-7073b55966f6"
RUN = LoggedRun(run_id="12", run_uuid=UUID)
WITHOUT_UUID = LoggedRun(run_id="12")
BY_NAME = {"runName": ["Genomics-Alignment-02dfbdd7"]}
BY_ARN = {"arn": [f"{ACCOUNT}:run/12"]}

# Objects of a manifest as the service writes them; values made up.
RUN_RECORD: dict[str, Any] = {
    "arn": f"{ACCOUNT}:run/12",
    "name": "Genomics-Alignment-02dfbdd7",
    "status": "FAILED",
    "failureReason": "RUN_TASK_FAILED",
    "statusMessage": "Run failed due to task: align",
    "startTime": "2026-11-22T22:07:35.000Z",
    "stopTime": "2026-11-22T22:17:35.000Z",
    "storageType": "DYNAMIC",
    "metrics": {"runningSeconds": 600.0, "storageMaximumGiB": 11.5},
}
TASK_RECORD: dict[str, Any] = {
    "arn": f"{ACCOUNT}:task/77",
    "run": f"{ACCOUNT}:run/12",
    "name": "align",
    "status": "FAILED",
    "failureReason": "RUN_TASK_FAILED",
    "statusMessage": "exit 1",
    "startTime": "2026-11-22T22:08:35.000Z",
    "stopTime": "2026-11-22T22:17:35.000Z",
    "cpus": 4,
    "memory": 8,
    "instanceType": "omics.c.xlarge",
    "metrics": {
        "cpusReserved": 4,
        "cpusMaximum": 3.8,
        "memoryReservedGiB": 8,
        "memoryMaximumGiB": 6.1,
        "runningSeconds": 540.0,
    },
}
EVENT_RECORD: dict[str, Any] = {
    "time": "2026-11-22T22:07:35Z",
    "detail": {
        "arn": f"{ACCOUNT}:run/12",
        "runId": "12",
        "runName": "Genomics-Alignment-02dfbdd7",
        "status": "FAILED",
        "failureReason": "RUN_TASK_FAILED",
        "statusMessage": "Run failed",
    },
}

COMMANDS = {"display", "fields", "filter", "limit", "parse", "sort", "stats"}
FUNCTIONS = {"ceil", "coalesce", "earliest", "latest", "max", "min"}
WORDS = {"and", "as", "asc", "by", "desc", "in", "like", "or"}

ABOUT_MANIFESTS = [log_queries.outcomes, log_queries.tasks, log_queries.processors, log_queries.memory]
ABOUT_EVENTS = [log_queries.status_changes, log_queries.durations]
ALL = [
    *(pytest.param(query([RUN]), id=query.__name__) for query in ABOUT_MANIFESTS),
    *(pytest.param(query([RUN]), id=query.__name__) for query in (log_queries.run_log, log_queries.task_logs)),
    *(pytest.param(query([BY_NAME]), id=query.__name__) for query in ABOUT_EVENTS),
]


def member(record: dict[str, Any], path: str) -> Any:
    value: Any = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def holds(condition: str, record: dict[str, Any]) -> bool:
    """Whether an event passes one condition of a filter: ``in`` a list, ``like`` a part or a regular expression."""
    if listed := re.fullmatch(r"(\S+) in \[(.*)\]", condition):
        wanted = [
            text.replace('\\"', '"').replace("\\\\", "\\") for text in re.findall(r'"((?:\\.|[^"])*)"', listed[2])
        ]
        return value_of(record, listed[1]) in wanted
    if pattern := re.fullmatch(r"(\S+) like /(.*)/", condition):
        return re.search(pattern[2].replace(r"\/", "/"), str(value_of(record, pattern[1]))) is not None
    part = re.fullmatch(r'(\S+) like "(.*)"', condition)
    assert part is not None, condition
    return part[2] in str(value_of(record, part[1]))


def value_of(record: dict[str, Any], name: str) -> Any:
    return record.get(name) if name.startswith("@") else member(record, name)


def found(query: Sequence[str], record: dict[str, Any], stream: str = "") -> bool:
    """Whether an event of a stream passes all filters of a query."""
    filters = [command.removeprefix("filter ") for command in query if command.startswith("filter ")]
    assert filters
    return all(
        any(holds(condition, record | {"@logStream": stream}) for condition in each.split(" or ")) for each in filters
    )


def names(command: str) -> set[str]:
    """The members that a command reads: neither words of the language nor names that it gives."""
    without_texts = re.sub(r'"(?:\\.|[^"])*"|/(?:\\.|[^/ ])*/', "", command)
    given = set(re.findall(r"\bas (\w+(?:, \w+)*)", without_texts))
    words = set(re.findall(r"@?[A-Za-z][\w.]*", without_texts.partition(" ")[2]))
    return words - WORDS - FUNCTIONS - {name for names in given for name in names.split(", ")}


@pytest.mark.parametrize("query", ALL)
def test_a_query_has_commands_of_the_language_only(query: list[str]) -> None:
    for command in query:
        functions = set(re.findall(r"(\w+)\(", re.sub(r"/.*/", "", command)))

        assert command.partition(" ")[0] in COMMANDS
        assert functions <= FUNCTIONS
        assert command.count('"') % 2 == 0
        assert "|" not in re.sub(r"/.*/", "", command)


@pytest.mark.parametrize("query", ALL)
def test_a_query_reads_members_that_the_logs_have(query: list[str]) -> None:
    given = {
        name
        for command in query
        for text in re.findall(r"\bas ([\w, ]+)", command)
        for name in re.split(r", ?| ", text)
    }
    for name in {name for command in query for name in names(command)} - given:
        known = [record for record in (RUN_RECORD, TASK_RECORD, EVENT_RECORD) if member(record, name) is not None]
        assert name in {"@timestamp", "@message", "@logStream"} or known, name


@pytest.mark.parametrize("run", [RUN, WITHOUT_UUID])
def test_a_manifest_is_found_by_its_stream(run: LoggedRun) -> None:
    stream = f"manifest/run/12/{UUID}"

    assert found(log_queries.outcomes([run]), RUN_RECORD, stream)
    assert not found(log_queries.outcomes([run]), TASK_RECORD, stream)
    for query in (log_queries.tasks([run]), log_queries.processors([run]), log_queries.memory([run])):
        assert found(query, TASK_RECORD, stream)
        assert not found(query, RUN_RECORD, stream)
        assert not found(query, TASK_RECORD, f"manifest/run/123/{UUID}")
        assert not found(query, TASK_RECORD, f"manifest/run/112/{UUID}")


def test_the_manifest_of_another_run_that_had_the_id_is_not_found() -> None:
    other = "manifest/run/12/00000000-0000-0000-0000-000000000000"

    assert not found(log_queries.tasks([RUN]), TASK_RECORD, other)
    assert found(log_queries.tasks([WITHOUT_UUID]), TASK_RECORD, other)


def test_the_log_of_a_run_is_found_by_its_streams() -> None:
    query = log_queries.run_log([RUN])

    assert all(found(query, {}, stream) for stream in ("run/12", "run/12/engine"))
    assert not any(found(query, {}, stream) for stream in ("run/123", "run/12/task/7", f"manifest/run/12/{UUID}"))


def test_the_logs_of_tasks_are_found_by_the_run_in_front() -> None:
    query = log_queries.task_logs([RUN, LoggedRun(run_id="34")])

    assert all(found(query, {}, stream) for stream in ("run/12/task/7", "run/34/task/8"))
    others = ("run/123/task/7", "run/112/task/7", "run/12", "run/12/engine", f"manifest/run/12/{UUID}")
    assert not any(found(query, {}, stream) for stream in others)


def test_several_runs_are_found_by_one_query() -> None:
    runs = [RUN, LoggedRun(run_id="34", run_uuid=UUID), LoggedRun(run_id="56")]

    for run_id in ("12", "34", "56"):
        assert found(log_queries.tasks(runs), TASK_RECORD, f"manifest/run/{run_id}/{UUID}")
        assert found(log_queries.run_log(runs), {}, f"run/{run_id}/engine")


@pytest.mark.parametrize("query", ABOUT_EVENTS)
@pytest.mark.parametrize("detail", [BY_NAME, BY_ARN])
def test_events_are_found_by_what_tells_the_run_from_others(
    query: Callable[[list[dict[str, list[str]]]], list[str]], detail: dict[str, list[str]]
) -> None:
    other = {**EVENT_RECORD, "detail": {**EVENT_RECORD["detail"], "runName": "other", "arn": f"{ACCOUNT}:run/123"}}

    assert found(query([detail]), EVENT_RECORD)
    assert not found(query([detail]), other)
    assert found(query([BY_NAME, {"arn": [f"{ACCOUNT}:run/123"]}]), other)


def test_the_longest_query_of_a_dashboard_has_room() -> None:
    """Queries have at most 10,000 characters, ids at most 18 digits, and names 128 characters."""
    runs = [LoggedRun(run_id="1" * 18, run_uuid=UUID)] * RUNS_LIMIT
    imported = [LoggedRun(run_id="1" * 18)] * RUNS_LIMIT
    names = [{"runName": ["n" * 128]}] * RUNS_LIMIT
    queries = [
        *(
            query(each)
            for query in (*ABOUT_MANIFESTS, log_queries.run_log, log_queries.task_logs)
            for each in (runs, imported)
        ),
        *(query(names) for query in ABOUT_EVENTS),
    ]

    assert max(len("\n| ".join(query)) for query in queries) < 10_000 - len("SOURCE '/aws/omics/WorkflowLog' | ")


def test_a_name_with_quotes_stays_one_text() -> None:
    name = 'the "first" \\ run'
    event = {"detail": {"runName": name}}

    assert found(log_queries.status_changes([{"runName": [name]}]), event)
    assert not found(log_queries.status_changes([{"runName": ["the"]}]), event)
