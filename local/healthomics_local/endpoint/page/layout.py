"""What every page has: head, header, main part, footer."""

from __future__ import annotations

from dataclasses import dataclass

from healthomics_local.endpoint.page.elements import Child, Markup, element, joined

_REFRESH_SECONDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What the header says about the endpoint."""

    region: str
    account_id: str
    clock: Markup
    """The time on the endpoint's clock, and which clock that is."""


def document(title: str, *content: Child, site: Site, changes: bool) -> Markup:
    """A whole page.

    Args:
        title: What it is about.
        content: The main part.
        site: What the header says.
        changes: Whether it can look different in a minute, and should be loaded again.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · local HealthOmics"),
        element("link", rel="icon", href="/page.svg", type="image/svg+xml"),
        element("link", rel="stylesheet", href="/page.css"),
        element("script", src="/page.js", defer=True),
        _refresh_without_script() if changes else None,
    )
    header = element(
        "header",
        element("a", "Local HealthOmics", href="/", class_="home"),
        element("p", f"{site.region} · {site.account_id} · ", site.clock, class_="quiet", **live("clock")),
    )
    # Empty until the script finds that the endpoint is gone.
    connection = element("p", role="alert", id="connection", hidden=True)
    body = element("body", header, connection, element("main", *content), data_changes="yes" if changes else None)
    return joined(Markup("<!DOCTYPE html>"), element("html", head, body, lang="en"))


def live(identity: str) -> dict[str, str]:
    """The attributes of an element that the script replaces when it has changed."""
    return {"id": identity, "data_live": "yes"}


def section(title: str, *content: Child, identity: str, quiet: Child = None) -> Markup:
    """A titled part of a page, which is kept up to date."""
    heading = element("h2", title, element("small", quiet) if quiet is not None else None, id=f"{identity}-title")
    return element("section", heading, *content, aria_labelledby=f"{identity}-title", **live(identity))


def table(caption: str, columns: tuple[str, ...], rows: list[tuple[Child, ...]]) -> Markup:
    """A table; the first cell of each row is its header.

    On a narrow screen the cells of a row stand below each other, so each knows the name of its column. To a
    screen reader a table that is laid out in another way is none any more, unless the roles say so.
    """
    names = (element("th", column, scope="col", role="columnheader") for column in columns)
    head = element("thead", element("tr", names, role="row"), role="rowgroup")
    body = element("tbody", (_row(columns, row) for row in rows), role="rowgroup")
    return element("table", element("caption", caption, class_="unseen"), head, body, role="table")


def definitions(entries: list[tuple[str, Child]]) -> Markup:
    """Names and values; what has no value is left out."""
    shown = [(name, value) for name, value in entries if value is not None and value != ""]
    return element("dl", (element("div", element("dt", name), element("dd", value)) for name, value in shown))


def _row(columns: tuple[str, ...], cells: tuple[Child, ...]) -> Markup:
    first, *others = cells
    return element(
        "tr",
        element("th", first, scope="row", role="rowheader"),
        (element("td", cell, role="cell", data_column=name) for name, cell in zip(columns[1:], others, strict=True)),
        role="row",
    )


def _refresh_without_script() -> Markup:
    return element("noscript", element("meta", http_equiv="refresh", content=_REFRESH_SECONDS))
