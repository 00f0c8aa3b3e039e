"""Patterns of rules about runs that are known by their names, when these are too many."""

import json
from typing import Any

import pytest

from cdk_healthomics.named_runs import PATTERN_LIMIT, NamedRuns

ACCOUNT = "123456789012"
TOKEN = "${Token[TOKEN.1]}"


def named(*, default: list[str] | None = None, given: list[str] | None = None) -> NamedRuns:
    runs = NamedRuns(["FAILED"], account=ACCOUNT)
    for name in default or []:
        runs.add(name, is_default=True)
    for name in given or []:
        runs.add(name, is_default=False)
    return runs


def names_of(pattern: dict[str, Any]) -> Any:
    return pattern["detail"].get("runName")


MANY = [f"Genomics-Sample{number:03}-0123abcd" for number in range(80)]
LONG = [f"{number:03}-{'x' * 90}" for number in range(40)]


def test_a_few_names_are_named() -> None:
    runs = named(default=["a", "b"], given=["c"])

    assert runs.pattern() == {
        "source": ["aws.omics"],
        "detail-type": ["Run Status Change"],
        "account": [ACCOUNT],
        "detail": {"runName": ["a", "b", "c"], "status": ["FAILED"]},
    }
    assert runs.loose_pattern() == runs.pattern()
    assert runs.problem() is None


def test_many_default_names_become_their_beginning_and_the_given_ones_stay() -> None:
    runs = named(default=MANY, given=["odd"])

    assert names_of(runs.pattern()) == names_of(runs.loose_pattern()) == [{"prefix": "Genomics-Sample0"}, "odd"]
    assert runs.problem() is None


def test_too_many_given_names_are_a_problem_unless_the_pattern_may_be_loose() -> None:
    runs = named(default=["Genomics-Run"], given=[*LONG, "odd"])

    assert names_of(runs.pattern()) == [{"prefix": "Genomics-Run"}, *LONG, "odd"]
    assert "would name 41 runs, and its pattern be longer than the 2,048 characters" in str(runs.problem())
    # As long beginnings as there is room for; one odd name does not make it a rule about all runs.
    assert names_of(runs.loose_pattern()) == [
        {"prefix": "Genomics-Run"},
        *({"prefix": f"0{tens}"} for tens in range(4)),
        "odd",
    ]


def test_names_without_a_common_beginning_may_become_any_name() -> None:
    letters = [chr(ord("!") + number) for number in range(90)]
    runs = named(given=[letter + "x" * 60 for letter in letters])

    assert names_of(runs.loose_pattern()) is None
    assert runs.loose_pattern()["detail"] == {"status": ["FAILED"]}


@pytest.mark.parametrize("count", range(1, 60, 7))
def test_a_loose_pattern_has_room(count: int) -> None:
    loose = named(given=LONG[:count], default=MANY[:count]).loose_pattern()

    assert len(json.dumps(loose)) <= PATTERN_LIMIT


def test_a_name_that_only_the_deployment_knows_counts_as_long_and_is_not_cut() -> None:
    few, many = named(given=[TOKEN] * 3), named(given=[f"run-{TOKEN}{number}" for number in range(20)])

    assert names_of(few.pattern()) == [TOKEN] * 3
    assert names_of(many.loose_pattern()) == [{"prefix": "run-"}]
    assert names_of(named(given=[f"{TOKEN}{number}" for number in range(20)]).loose_pattern()) is None
