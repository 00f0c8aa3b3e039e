import pytest

from healthomics_local.endpoint.patterns import matches

ANY_VISIBLE = "[\\p{L}||\\p{M}||\\p{Z}||\\p{S}||\\p{N}||\\p{P}]+"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("plain", id="latin letters"),
        pytest.param("s3://bucket/a|b", id="punctuation and the bar"),
        pytest.param("Größe 検体 ①", id="letters of other scripts, and a number form"),
        pytest.param("e\u0301", id="combining mark"),
        pytest.param("a\u00a0b\u2028c", id="separators that are no controls"),
        pytest.param("🧬", id="symbol above the basic plane"),
    ],
)
def test_visible_text_matches(text: str) -> None:
    assert matches(ANY_VISIBLE, text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("a\nb", id="newline"),
        pytest.param("a\n", id="newline at the end"),
        pytest.param("a\tb", id="tab"),
        pytest.param("\u200b", id="format character"),
        pytest.param("\ue000", id="private use"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("\u0378", id="unassigned"),
    ],
)
def test_control_and_unassigned_characters_do_not_match(text: str) -> None:
    assert not matches(ANY_VISIBLE, text)


def test_the_whole_text_must_match() -> None:
    assert matches("[0-9]+", "123")
    assert not matches("[0-9]+", "123a")
    assert not matches("[0-9]+", "a123")


def test_digits_and_word_characters_are_ascii_as_in_java() -> None:
    assert not matches("[0-9]{12}", "\u0661" * 12)
    assert not matches("arn:aws(-\\w+)*", "arn:aws-é")
