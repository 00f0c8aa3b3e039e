"""Physical ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthomics_run_handler.contract import OUTPUT_URI_MAX_BYTES
from healthomics_run_handler.identity import (
    PHYSICAL_ID_MAX_BYTES,
    InventedId,
    Marker,
    RunIdentity,
    parse_physical_id,
    quote,
)

TEXT = st.text(min_size=1, max_size=40)


@given(run_id=TEXT, uuid=TEXT, spec_digest=TEXT, output_uri=st.text(max_size=60))
def test_a_run_comes_back_from_its_physical_id(run_id: str, uuid: str, spec_digest: str, output_uri: str) -> None:
    run = RunIdentity(run_id=run_id, uuid=uuid, spec_digest=spec_digest, output_uri=output_uri)

    assert parse_physical_id(run.physical_id()) == run


@given(request_id=TEXT, name=st.text(max_size=60), may_have_started=st.booleans())
def test_a_marker_comes_back_from_its_physical_id(request_id: str, name: str, may_have_started: bool) -> None:  # noqa: FBT001
    marker = Marker(request_id=request_id, may_have_started=may_have_started, name=name)

    assert parse_physical_id(marker.physical_id()) == marker


@given(text=st.text())
def test_every_text_is_some_physical_id(text: str) -> None:
    parsed = parse_physical_id(text)

    assert isinstance(parsed, RunIdentity | Marker | InventedId)


@pytest.mark.parametrize(
    "text",
    [
        "genomes-Alignment-1ABCDEF2GHIJK",
        "1234567",
        "run|1234567",
        "run||uuid|digest|uri",
        "run|1||digest|uri",
        "run|1|u|d|o|more",
        "request|r|maybe|name",
        "request|r|none",
        "",
    ],
)
def test_what_we_did_not_write_is_an_invented_id(text: str) -> None:
    assert parse_physical_id(text) == InventedId(text=text)


def test_the_longest_run_fits_into_a_physical_id() -> None:
    uri = "s3://" + "x" * (OUTPUT_URI_MAX_BYTES - 5) + "/" + "9" * 18 + "/" + "u" * 36
    run = RunIdentity(run_id="9" * 18, uuid="u" * 36, spec_digest="d" * 32, output_uri=uri)

    assert len(run.physical_id().encode()) <= PHYSICAL_ID_MAX_BYTES


def test_the_longest_marker_fits_into_a_physical_id() -> None:
    marker = Marker(request_id="r" * 36, may_have_started=True, name="\U0001d6fc" * 128)

    assert len(marker.physical_id().encode()) <= PHYSICAL_ID_MAX_BYTES


def test_the_physical_id_is_frozen() -> None:
    """CloudFormation holds these texts for years."""
    run = RunIdentity(run_id="1234567", uuid="u-u", spec_digest="d", output_uri="s3://b/50%|x/1234567")

    assert run.physical_id() == "run|1234567|u-u|d|s3://b/50%25%7Cx/1234567"
    assert Marker(request_id="r", may_have_started=False, name="n").physical_id() == "request|r|none|n"
    assert Marker(request_id="r", may_have_started=True, name="n").physical_id() == "request|r|unknown|n"


def test_quoting_is_only_what_is_needed() -> None:
    assert quote("s3://b/a b:c%7C") == "s3://b/a b:c%257C"
