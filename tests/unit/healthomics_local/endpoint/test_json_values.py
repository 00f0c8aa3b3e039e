import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_size import examples
from healthomics_local.endpoint.json_values import MAX_NESTING, parse_json

TEXT = st.text(st.characters(), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=6,
)


@given(value=VALUES)
@examples(200)
def test_what_is_read_can_be_written_again_by_anybody(value: object) -> None:
    text = json.dumps(value)
    try:
        read = parse_json(text)
    except ValueError:
        # Then it is something that only Python takes for JSON.
        with pytest.raises(ValueError, match=r"JSON compliant|surrogates not allowed"):
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    else:
        assert read == value
        json.dumps(read, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NaN", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("[1e400]", "1e400 is too large a number"),
        ('["\\ud800"]', "half of a surrogate pair"),
        ('{"\\uDFFF": 1}', "half of a surrogate pair"),
        ('"\\udc00\\ud800"', "half of a surrogate pair"),
        ("[" * 101 + "]" * 101, "more than 100 levels"),
        ('{"a":' * 101 + "1" + "}" * 101, "more than 100 levels"),
        ("[" * 100_000, "nested"),
        ("9" * 5000, "digits"),
        (b'"\xff"', "utf-8"),
        ('"x"'.encode("utf-16"), "utf-8"),
        (b'\xef\xbb\xbf"x"', "BOM"),
        ("", "Expecting value"),
        ("1 2", "Extra data"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_could_not_be_written_again_is_refused(text: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_json(text)


def test_as_many_levels_as_are_allowed_and_brackets_in_strings_are_fine() -> None:
    assert parse_json("[" * MAX_NESTING + "]" * MAX_NESTING)
    assert parse_json(json.dumps("[{" * 1000)) == "[{" * 1000
    assert parse_json(json.dumps([[] for _ in range(1000)]))
    assert parse_json('"\\ud83e\\uddec \\\\ud800"') == "🧬 \\ud800"
