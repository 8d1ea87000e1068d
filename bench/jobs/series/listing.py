"""The series, their stacks and flavors: listed and shown with what runs found of them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from bench.context import Context
from bench.jobs.series import page as pages
from bench.jobs.series import results as keeping
from bench.jobs.series import subjects
from bench.jobs.series.results import KeptResults, KeptSubject, Result
from bench.report import headline
from bench.report.formats import terminal
from bench.util import cell, harmless, print_json, print_table, stdout_console
from builder.errors import DataError
from builder.patches import load

_COLUMNS = ("series", "ratio", "interval", "verdict", "builds", "against", "status")
# A narrow terminal has those of the verdict, whole; one series shows all the rest.
_FIRST, _WIDE = 4, 120
_MANIFEST = ("title", "why", "applies_to", "upstream", "status", "effect", "mechanism")


def series(context: Context, *, name: str | None, as_json: bool) -> int:
    """List all, or those of a branch or experiment; or show one with all that was found."""
    pairs = [(one, keeping.read(one)) for one in subjects.chosen(context, name)]
    is_one = name is not None and "/" in name.strip("/")
    with readable(str(pairs[0][0].folder / keeping.FILE) if is_one else keeping.FILE):
        if as_json:
            print_json([_told(context, one, kept) for one, kept in pairs])
        elif is_one:
            _show(context, *pairs[0])
        else:
            _list(pairs)
    return 0


@contextlib.contextmanager
def readable(where: str) -> Iterator[None]:
    """A result that lacks something deep inside is a damaged file, and no bug."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, _template_error()) as error:
        raise DataError(
            "The result is damaged: it lacks what is needed of it.",
            where=f"{where}: {type(error).__name__}: {error}",
            hint="Get it again from where it was made.",
        ) from error


def _template_error() -> type[Exception]:
    """Asked for only when something failed: jinja2 takes longer than to list all series."""
    from jinja2 import TemplateError

    return TemplateError


def _told(context: Context, one: KeptSubject, kept: KeptResults) -> dict[str, Any]:
    stale = [keeping.is_stale(result, one) for result in kept.results]
    return {
        "name": one.name,
        **_manifest(context, one),
        "results": [
            {"stale": is_stale, **result}
            for is_stale, result in zip(stale, kept.results, strict=True)
        ],
    }


def _manifest(context: Context, one: KeptSubject) -> dict[str, Any]:
    """What a series says of itself; of a stack or flavor, what it is."""
    if one.stack:
        return {"status": one.status, "series": list(one.stack)}
    if one.flavor is not None:
        return {"title": one.title, "status": one.status, "flavor": one.flavor.content}
    series = load(context.patches, one.name)
    return {
        **{key: getattr(series, key) for key in _MANIFEST},
        "requires": list(series.requires),
        "conflicts": list(series.conflicts),
        "patches": [patch.name for patch in series.patches],
    }


def _list(pairs: Sequence[tuple[KeptSubject, KeptResults]]) -> None:
    columns = _COLUMNS if stdout_console().width >= _WIDE else _COLUMNS[:_FIRST]
    table = Table(box=None, pad_edge=False)
    for title in columns:
        table.add_column(title, no_wrap=title in _COLUMNS[:_FIRST])
    for one, kept in pairs:
        for number, result in enumerate(kept.results or (None,)):
            stale = result is not None and keeping.is_stale(result, one)
            name, status = ("", "") if number else (one.name, one.status)
            told = (name, *pages.cells(result, stale=stale), status)
            table.add_row(*map(cell, told[: len(columns)]))
    print_table(table)


def _show(context: Context, one: KeptSubject, kept: KeptResults) -> None:
    for key, value in {"name": one.name, **_manifest(context, one)}.items():
        if value == []:
            continue
        sys.stdout.write(f"{key:11} {harmless(_words(value))}\n")
    for result in kept.results:
        _show_result(one, result)
    if not kept.results:
        sys.stdout.write("\nNot measured yet: no run was recorded.\n")


def _words(value: Any) -> str:
    """A value of a manifest or of a flavor, for people: without what a flavor leaves open."""
    if isinstance(value, Mapping):
        said = {key: one for key, one in value.items() if one not in (None, "", ())}
        return ", ".join(f"{key} = {_words(one)}" for key, one in said.items())
    if isinstance(value, list | tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _show_result(one: KeptSubject, result: Result) -> None:
    console = stdout_console()
    base, when = keeping.base_of(result), f"{result['when'][:10]} on {result['host']['cpu']}"
    console.print(f"\n[bold]{cell(one.name)}[/bold] against {cell(base)}, {cell(when)}")
    terminal.show_comparisons(result, console)
    for control in result["controls"]:
        console.print(cell(f"changing nothing: {pages.controlled(control)}"))
    console.print(f"[bold]{cell(headline(result))}[/bold]")
    if keeping.is_stale(result, one):
        console.print("[yellow]stale:[/yellow] it has changed since; measure it again")
