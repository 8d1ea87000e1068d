"""The formats of a report: each renders a result as files, by name.

A format's module is imported when it is used: charts need matplotlib, which takes a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from bench.results import Result

Files = Mapping[str, str | bytes]


def _html(result: Result) -> Files:
    from bench.report.formats import html

    return {"report.html": html.render(result)}


def _md(result: Result) -> Files:
    from bench.report.formats import markdown

    return {"report.md": markdown.render(result)}


def _mail(result: Result) -> Files:
    from bench.report.formats import mail

    return {"mail.txt": mail.render(result)}


def _submission(result: Result) -> Files:
    from bench.report.formats import submission

    return {"submission.md": submission.render(result)}


def _csv(result: Result) -> Files:
    from bench.report.formats import csv

    return {"report.csv": csv.render(result)}


def _ladder(result: Result) -> Files:
    from bench.report.formats import ladder

    return ladder.render(result)


def _charts(kind: str, result: Result) -> Files:
    from bench.report.charts import files as charts_files

    return charts_files.render(result, kind)


FORMATS: Mapping[str, Callable[[Result], Files]] = {
    "html": _html,
    "md": _md,
    "mail": _mail,
    "submission": _submission,
    "csv": _csv,
    "ladder": _ladder,
    "svg": partial(_charts, "svg"),
    "png": partial(_charts, "png"),
}
"""The formats that are written as files beside a result."""
OF_A_RUN = ("html", "md", "mail", "submission")
"""The formats that every run writes, and `report` without --format."""
PRINTED = ("json", "text")
"""The formats that are printed: for a program, and for a terminal."""


def render_all(result: Result) -> dict[str, str]:
    """The files that a run writes beside its result.json, by name."""
    names = (*OF_A_RUN, "ladder") if result.ladder else OF_A_RUN
    files = {file: text for name in names for file, text in FORMATS[name](result).items()}
    return {name: str(text) for name, text in files.items()}
