"""What a person sees: steps as they happen and tables at the end; live on a terminal, plain lines in a pipe."""

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

PIPE_WIDTH: Final = 10_000
"""Nothing is wrapped in a pipe: what reads it wants whole lines."""


class Step(Protocol):
    """A step under way."""

    def update(self, detail: str) -> None:
        """Show what the step is doing now."""
        ...


class _LiveStep:
    """Replaces its detail in place."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = escape(title)
        self._width = console.width
        self.status = console.status(self._title)

    def update(self, detail: str) -> None:
        """Show the detail behind the title, cut to the terminal's width."""
        room = max(self._width - len(self._title) - 6, 10)
        self.status.update(f"{self._title} [dim]{escape(detail[:room])}[/dim]")


class _PlainStep:
    """Prints each new detail once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def update(self, detail: str) -> None:
        """Print the detail on a line of its own, unless it was just printed."""
        if detail != self._last:
            self._console.print(f"    {detail}", markup=False, highlight=False)
        self._last = detail


class Display:
    """Writes to one stream."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`; None is standard output."""
        target = stream or sys.stdout
        terminal = target.isatty()
        self._console = Console(file=target, highlight=False, width=None if terminal else PIPE_WIDTH)
        self._live = terminal

    @contextmanager
    def step(self, title: str) -> Generator[Step]:
        """Show that something is being done, then that it is done and how long it took."""
        started = time.monotonic()
        if self._live:
            live = _LiveStep(self._console, title)
            with live.status:
                yield live
        else:
            self.line(f"{title} ...")
            yield _PlainStep(self._console)
        seconds = f"{time.monotonic() - started:.1f} s"
        if self._live:
            self._console.print(f"[green]✓[/green] {escape(title)} [dim]{seconds}[/dim]")
        else:
            self.line(f"{title}: done ({seconds})")

    def line(self, text: str) -> None:
        """Print one line as it is."""
        self._console.print(text, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; nothing if it has no rows."""
        if not rows:
            return
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        with self._console.capture() as capture:
            self._console.print(table)
        self._console.print()
        # Rich pads every cell; the blanks at the ends of lines are noise in a pipe.
        for line in capture.get().rstrip("\n").splitlines():
            self._console.out(line.rstrip(), highlight=False)
