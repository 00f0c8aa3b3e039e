"""The ledger tags."""

from hypothesis import given
from hypothesis import strategies as st

from handler_fakes import create
from healthomics_run_handler import contract, ledger
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.request import parse_request

REQUEST = parse_request(create())
EARLIER = RunIdentity(run_id="1", uuid="u-1", spec_digest="d-1", output_uri="s3://b/out/1")


def run(**tags: str) -> Run:
    return Run(run_id="7", uuid="u-7", arn="arn", status="RUNNING", output_uri="s3://b/7", tags=tags)


@given(uri=st.text(min_size=1, max_size=250))
def test_what_a_run_replaces_comes_back_from_its_tags(uri: str) -> None:
    earlier = RunIdentity(run_id="1", uuid="u-1", spec_digest="d", output_uri=uri)

    tags = ledger.tags_at_start(REQUEST, generation=0, spec_digest="new", replaces=earlier)

    pieces = [tags[key] for key in ledger.REPLACES_URI if key in tags]
    if pieces:
        assert run(**tags).replaces == earlier
    else:
        assert len(uri.encode()) * 3 > 4 * 256
    assert all(0 <= len(value) <= 256 for value in tags.values())


@given(uri=st.text(alphabet="abc/:.-_ @+ABC=%|é", min_size=1, max_size=300))
def test_tags_hold_only_what_aws_allows_in_a_tag(uri: str) -> None:
    earlier = RunIdentity(run_id="1", uuid="u-1", spec_digest="d", output_uri=uri)
    tags = ledger.tags_at_start(REQUEST, generation=0, spec_digest="new", replaces=earlier)

    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 +-=._:/@")
    assert all(set(key + value) <= allowed for key, value in tags.items())


def test_a_uri_that_does_not_fit_is_left_out_as_a_whole() -> None:
    earlier = RunIdentity(run_id="1", uuid="u-1", spec_digest="d", output_uri="é" * 400)

    tags = ledger.tags_at_start(REQUEST, generation=0, spec_digest="new", replaces=earlier)

    assert not set(ledger.REPLACES_URI) & set(tags)
    found = run(**tags).replaces
    assert found is not None
    assert (found.uuid, found.output_uri) == ("u-1", "")


def test_there_are_never_more_ledger_tags_than_the_contract_says() -> None:
    earlier = RunIdentity(run_id="1", uuid="u-1", spec_digest="d", output_uri="x" * 1024)
    tags = ledger.tags_at_start(REQUEST, generation=3, spec_digest="new", replaces=earlier)

    assert len({*tags, ledger.ATTEMPTED, ledger.RELEASED}) == contract.LEDGER_TAG_LIMIT
    assert all(key.startswith(contract.LEDGER_TAG_PREFIX) for key in tags)


def test_a_first_run_replaces_none() -> None:
    tags = ledger.tags_at_start(REQUEST, generation=0, spec_digest="new", replaces=None)

    assert run(**tags).replaces is None
    assert run(**{ledger.REPLACES: "garbage"}).replaces is None


def test_a_run_belongs_to_the_resource_whose_stack_and_logical_id_it_bears() -> None:
    tags = ledger.tags_at_start(REQUEST, generation=0, spec_digest="new", replaces=None)

    assert run(**tags).belongs_to(REQUEST)
    assert not run(**{**tags, ledger.STACK_ID: "other"}).belongs_to(REQUEST)
    assert not run(**{**tags, ledger.LOGICAL_ID: "other"}).belongs_to(REQUEST)
    assert not run().belongs_to(REQUEST)


def test_a_run_knows_the_request_that_started_it_in_whichever_generation() -> None:
    tags = ledger.tags_at_start(REQUEST, generation=12, spec_digest="new", replaces=None)

    assert run(**tags).started_by("create-1")
    assert not run(**tags).started_by("create")
    assert not run().started_by("create-1")
    assert run(**{ledger.REQUEST: "a/b/0"}).started_by("a/b")


def test_tag_changes_touch_only_what_the_template_has_or_had() -> None:
    current = run(**{"old": "1", "kept": "2", "changed": "3", "theirs": "4", ledger.SPEC: "d", ledger.RELEASED: "x"})

    to_set, to_remove = ledger.tag_changes(
        run=current,
        wanted={"kept": "2", "changed": "9", "new": "5"},
        before={"old": "1", "kept": "2", "gone already": "0", ledger.SPEC: "d"},
    )

    assert to_set == {"changed": "9", "new": "5"}
    assert to_remove == ["old"]


def test_a_response_without_tags_is_a_run_without_tags() -> None:
    parsed = ledger.run_from_response({"id": "7", "tags": None})

    assert (parsed.tags, parsed.uuid, parsed.status, parsed.released, parsed.active) == ({}, "", "", False, False)
    assert (parsed.arn, parsed.output_uri, parsed.name) == ("", "", "")


def test_the_identity_of_a_run_has_its_spec() -> None:
    assert run(**{ledger.SPEC: "d-7"}).identity().spec_digest == "d-7"
    assert run().identity().spec_digest == "unknown"
    assert EARLIER.physical_id() == "run|1|u-1|d-1|s3://b/out/1"


def test_a_run_knows_when_its_request_was_sent() -> None:
    earlier, later = "20261122T101500Z", "20261122T101501Z"
    event = create()
    at = {
        date: parse_request({**event, "ResponseURL": f"{event['ResponseURL']}&X-Amz-Date={date}"})
        for date in (earlier, later)
    }
    started = run(**ledger.tags_at_start(at[earlier], generation=0, spec_digest="d", replaces=None))

    assert started.delivery == at[earlier].delivery
    assert not started.sent_after(at[earlier])
    assert not started.sent_after(at[later])
    assert run(**ledger.tags_at_start(at[later], generation=0, spec_digest="d", replaces=None)).sent_after(at[earlier])
    assert started.sent_before(later)
    assert not started.sent_before(earlier)


def test_without_a_date_nothing_is_earlier_or_later() -> None:
    started = run(**ledger.tags_at_start(REQUEST, generation=0, spec_digest="d", replaces=None))

    assert not started.sent_after(REQUEST)
    assert not started.sent_before("20261122T101500Z")
    assert not run(**{ledger.DELIVERY: "20261122T101500Z/x"}).sent_after(REQUEST)
    assert not run().sent_before("20261122T101500Z")
    dated = parse_request({**create(), "ResponseURL": "https://x/?X-Amz-Date=20261122T101500Z"})
    assert not run().sent_after(dated)
