"""Draw ``docs/guide/dashboard.svg``: the layout of the dashboard that the example of the guide defines.

The example is run, and what its template says of each widget is drawn: place, title, kind, query. What a widget would
show is sketched, with the columns and legends of its query and no values.
"""

import argparse
import json
import re
import runpy
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide" / "observability.md"
PICTURE = ROOT / "docs" / "guide" / "dashboard.svg"

COLUMN, ROW, GAP, MARGIN, COLUMNS = 42, 36, 8, 12, 24
PADDING, LINE, CHARACTER = 12, 14, 6.05
"""Of a widget's text: space around it, and in queries the height of a line and the width of a letter."""

STYLE = """
svg { --ground: #f2f3f3; --widget: #ffffff; --edge: #c6c6cd; --text: #16191f; --quiet: #5f6b7a; --faint: #e3e6ea;
      --link: #0972d3; --first: #0972d3; --second: #e07941; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0f141a; --widget: #192534; --edge: #414d5c; --text: #e9ebed; --quiet: #a3b1c2; --faint: #2f3d4f;
        --link: #539fe5; --first: #539fe5; --second: #f0a06a; }
}
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--text); }
.title { font-weight: 600; font-size: 14px; }
.kind { font-size: 11px; fill: var(--quiet); text-anchor: end; }
.column { font-size: 12px; font-weight: 600; fill: var(--quiet); }
.legend { font-size: 12px; fill: var(--quiet); }
.link { fill: var(--link); }
.query { font: 10px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: var(--quiet); }
.ground { fill: var(--ground); } .widget { fill: var(--widget); stroke: var(--edge); }
.faint { fill: var(--faint); } .first { fill: var(--first); } .second { fill: var(--second); }
.line { stroke: var(--faint); }
"""


@dataclass(frozen=True)
class Widget:
    """A widget as the body of a dashboard has it, and its place in pixels."""

    kind: str
    properties: dict[str, Any]
    x: float
    y: float
    width: float
    height: float

    @property
    def query(self) -> list[str]:
        """The commands of the query; the log groups are the first."""
        commands: list[str] = self.properties["query"].split("\n| ")
        sources, _, first = commands[0].rpartition(" | ")
        return [sources, first, *commands[1:]]


def example_body() -> dict[str, Any]:
    """The body of the dashboard of the guide's first example; references as ``<attribute>``."""
    (code, *_) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "app.py"
        file.write_text(code, encoding="utf-8")
        app = runpy.run_path(str(file))["app"]
    (stack,) = app.synth().stacks
    resources = stack.template["Resources"].values()
    (dashboard,) = [each for each in resources if each["Type"] == "AWS::CloudWatch::Dashboard"]
    _, parts = dashboard["Properties"]["DashboardBody"]["Fn::Join"]
    body: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else _reference(part) for part in parts))
    return body


def _reference(value: dict[str, Any]) -> str:
    ((_, (logical_id, attribute)),) = value.items()
    return f"<{attribute}>" if attribute != "Arn" else re.sub(r"[0-9A-F]{8}$", "", logical_id)


def picture(body: dict[str, Any]) -> str:
    """A dashboard as SVG."""
    widgets = [
        Widget(
            each["type"],
            each["properties"],
            x=MARGIN + each["x"] * COLUMN + GAP / 2,
            y=MARGIN + each["y"] * ROW + GAP / 2,
            width=each["width"] * COLUMN - GAP,
            height=each["height"] * ROW - GAP,
        )
        for each in body["widgets"]
    ]
    width = 2 * MARGIN + COLUMNS * COLUMN
    height = 2 * MARGIN + ROW * max(each["y"] + each["height"] for each in body["widgets"])
    titles = ", ".join(_title(widget) for widget in widgets)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'role="img">',
        f"<title>{escape(f'Layout of the dashboard: {titles}')}</title>",
        f"<style>{STYLE}</style>",
        _box("ground", 0, 0, width, height, radius=8),
        *(line for widget in widgets for line in _widget(widget)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _title(widget: Widget) -> str:
    return str(widget.properties.get("title", "Runs, with links"))


def _widget(widget: Widget) -> Iterator[str]:
    left, right, top = widget.x + PADDING, widget.x + widget.width - PADDING, widget.y + 22
    yield _box("widget", widget.x, widget.y, widget.width, widget.height, radius=6)
    yield _text("title", left, top, _title(widget))
    match widget.kind:
        case "log":
            yield _text("kind", right, top, f"log query, {widget.properties['view']}")
            yield from _log(widget, left, top + 24)
        case "alarm":
            yield _text("kind", right, top, "alarm states")
            yield from _alarms(widget.properties["alarms"], left, top + 12)
        case "text":
            yield _text("kind", right, top, "text")
            yield from _table(widget.properties["markdown"].splitlines(), left, right - left, top + 24)
        case other:
            raise ValueError(f"no picture of a widget of the kind {other!r}: draw it in {__file__}")


def _log(widget: Widget, left: float, top: float) -> Iterator[str]:
    """A sketch of the result, and the query: beside it in wide widgets, else below it."""
    inner, bottom = widget.width - 2 * PADDING, widget.y + widget.height - PADDING
    beside = widget.width > COLUMNS * COLUMN * 0.8
    query_left = left + inner * 0.54 if beside else left
    query = list(_wrapped(widget.query, int((left + inner - query_left) / CHARACTER)))
    query_top = top if beside else bottom - LINE * (len(query) - 1)
    if beside:
        sketch_width, sketch_bottom = inner * 0.52, bottom
        yield f'<path class="line" d="M{_n(query_left - 12)} {_n(top - 10)}V{_n(bottom)}"/>'
    else:
        sketch_width, sketch_bottom = inner, query_top - LINE - 8
        yield f'<path class="line" d="M{_n(left)} {_n(query_top - LINE - 2)}h{_n(inner)}"/>'
    if widget.properties["view"] == "bar":
        yield from _bars(widget.query, left, sketch_width, top - 6, sketch_bottom)
    else:
        yield from _columns(_shown(widget.query), left, sketch_width, top, sketch_bottom)
    for number, line in enumerate(query):
        yield _text("query", query_left, query_top + number * LINE, line)


def _shown(commands: Sequence[str]) -> list[str]:
    """The columns of a query's result."""
    for command in reversed(commands):
        if command.startswith("display "):
            return command.removeprefix("display ").split(", ")
        if command.startswith("stats "):
            values, _, groups = command.partition(" by ")
            return [*groups.split(", "), *re.findall(r" as (\w+)", values)]
    raise ValueError(f"the query {commands} neither displays members nor computes any")


def _columns(names: Sequence[str], left: float, width: float, top: float, bottom: float) -> Iterator[str]:
    """A table with a name above each column, and rows as far as there is room."""
    short = [name.rpartition(".")[2] for name in names]
    room = [len(name) + 3 for name in short]
    x = left
    for name, share in zip(short, room, strict=True):
        span = width * share / sum(room)
        yield _text("column", x, top, name)
        for number in range(max(0, int((bottom - top) // 16))):
            yield _box("faint", x, top + 10 + 16 * number, span * (0.75 - 0.12 * ((number + share) % 3)), 8, radius=4)
        x += span


def _bars(commands: Sequence[str], left: float, width: float, top: float, bottom: float) -> Iterator[str]:
    """Pairs of bars, a legend beside them."""
    (stats,) = [command for command in commands if command.startswith("stats ")]
    for number, (kind, name) in enumerate(zip(("first", "second"), re.findall(r" as (\w+)", stats), strict=True)):
        y = top + 10 + 18 * number
        yield _box(kind, left + width - 78, y - 9, 10, 10, radius=2)
        yield _text("legend", left + width - 62, y, name)
    groups, height = 8, bottom - top
    span = (width - 100) / groups
    for group in range(groups):
        reserved = height * (1 - 0.1 * group)
        for number, (kind, tall) in enumerate(
            (("first", reserved), ("second", reserved * (0.9, 0.45, 0.7)[group % 3]))
        ):
            yield _box(kind, left + span * group + 16 * number, bottom - tall, 14, tall, radius=2)


def _alarms(names: Sequence[str], left: float, top: float) -> Iterator[str]:
    x = left
    for name in names:
        width = len(name) * 7.4 + 2 * PADDING
        yield _box("faint", x, top, width, 34, radius=5)
        yield _text("", x + PADDING, top + 22, name)
        x += width + GAP


def _table(markdown: Sequence[str], left: float, width: float, top: float) -> Iterator[str]:
    """A table of Markdown: bold texts, links and code without their marks."""
    head, _, *rows = [[cell.strip() for cell in line.split("|")] for line in markdown]
    starts = [left + width * share for share in (0, 0.25, 0.42, 0.72)]
    for x, cell in zip(starts, head, strict=True):
        yield _text("column", x, top, cell)
    for number, row in enumerate(rows, start=1):
        for x, cell in zip(starts, row, strict=True):
            spans = [
                f'<tspan class="link">{escape(link)}</tspan>'
                if link
                else escape(text.replace("*", "").replace("`", ""))
                for link, text in re.findall(r"\[([^\]]*)\]\([^)]*\)|([^\[]+)", cell)
            ]
            yield f'<text x="{_n(x)}" y="{_n(top + 24 * number)}">{"".join(spans)}</text>'


def _wrapped(commands: Sequence[str], room: int) -> Iterator[str]:
    for number, command in enumerate(commands):
        line = command if number == 0 else f"| {command}"
        while len(line) > room:
            cut = line.rfind(" ", 4, room)
            cut = room if cut < 0 else cut
            yield line[:cut]
            line = f"    {line[cut:].lstrip()}"
        yield line


def _box(kind: str, x: float, y: float, width: float, height: float, *, radius: int) -> str:
    return f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{radius}"/>'


def _text(kind: str, x: float, y: float, text: str) -> str:
    space = ' xml:space="preserve"' if text.startswith(" ") else ""
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}"{space}>{escape(text)}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def main() -> int:
    """Draw the picture, or say whether the one that is there is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="draw nothing; fail if the picture is out of date")
    arguments = parser.parse_args()
    drawn = picture(example_body())
    if arguments.check:
        if PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == drawn:
            return 0
        print(f"{PICTURE.relative_to(ROOT)} is out of date: python scripts/dashboard_picture.py", file=sys.stderr)
        return 1
    PICTURE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
