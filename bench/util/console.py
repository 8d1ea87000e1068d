"""Messages and progress of a command: a progress bar on a terminal, plain lines elsewhere.

Messages and progress go to stderr; stdout is for data.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from bench.util.text import harmless

if TYPE_CHECKING:  # importing rich takes as long as everything else that `patchbench --help` needs
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from bench.util.tables import TextTable

# Without a terminal, the minimum time in seconds between two lines of progress.
_PLAIN_SECONDS = 20.0


def stdout_console() -> Console:
    """Return a console for tables on stdout: as wide as the terminal, or 140 columns on a pipe."""
    from bench.util.streams import OutputConsole

    is_piped = not sys.stdout.isatty()
    console = OutputConsole(file=sys.stdout, highlight=False, width=140 if is_piped else None)
    console.is_piped = is_piped
    return console


class Bar:
    """Progress of one piece of work, counted in steps."""

    def __init__(self, show: Show, title: str, total: float | None) -> None:
        self._show = show
        self._title = title
        self._total = total or 0.0
        self._done = 0.0
        self._began = self._printed = time.monotonic()
        self._task: TaskID | None = None
        if show.bars is not None:
            self._task = show.bars.add_task(cell(title), total=total, note="", count="")

    def advance(self, steps: float = 1, note: str = "", left: float | None = None) -> None:
        """Count `steps` as completed; `note` describes them, `left` is the number of steps expected
        to remain.
        """
        self._done += steps
        if left is not None:
            self._total = self._done + left
        if self._show.bars is not None and self._task is not None:
            self._show.bars.update(self._task, advance=steps, total=self._total, note=cell(note))
        elif time.monotonic() - self._printed > _PLAIN_SECONDS:
            self._printed = time.monotonic()
            self._show.say(f"{self._title}: {self._done:.0f} of {self._total:.0f}{self._left()}")

    def set(self, done: float, total: float | None, note: str) -> None:
        """Show `done` of `total` steps on the bar, of an unknown number where it is None; without a
        bar nothing is printed. `note` says what remains: only the caller knows.
        """
        if self._show.bars is not None and self._task is not None:
            count = f"{done:.0f}" if total is None else f"{done:.0f}/{total:.0f}"
            self._show.bars.update(
                self._task, completed=done, total=total, note=cell(note), count=count
            )

    @property
    def is_drawn(self) -> bool:
        """Whether there is a bar on a terminal."""
        return self._task is not None

    def _left(self) -> str:
        spent = time.monotonic() - self._began
        if self._done <= 0 or self._done >= self._total:
            return ""
        return f", about {spent / self._done * (self._total - self._done):.0f} s left"

    def report(self, text: str) -> None:
        """Print a line about the progress, unless there is a bar whose note shows it."""
        if self._task is None:
            self._printed = time.monotonic()
            self._show.say(f"{self._title}: {text}{self._left()}")

    def close(self) -> None:
        """Remove the bar."""
        if self._show.bars is not None and self._task is not None:
            self._show.bars.remove_task(self._task)


class Show:
    """Messages and bars of one command."""

    def __init__(
        self, *, quiet: bool = False, verbose: bool = False, stream: TextIO | None = None
    ) -> None:
        from bench.util.streams import MessageConsole

        self.console: Console = MessageConsole(
            file=stream or sys.stderr, highlight=False, soft_wrap=True
        )
        self.quiet = quiet
        self.verbose = verbose
        self.bars: Progress | None = None

    def say(self, text: str) -> None:
        """Print a message of one line."""
        if not self.quiet:
            self.console.print(cell(text))

    def detail(self, text: str) -> None:
        """Print a command that is started; only with --verbose."""
        if self.verbose and not self.quiet:
            self.console.print(f"[dim]$ {cell(text)}[/dim]")

    @contextmanager
    def bar(self, title: str, total: float | None) -> Iterator[Bar]:
        """Show a progress bar for work of `total` steps; None for work that is shown by `Bar.set`,
        whose notes say what remains.
        """
        if self.quiet or not self.console.is_terminal:
            yield Bar(self, title, total)
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        counted = (
            (TextColumn("{task.completed:.0f}/{task.total:.0f}"), TimeRemainingColumn())
            if total is not None
            else (TextColumn("{task.fields[count]}"),)
        )
        columns = (
            TextColumn("{task.description}"),
            BarColumn(20 if total is None else 40),
            *counted,
            TextColumn("[dim]{task.fields[note]}[/dim]"),
        )
        with Progress(*columns, console=self.console, transient=True) as bars:
            self.bars = bars
            bar = Bar(self, title, total)
            try:
                yield bar
            finally:
                bar.close()
                self.bars = None


def print_json(data: Any) -> None:
    """Print `data` as JSON on stdout."""
    # In another encoding, what it lacks would be escaped by rules that are not those of JSON.
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=not is_utf8) + "\n")


def print_table(table: TextTable) -> None:
    """Print a table on stdout."""
    stdout_console().print(table)


def cell(text: object) -> str:
    """Escape text of unknown origin for a table: markup and control characters."""
    from rich.markup import escape

    return escape(harmless(str(text)))
