"""List other runtimes, install them from the distribution's packages, and remove them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.util import TextTable, cell, print_json, print_table
from builder.errors import SourceError, StoreError
from builder.files import guard_writes, size_of
from builder.runtimes import Installer, Runtime, RuntimeOffer, runtime

HERE = "here"
ON_PATH = "on PATH"
OFFERED = "can be had"


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row of the list. `state` is one of the three above; `bytes` is the size of our copy."""

    name: str
    state: str
    kind: str = ""
    version: str = ""
    release: str = ""
    suite: str = ""
    path: Path | None = None
    bytes: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return vars(self) | {"path": str(self.path) if self.path else None}


def show(context: Context, *, as_json: bool) -> int:
    """List the runtimes in the home, on PATH, and in the package archive of this machine."""
    context.home.prepare()
    rows = list(_rows(context))
    if as_json:
        print_json([row.as_json() for row in rows])
        return 0
    prose = ("language", "path")
    table = TextTable("runtime", "", "language", "version", "size", "path", prose=prose)
    for row in rows:
        size = "" if row.bytes is None else f"{row.bytes / 1e6:.0f} MB"
        state = f"{row.state}, {row.suite}" if row.suite else row.state
        texts = (row.name, state, _language(row), row.release, size, row.path or "")
        table.add_row(*map(cell, texts))
    print_table(table)
    return 0


def _language(row: _Row) -> str:
    return f"{row.kind.partition('-')[0]} {row.version}" if row.kind else "known after installing"


def _rows(context: Context) -> Iterator[_Row]:
    installed = runtime.installed(context.home)
    for entry in installed:
        yield _row(entry, HERE)
    names = {entry.name for entry in installed}
    for offer in _offers(context):
        if offer.name not in names:
            yield _Row(name=offer.name, state=OFFERED, suite=offer.suite)
    for entry in runtime.on_path(context.runner):
        yield _row(entry, ON_PATH)


def _offers(context: Context) -> tuple[RuntimeOffer, ...]:
    """The runtimes of the archive; none, with a message, when no archive can be read."""
    try:
        return Installer(context.home, context.runner, context.show.say).offers()
    except SourceError as error:
        context.show.say(f"{error.what} {error.hint}")
        return ()


def _row(entry: Runtime, state: str) -> _Row:
    return _Row(
        name=entry.name,
        state=state,
        kind=entry.facts.kind,
        version=entry.facts.version,
        release=entry.facts.release,
        suite=entry.suite,
        path=entry.python,
        bytes=None if entry.folder is None else size_of(entry.folder),
    )


def install(context: Context, name: str, *, as_json: bool) -> int:
    """Install a runtime, and print its path."""
    context.home.prepare()
    with context.show.bar(f"installing {name}", 1) as bar:
        installed, is_new = Installer(context.home, context.runner, context.show.say).provide(name)
        bar.advance()
    if as_json:
        print_json(_row(installed, HERE).as_json())
        return 0
    facts = installed.facts
    context.show.say(
        f"{installed.name} {'is installed' if is_new else 'was already installed'}: "
        f"{facts.implementation} {facts.release}, Python {facts.version}"
    )
    print(installed.python)
    return 0


def remove(context: Context, name: str) -> int:
    """Remove an installed runtime. Raises StoreError if there is none, or a run uses it."""
    with guard_writes(runtime.folder_of(context.home)):
        if not runtime.remove(context.home, name):
            raise StoreError(f"A run is using {name}.", hint="Remove it when that run has ended.")
    context.show.say(f"{name}: removed")
    return 0
