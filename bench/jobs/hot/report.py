"""The result of `patchbench hot` for a terminal, from its document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from rich.console import Console
from rich.markup import escape

from bench.compare import interval, spelled
from bench.report.formats import verdict_cell
from bench.util import TextTable, harmless

_MOST_LINES = 15
_NEGLIGIBLE = 0.005


def show(document: Mapping[str, Any], console: Console) -> None:
    """Print the hot functions, the compiled modules, the result, and the lines that still call
    into the interpreter.
    """
    _functions(document["profile"], console)
    console.print()
    for module in document["compiled"]:
        console.print(
            f"compiled: [bold]{_safe(module['module'])}[/bold] "
            f"({module['share']:.1%} of the samples, in {module['seconds']:.0f} s)"
        )
    for module in document["refused"]:
        console.print(f"not compiled: {_safe(module['module'])}: {_safe(module['reason'])}")
    console.print(_same(document["same"]))
    for row in document["comparisons"]:
        _verdict(row, document["clock"], console)
    for warning in document["warnings"]:
        console.print(f"[yellow]warning:[/yellow] {_safe(warning)}")
    for module in document["compiled"]:
        _lines(module, console)


def _functions(profile: Mapping[str, Any], console: Console) -> None:
    console.print(f"Hot functions, by {profile['samples']} samples of CPU time:")
    right = ("itself", "with callees")
    table = TextTable(*right, "function", "where", right=right, prose=["where"])
    for function in profile["functions"]:
        if function["share"] >= _NEGLIGIBLE:
            where = f"{_short(function['file'])}:{function['line']}"
            cells = (
                f"{function['share']:.1%}",
                f"{function['with_callees']:.1%}",
                function["function"],
                where,
            )
            table.add_row(*map(_safe, cells))
    console.print(table)


def _short(file: str) -> str:
    """The last three parts of a path."""
    return "/".join(PurePath(file).parts[-3:])


def _same(same: Mapping[str, Any]) -> str:
    count = len(same["files"])
    files = f", {count} {'file' if count == 1 else 'files'} written" if count else ""
    return (
        f"identical in every run: exit status {same['status']}, {same['stdout']} bytes of stdout, "
        f"{same['stderr']} of stderr{files}"
    )


def _verdict(row: Mapping[str, Any], clock: str, console: Console) -> None:
    what = "CPU time" if clock == "cpu" else "time"
    console.print(
        f"{verdict_cell(row['verdict'])}  the whole program's {what}: ratio {row['ratio']:.4f} "
        f"({spelled(row['ratio'])}), {interval(row['low'], row['high'])}, {row['blocks']} blocks"
    )
    for warning in row["warnings"]:
        console.print(f"[dim]{_safe(warning)}[/dim]")


def _lines(module: Mapping[str, Any], console: Console) -> None:
    """The lines that still call into the interpreter, those with most samples first."""
    if not module["lines"]:
        return
    console.print()
    console.print(
        f"Lines of {_safe(module['module'])} that still call into the interpreter (score: Cython's "
        f"count of such calls; all of them: {module['page']}):"
    )
    right = ("samples", "score", "line")
    table = TextTable(*right, "", right=right, prose=[""])
    for line in module["lines"][:_MOST_LINES]:
        cells = (f"{line['share']:.1%}", line["score"], line["line"], line["text"])
        table.add_row(*(escape(harmless(str(part))) for part in cells))
    console.print(table)


def _safe(text: object) -> str:
    return escape(" ".join(harmless(str(text)).split()))
