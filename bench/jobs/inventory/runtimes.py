"""Other runtimes: listed, provided from the distribution's packages, removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Column, Table

from bench.context import Context
from bench.util import cell, print_json, print_table
from builder.errors import SourceError, StoreError
from builder.files import guard_writes, size_of
from builder.runtimes import Installer, Runtime, RuntimeOffer, runtime

HERE = "here"
ON_PATH = "on PATH"
OFFERED = "can be had"


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A runtime of the list. `state` is one of the words above; `bytes` is of what we unpacked."""

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
    """List what is here, what is on PATH, and what the archive of this machine's apt has."""
    context.home.prepare()
    rows = list(_rows(context))
    if as_json:
        print_json([one.as_json() for one in rows])
        return 0
    names = ("", "language", "version", "size")
    path = Column("path", overflow="fold")
    table = Table(Column("runtime", no_wrap=True), *names, path, box=None)
    for one in rows:
        size = "" if one.bytes is None else f"{one.bytes / 1e6:.0f} MB"
        state = f"{one.state}, {one.suite}" if one.suite else one.state
        told = (one.name, state, _language(one), one.release, size, one.path or "")
        table.add_row(*map(cell, told))
    print_table(table)
    return 0


def _language(row: _Row) -> str:
    return f"{row.kind.partition('-')[0]} {row.version}" if row.kind else "told once it is here"


def _rows(context: Context) -> Iterator[_Row]:
    here = runtime.installed(context.home)
    for one in here:
        yield _row(one, HERE)
    there = {one.name for one in here}
    for offer in _offers(context):
        if offer.name not in there:
            yield _Row(name=offer.name, state=OFFERED, suite=offer.suite)
    for one in runtime.on_path(context.runner):
        yield _row(one, ON_PATH)


def _offers(context: Context) -> tuple[RuntimeOffer, ...]:
    """What can be had; nothing, and why, where no archive can be asked."""
    try:
        return Installer(context.home, context.runner, context.show.say).offers()
    except SourceError as error:
        context.show.say(f"{error.what} {error.hint}")
        return ()


def _row(one: Runtime, state: str) -> _Row:
    return _Row(
        name=one.name,
        state=state,
        kind=one.facts.kind,
        version=one.facts.version,
        release=one.facts.release,
        suite=one.suite,
        path=one.python,
        bytes=None if one.folder is None else size_of(one.folder),
    )


def install(context: Context, name: str, *, as_json: bool) -> int:
    """Provide a runtime, and say where it is."""
    context.home.prepare()
    with context.show.bar(f"providing {name}", 1) as bar:
        found, is_new = Installer(context.home, context.runner, context.show.say).provide(name)
        bar.advance()
    if as_json:
        print_json(_row(found, HERE).as_json())
        return 0
    facts = found.facts
    context.show.say(
        f"{found.name} {'is here now' if is_new else 'was here'}: "
        f"{facts.implementation} {facts.release}, Python {facts.version}"
    )
    print(found.python)
    return 0


def remove(context: Context, name: str) -> int:
    """Remove a runtime that is here. Raises StoreError where there is none, or a run uses it."""
    with guard_writes(runtime.folder_of(context.home)):
        if not runtime.remove(context.home, name):
            raise StoreError(f"A run is using {name}.", hint="Remove it when that run has ended.")
    context.show.say(f"{name}: removed")
    return 0
