"""Records come back from their stored form as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthomics_local.endpoint.records import LedgerEntry, Run, RunProgress, Workflow
from healthomics_local.endpoint.script import RunScript, TaskDemand
from healthomics_local.endpoint.state import State
from healthomics_local.endpoint.stored_form import Blobs, StoredFormError, form_of
from healthomics_local.endpoint.tables import Table


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    content: bytes = b""


@dataclass(frozen=True)
class Outer:
    text: str
    number: int = 1
    part: float = 0.5
    yes: bool = False
    colour: Colour = Colour.RED
    at: datetime | None = None
    inner: Inner = field(default_factory=Inner)
    maybe: Inner | None = None
    many: tuple[Inner, ...] = ()
    pair: tuple[str, int] = ("", 0)
    names: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    either: str | Inner = ""
    anything: Any = None


def round_trip(hint: Any, value: Any) -> Any:
    blobs: Blobs = {}
    text = json.dumps(form_of(hint).store(value, blobs))
    return form_of(hint).restore(json.loads(text), blobs)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(),
        st.binary(),
        st.datetimes(timezones=st.just(UTC)),
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(st.one_of(st.text(), st.sampled_from(["$date", "$blob", "$map", "$"])), inner),
    ),
    max_leaves=10,
)
INNER = st.builds(Inner, content=st.binary())
OUTER = st.builds(
    Outer,
    text=st.text(),
    number=st.integers(),
    part=st.floats(allow_nan=False),
    yes=st.booleans(),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    inner=INNER,
    maybe=st.none() | INNER,
    many=st.lists(INNER).map(tuple),
    pair=st.tuples(st.text(), st.integers()),
    names=st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers())),
    either=st.text() | INNER,
    anything=VALUES,
)


@given(OUTER)
def test_a_record_comes_back_as_it_was(record: Outer) -> None:
    assert round_trip(Outer, record) == record


def test_a_tuple_of_any_type_comes_back_as_a_list_as_json_has_it() -> None:
    assert round_trip(Any, ("a", (1,))) == ["a", [1]]


def test_bytes_are_stored_once_however_often_they_are_used() -> None:
    archive = b"PK" * 1000
    blobs: Blobs = {}

    stored = form_of(Outer).store(Outer(text="x", inner=Inner(archive), maybe=Inner(archive), anything=archive), blobs)

    assert list(blobs.values()) == [archive]
    assert len(json.dumps(stored)) < 500


@pytest.mark.parametrize(
    ("hint", "stored"),
    [
        pytest.param(Outer, {}, id="a member is missing"),
        pytest.param(Outer, {"text": "x", "colour2": "red"}, id="an unknown member"),
        pytest.param(Outer, [], id="no object"),
        pytest.param(Outer, {"text": 1}, id="a number for a text"),
        pytest.param(Outer, {"text": "x", "number": True}, id="a boolean for a number"),
        pytest.param(Outer, {"text": "x", "number": 1.5}, id="half a number"),
        pytest.param(Outer, {"text": "x", "colour": "blue"}, id="an unknown value"),
        pytest.param(Outer, {"text": "x", "at": "yesterday"}, id="no date"),
        pytest.param(Outer, {"text": "x", "many": "x"}, id="no array"),
        pytest.param(Outer, {"text": "x", "pair": ["a"]}, id="half a pair"),
        pytest.param(Outer, {"text": "x", "either": [2, ""]}, id="an unknown alternative"),
        pytest.param(Outer, {"text": "x", "names": []}, id="no mapping"),
        pytest.param(None, 1, id="something for nothing"),
    ],
)
def test_what_does_not_fit_the_hints_is_refused(hint: Any, stored: Any) -> None:
    with pytest.raises(StoredFormError):
        form_of(hint).restore(stored, {})


@pytest.mark.parametrize("hint", [object, set[str], Mapping[int, str], list[str]])
def test_a_type_that_has_no_stored_form_is_an_error_of_this_package(hint: Any) -> None:
    with pytest.raises(TypeError, match=r"stored mapping|no stored form"):
        form_of(hint)


def test_a_value_of_any_type_must_be_one_that_json_has() -> None:
    with pytest.raises(TypeError, match="no stored form for a set"):
        form_of(Any).store({"a": {1}}, {})


@pytest.mark.parametrize(
    "table", [each for each in vars(State()).values() if isinstance(each, Table)], ids=lambda t: t.name
)
def test_every_table_of_the_state_has_a_stored_form(table: Table[Any, Any]) -> None:
    assert form_of(table.key_type)
    assert form_of(table.value_type)


@pytest.mark.parametrize("kind", [Run, Workflow, RunProgress, LedgerEntry])
def test_hints_can_be_read_at_run_time(kind: Any) -> None:
    assert get_type_hints(kind).keys() == {each.name for each in fields(kind)}


def test_a_script_comes_back_with_its_demands() -> None:
    script = RunScript(tasks=("a", TaskDemand(name="b", cpus=4)), running_seconds=1.5)

    assert round_trip(RunScript, script) == script
