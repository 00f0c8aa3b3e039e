"""The indexes of the stored runs say what a look at every run would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from healthomics_local.endpoint.records import Run, Workflow
from healthomics_local.endpoint.run_table import RunFilter, RunTable
from healthomics_local.endpoint.statuses import RunStatus
from healthomics_local.endpoint.tables import Table

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORKFLOW = Workflow(workflow_id="1", uuid="w", arn="a", sequence=0, creation_time=NOW)
NAMES, GROUPS, BATCHES = [None, "a", "b"], [None, "1", "2"], [None, "7"]
IDS = st.sampled_from(["1", "2", "3", "4", "5"])
STATUSES = st.sampled_from(list(RunStatus))

CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("start"), IDS, st.sampled_from(NAMES), st.sampled_from(GROUPS), st.booleans()),
        st.tuples(st.just("move"), IDS, STATUSES),
        st.tuples(st.just("delete"), IDS),
    ),
    max_size=30,
)
FILTERS = st.builds(
    RunFilter,
    name=st.sampled_from(NAMES),
    status=st.none() | STATUSES.map(str),
    group=st.sampled_from(GROUPS),
    batch=st.sampled_from(BATCHES),
)


def run(run_id: str, sequence: int, name: str | None, group: str | None, *, removable: bool) -> Run:
    request: dict[str, Any] = {"name": name, "runGroupId": group}
    return Run(
        run_id=run_id,
        uuid=f"uuid-{sequence}",
        arn="arn",
        sequence=sequence,
        request={
            **{member: value for member, value in request.items() if value is not None},
            "retentionMode": "REMOVE" if removable else "RETAIN",
        },
        run_output_uri="s3://b",
        creation_time=NOW,
        workflow=WORKFLOW,
        batch_id="7" if sequence % 3 == 0 else None,
    )


@given(CHANGES, FILTERS, st.none() | st.integers(0, 30))
def test_the_indexes_follow_every_change(changes: list[tuple[Any, ...]], wanted: RunFilter, before: int | None) -> None:
    table, plain = RunTable(), dict[str, Run]()
    for sequence, change in enumerate(changes):
        match change:
            case ("start", run_id, name, group, removable):
                # Also in the place of another run: ids are used again.
                table[run_id] = plain[run_id] = run(run_id, sequence, name, group, removable=removable)
            case ("move", run_id, status) if run_id in plain:
                table[run_id] = plain[run_id] = replace(plain[run_id], status=status)
            case ("delete", run_id) if run_id in plain:
                del table[run_id]
                del plain[run_id]
            case _:
                pass

    runs = sorted(plain.values(), key=lambda each: -each.sequence)
    fitting = [
        each
        for each in runs
        if wanted.name in {None, each.name}
        and wanted.status in {None, each.status}
        and wanted.group in {None, each.request.get("runGroupId")}
        and wanted.batch in {None, each.batch_id}
        and (before is None or each.sequence < before)
    ]
    removable_runs = [each for each in runs if each.status.is_terminal and each.request["retentionMode"] == "REMOVE"]
    assert dict(table) == plain
    assert list(table.newest(wanted, before=before)) == fitting
    assert table.oldest_removable() == (removable_runs[-1] if removable_runs else None)
    assert {each: table.count(each) for each in RunStatus} == {
        each: sum(run.status is each for run in runs) for each in RunStatus
    }
    assert all(table.id_of(each.uuid) == each.run_id for each in runs)
    assert table.id_of("uuid-none") is None


def test_a_page_looks_at_no_more_runs_than_it_must() -> None:
    table = RunTable()
    for sequence in range(1000):
        table[str(sequence)] = run(str(sequence), sequence, f"name-{sequence}", str(sequence % 10), removable=False)
    looked_at: list[int] = []

    class Counting(RunFilter):
        def fits(self, run: Run) -> bool:
            looked_at.append(run.sequence)
            return super().fits(run)

    found = table.newest(Counting(status="PENDING", group="3"), before=500)

    assert [next(found).sequence for _ in range(3)] == [493, 483, 473]
    assert looked_at == [493, 483, 473]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers())))
def test_a_table_is_a_dictionary_that_knows_what_has_changed(changes: list[tuple[str, int | None]]) -> None:
    table: Table[str, int] = Table("numbers", key=str, value=int)
    table["before"] = 1
    table.track_changes()
    plain = {"before": 1}
    for key, value in changes:
        if value is not None:
            table[key] = plain[key] = value
        else:
            assert table.pop(key, None) == plain.pop(key, None)

    assert list(table.items()) == list(plain.items())
    touched = table.take_changes()
    assert set(touched) <= {key for key, _ in changes}
    assert set(touched) >= plain.keys() - {"before"}
    assert table.take_changes() == []
    table.put_back(touched)
    assert set(table.take_changes()) == set(touched)
