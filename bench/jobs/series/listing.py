"""List and show series, stacks and flavors with their recorded results."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bench.context import Context
from bench.jobs.series import page, subjects
from bench.jobs.series.results import (
    KeptResult,
    KeptResults,
    KeptSubject,
    base_of,
    is_stale,
    read,
)
from bench.report import headline
from bench.report.formats import terminal
from bench.util import TextTable, cell, harmless, print_json, print_table, stdout_console
from builder.patches import load

_COLUMNS = ("series", "ratio", "interval", "verdict", "builds", "against", "status")
_MANIFEST = ("title", "why", "applies_to", "upstream", "status", "effect", "mechanism")


def series(context: Context, *, name: str | None, as_json: bool) -> int:
    """List all, or those of a branch or experiment; with a full name, show one in detail."""
    pairs = [(subject, read(subject)) for subject in subjects.chosen(context, name)]
    is_one = name is not None and "/" in name.strip("/")
    if as_json:
        print_json([_as_json(context, subject, kept) for subject, kept in pairs])
    elif is_one:
        _show(context, *pairs[0])
    else:
        _list(pairs)
    return 0


def _as_json(context: Context, subject: KeptSubject, kept: KeptResults) -> dict[str, Any]:
    stale = [is_stale(result, subject) for result in kept.results]
    return {
        "name": subject.name,
        **_manifest(context, subject),
        "results": [
            {"stale": result_is_stale, **content}
            for result_is_stale, content in zip(stale, kept.contents, strict=True)
        ],
    }


def _manifest(context: Context, subject: KeptSubject) -> dict[str, Any]:
    """The metadata of a series; for a stack its series, for a flavor its content."""
    if subject.stack:
        return {"status": subject.status, "series": list(subject.stack)}
    if subject.flavor is not None:
        flavor = subject.flavor.stated
        return {"title": subject.title, "status": subject.status, "flavor": flavor}
    series = load(context.patches, subject.name)
    return {
        **{key: getattr(series, key) for key in _MANIFEST},
        "requires": list(series.requires),
        "conflicts": list(series.conflicts),
        "patches": [patch.name for patch in series.patches],
    }


def _list(pairs: Sequence[tuple[KeptSubject, KeptResults]]) -> None:
    table = TextTable(*_COLUMNS, prose=["against"])
    for subject, kept in pairs:
        for number, result in enumerate(kept.results or (None,)):
            stale = result is not None and is_stale(result, subject)
            name, status = ("", "") if number else (subject.name, subject.status)
            row = (name, *page.cells(result, stale=stale), status)
            table.add_row(*map(cell, row))
    print_table(table)


def _show(context: Context, subject: KeptSubject, kept: KeptResults) -> None:
    for key, value in {"name": subject.name, **_manifest(context, subject)}.items():
        if value == []:
            continue
        sys.stdout.write(f"{key:11} {harmless(_words(value))}\n")
    for result in kept.results:
        _show_result(subject, result)
    if not kept.results:
        sys.stdout.write("\nNot measured yet: no run is recorded.\n")


def _words(value: Any) -> str:
    """A value of a manifest or flavor as text, without the flavor's unset options."""
    if isinstance(value, Mapping):
        options = {key: option for key, option in value.items() if option not in (None, "", ())}
        return ", ".join(f"{key} = {_words(option)}" for key, option in options.items())
    if isinstance(value, list | tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _show_result(subject: KeptSubject, result: KeptResult) -> None:
    console = stdout_console()
    base, when = base_of(result), f"{result.when[:10]} on {result.host.cpu}"
    console.print(f"\n[bold]{cell(subject.name)}[/bold] against {cell(base)}, {cell(when)}")
    terminal.show_comparisons(result, console)
    for control in result.controls:
        console.print(cell(f"changing nothing: {page.controlled(control)}"))
    console.print(f"[bold]{cell(headline(result))}[/bold]")
    if is_stale(result, subject):
        console.print("[yellow]stale:[/yellow] it has changed since this run; measure it again")
