"""Reports rendered again from result.json, and an index page for several of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from bench.context import Context
from bench.report import view_of, without_times
from bench.report.formats import FORMATS, PRINTED, index, terminal
from bench.results import Folder, Result, read, read_document
from bench.util import print_json, stdout_console
from builder.files import guard_writes, write_atomically


def report(
    context: Context,
    folders: Sequence[Path],
    *,
    formats: Sequence[str],
    index: Path | None,
    times: bool = True,
) -> int:
    """Render results folders again: files into each folder, json and text to stdout.

    `index` is the path of a page with links to each report.html; without `times`, absolute times
    are left out of all but json. Raises DataError for a folder
    without a readable result, StoreError where a file cannot be written.
    """
    # The index links to report.html, so that it has to exist.
    format_names = list(dict.fromkeys((*formats, *(["html"] if index else []))))
    results_by_folder = [
        (folder, result if times else without_times(result))
        for folder in folders
        for result in [read(folder)]
    ]
    for folder, result in results_by_folder:
        _write(context, folder, result, [name for name in format_names if name not in PRINTED])
        _print(folder, result, [name for name in format_names if name in PRINTED])
    if index is not None:
        _index(context, index, results_by_folder)
    return 0


def _write(context: Context, folder: Path, result: Result, formats: Sequence[str]) -> None:
    files = {
        name: content
        for format_name in formats
        for name, content in FORMATS[format_name](result).items()
    }
    if not files:
        return
    # A run that is just ending may write the same files.
    with Folder(path=folder).claimed(context.home.queue, context.show.say), guard_writes(folder):
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            _keep(path, content)
    for place in dict.fromkeys(folder / Path(name).parts[0] for name in files):
        context.show.say(f"Report: {place}")


def _keep(path: Path, content: str | bytes) -> None:
    if isinstance(content, str):
        write_atomically(path, content)
        return
    unfinished = path.with_name(f".{path.name}.half")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _print(folder: Path, result: Result, formats: Sequence[str]) -> None:
    for name in formats:
        if name == "json":
            print_json(read_document(folder))
        else:
            terminal.show(result, stdout_console())


def _index(context: Context, path: Path, results_by_folder: Sequence[tuple[Path, Result]]) -> None:
    entries = [
        index.IndexEntry(view=view_of(result), href=_address(folder / "report.html", path))
        for folder, result in results_by_folder
    ]
    with guard_writes(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, index.render(entries))
    context.show.say(f"Index: {path}")


def _address(target: Path, page: Path) -> str:
    """A relative link from `page` to `target`; "./" keeps a colon from being read as a scheme."""
    return "./" + quote(os.path.relpath(target.absolute(), page.absolute().parent))
