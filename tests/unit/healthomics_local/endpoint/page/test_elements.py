"""Nothing that a user wrote can become markup."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from healthomics_local.endpoint.page.elements import Markup, element, joined


class _Read(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# Browsers, and this parser, make one line end of two characters; that is no escape.
TEXT = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]))


@given(TEXT, TEXT)
def test_a_parser_finds_the_text_and_the_attribute_again(text: str, attribute: str) -> None:
    read = _Read()
    read.feed(element("p", text, title=attribute))
    read.close()

    assert (read.tags, read.text) == ([("p", {"title": attribute})], text)


def test_elements_are_not_escaped_twice() -> None:
    inner = element("b", "a & b")

    assert element("p", inner, " < ", [inner, None]) == ("<p><b>a &amp; b</b> &lt; <b>a &amp; b</b></p>")
    assert isinstance(joined(inner, "x"), Markup)


def test_text_put_together_by_hand_is_escaped() -> None:
    inner = element("b", "x")

    # A Markup that was formatted into a text is a text.
    assert element("p", f"{inner}") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"
    assert element("p", inner + "<script>") == "<p>&lt;b&gt;x&lt;/b&gt;&lt;script&gt;</p>"


def test_attributes() -> None:
    drawn = element("input", class_="a", aria_label="b", hidden=True, disabled=False, value=None, x=0)

    assert drawn == '<input class="a" aria-label="b" hidden x="0">'
