"""The order in which a process takes locks: with it, no two runs can wait for each other.

While a lock is held, only locks further down may be waited for:

    NIGHTS       a nightly folder: one night at a time
    FOLDER       a results folder, a site: one writer at a time
    MADE         a build or an installed runtime: exclusive while it is made or removed; shared, all
                 through a run, while it is used
    CALIBRATION  one calibration of a home at a time
    ENVIRONMENT  an environment, a layer or the tools, while something is installed
    SOURCE       a source, while something is fetched
    WORK         the home's working path, at which every build is compiled
    GATE         the tests of a build
    HOST         the whole host: exclusive while timing; shared while building or testing

WORK is above HOST: a build that waits for its home's working path must not hold the host, where it
would keep every timing out. HOST is the last: whoever has the host waits for nothing any more.

One equal rank is allowed: a run that uses builds (MADE, shared) waits for the next one to be made.
Whoever makes one uses others at most, and those that remove builds do not wait: no circle.

Short locks (`builder.files.hold_lock`) are below all of these; inside them, nothing is locked.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from builder.errors import StoreError


class LockOrder(IntEnum):
    """The ranks; see the module's docstring."""

    NIGHTS = 1
    FOLDER = 2
    MADE = 3
    CALIBRATION = 4
    ENVIRONMENT = 5
    SOURCE = 6
    WORK = 7
    GATE = 8
    HOST = 9


@dataclass(frozen=True, kw_only=True)
class _Held:
    order: LockOrder
    path: Path
    shared: bool


class _HeldByThread(threading.local):
    def __init__(self) -> None:
        self.locks: list[_Held] = []


_held = _HeldByThread()


@contextlib.contextmanager
def in_order(order: LockOrder, path: Path, *, shared: bool, waits: bool = True) -> Iterator[None]:
    """Note that this thread takes the lock `path`, and until the end of the context has it.

    One who does not wait for it (not `waits`) may take it in any order. Raises RuntimeError for an
    order that could make two runs wait for each other, and StoreError where this run would wait for
    itself: it uses a build, and has to make it again.
    """
    wanted = _Held(order=order, path=path, shared=shared)
    if waits:
        for held in _held.locks:
            _check(held, wanted)
    _held.locks.append(wanted)
    try:
        yield
    finally:
        _held.locks.remove(wanted)


def _check(held: _Held, wanted: _Held) -> None:
    if held.path == wanted.path and not (held.shared and wanted.shared):
        raise StoreError(
            "This run uses something that it has to make again: it was damaged meanwhile.",
            where=str(wanted.path),
            hint="Run the same command again.",
        )
    if held.order > wanted.order or (held.order == wanted.order and not held.shared):
        raise RuntimeError(
            f"{wanted.path} ({wanted.order.name}) is locked inside {held.path} ({held.order.name})"
        )
