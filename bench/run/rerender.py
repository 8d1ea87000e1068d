"""Reports made again from result.json, and the page that leads to several of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from bench.context import Context
from bench.report import view_of
from bench.report.formats import FORMATS, PRINTED, index, terminal
from bench.results import Folder, Result
from bench.results import result as results
from bench.util import print_json, stdout_console
from builder.files import guard_writes, write_atomically


def report(
    context: Context, folders: Sequence[Path], *, formats: Sequence[str], index: Path | None
) -> int:
    """Render results folders again: files into each folder, json and text to stdout.

    `index` is a page that leads to their report.html. Raises DataError for a folder without a
    result that can be shown, StoreError where nothing can be written.
    """
    # A page leads nowhere without the pages that it leads to.
    wanted = list(dict.fromkeys((*formats, *(["html"] if index else []))))
    found = [(folder, results.read(folder)) for folder in folders]
    for folder, result in found:
        _write(context, folder, result, [name for name in wanted if name not in PRINTED])
        _print(folder, result, [name for name in wanted if name in PRINTED])
    if index is not None:
        _index(context, index, found)
    return 0


def _write(context: Context, folder: Path, result: Result, formats: Sequence[str]) -> None:
    files = {name: made for each in formats for name, made in FORMATS[each](result).items()}
    if not files:
        return
    # The same files are written by a run that is at its end just now.
    with Folder(path=folder).claimed(context.show.say), guard_writes(folder):
        for name, made in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            _keep(path, made)
    for place in dict.fromkeys(folder / Path(name).parts[0] for name in files):
        context.show.say(f"Report: {place}")


def _keep(path: Path, made: str | bytes) -> None:
    if isinstance(made, str):
        write_atomically(path, made)
        return
    half = path.with_name(f".{path.name}.half")
    half.write_bytes(made)
    half.replace(path)


def _print(folder: Path, result: Result, formats: Sequence[str]) -> None:
    for name in formats:
        if name == "json":
            print_json(results.read_document(folder))
        else:
            terminal.show(result, stdout_console())


def _index(context: Context, path: Path, found: Sequence[tuple[Path, Result]]) -> None:
    entries = [
        index.IndexEntry(view=view_of(result), href=_address(folder / "report.html", path))
        for folder, result in found
    ]
    with guard_writes(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, index.render(entries))
    context.show.say(f"Index: {path}")


def _address(target: Path, page: Path) -> str:
    """Where a file lies, seen from a page. The dot keeps a colon from being read as a scheme."""
    return "./" + quote(os.path.relpath(target.absolute(), page.absolute().parent))
