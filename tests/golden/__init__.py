"""Files that hold, to the letter, what reports look like.

`python -m tests.golden` writes them anew; read the difference before it is committed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench.jobs.series import page
from bench.jobs.series.results import KeptResults, extract, of_series
from bench.nightly.mail import compose
from bench.report.formats import mail, markdown, submission, terminal
from bench.results.result import parse_document
from bench.results.shape import Result
from tests.golden import changes, nights
from tests.golden import specimen as specimens

FOLDER = Path(__file__).parent
WIDTH = 140


def result() -> Result:
    """The specimen as its readers get it."""
    return parse_document(specimens.specimen())


def commit() -> Result:
    """A commit as the candidate."""
    return parse_document(changes.commit())


def several() -> Result:
    """Several arms that were not tested."""
    return parse_document(changes.several())


def terminal_text(of: Callable[[], Result] = result) -> str:
    """A result as a terminal shows it, without colours."""
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH, color_system=None, highlight=False)
    terminal.show(of(), console)
    # The table fills its last column with blanks.
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def series_page() -> str:
    """RESULT.md of a series that the specimen's run measured."""
    run = specimens.specimen()
    subject = of_series(specimens.SERIES, Path("patches"))
    content = extract(run, run["candidates"][0], subject, ())
    return page.render(KeptResults(name=subject.name, contents=(content,)))


FILES: dict[str, Callable[[], str]] = {
    "result.json": lambda: json.dumps(specimens.specimen(), indent=1, ensure_ascii=False) + "\n",
    "report.md": lambda: markdown.render(result()),
    "mail.txt": lambda: mail.render(result()),
    "submission.md": lambda: submission.render(result()),
    "terminal.txt": terminal_text,
    "commit-report.md": lambda: markdown.render(commit()),
    "commit-mail.txt": lambda: mail.render(commit()),
    "commit-submission.md": lambda: submission.render(commit()),
    "commit-terminal.txt": lambda: terminal_text(commit),
    "several-report.md": lambda: markdown.render(several()),
    "several-mail.txt": lambda: mail.render(several()),
    "several-submission.md": lambda: submission.render(several()),
    "several-terminal.txt": lambda: terminal_text(several),
    "RESULT.md": series_page,
    "night.txt": lambda: (
        f"Subject: {compose.subject(nights.night())}\n\n{compose.body(nights.night())}"
    ),
}


def read(name: str) -> str:
    """A golden file."""
    return (FOLDER / name).read_text(encoding="utf-8")


def write() -> None:
    """All of them anew."""
    for name, make in FILES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
