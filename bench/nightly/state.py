"""The nights on disk: what each measures, how far it is, and its results.

    FOLDER/2026-11-25/night.json      written atomically after every step
    FOLDER/2026-11-25/main-plain/     the results of a line, as of `patchbench run`
    FOLDER/.lock                      held by the night that is running

Which nights are due or missing follows from the folders that exist.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path

from bench.nightly.report import FAILED, QUIET, Day, LineResult, NightReport, Revised
from bench.util import documents, slug
from builder.errors import BusyError, StoreError
from builder.files import guard_writes, is_locked, write_atomically
from builder.locks import LockOrder, Queue

_FILE = "night.json"
_SCHEMA = 1
_LOCK = ".lock"
# Nights to look back for the revision that a line measured last.
_LONG_AGO = 400


@dataclass(frozen=True, kw_only=True)
class LineState:
    """The state of a line of a night: `head` is resolved when the night begins, so that a night
    that is continued measures the same revision.

    `result` is None until the line is finished; `code` is the exit code of its error, 0 without
    one. `builds` are the keys of the builds that it used.
    """

    branch: str
    flavor: str
    head: Revised | None = None
    result: LineResult | None = None
    code: int = 0
    builds: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The name of the results folder within the folder of the night."""
        return slug(f"{self.branch}-{self.flavor}")


@dataclass(frozen=True, kw_only=True)
class NightState:
    """The state of one night. `ended` is None while there is something to measure or write.

    `site` and `mailed` are True when these were done, or are not configured; `told` has the
    messages of their errors. `missed` are the dates before this one without a night.
    """

    date: Day
    tasks: tuple[LineState, ...]
    missed: tuple[Day, ...] = ()
    site: bool = False
    mailed: bool = False
    ended: datetime | None = None
    told: tuple[str, ...] = ()
    code: int = 0

    def with_task(self, task: LineState) -> NightState:
        """Return the night with this state of a line in place of the old one."""
        line = (task.branch, task.flavor)
        tasks = tuple(task if (t.branch, t.flavor) == line else t for t in self.tasks)
        return replace(self, tasks=tasks)


class Nights:
    """All nights of one nightly file. Raises StoreError for unreadable or unwritable files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def folder_of(self, day: date) -> Path:
        """The folder of a night."""
        return self.folder / day.isoformat()

    def dates(self) -> list[date]:
        """The dates of all nights, the oldest first."""
        dates = []
        for path in self.folder.glob(f"????-??-??/{_FILE}"):
            with contextlib.suppress(ValueError):
                dates.append(date.fromisoformat(path.parent.name))
        return sorted(dates)

    def read(self, day: date) -> NightState | None:
        """Read a night; None if there is none on that date."""
        path = self.folder_of(day) / _FILE
        if not path.exists():
            return None
        what = "The state of a night"
        hint = "Move the folder of that night away; the night then counts as missed."
        content = documents.read_json(path, what=what, hint=hint, error=StoreError)
        if content.get("schema") != _SCHEMA:
            where = f"{path}: its schema is {content.get('schema')}"
            raise StoreError(f"{what} cannot be read.", where=where, hint=hint)
        return documents.typed(
            NightState,
            content.get("night"),
            where=str(path),
            what=what,
            hint=hint,
            error=StoreError,
        )

    def write(self, night: NightState) -> None:
        """Write the state of a night."""
        folder = self.folder_of(night.date)
        content = {"schema": _SCHEMA, "night": documents.dump(night)}
        with guard_writes(folder):
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
            write_atomically(folder / _FILE, text)

    def before(self, day: date) -> Iterator[NightState]:
        """Read the nights before a date, the newest first."""
        for earlier in reversed(self.dates()):
            if earlier < day and (night := self.read(earlier)) is not None:
                yield night

    def last_measured(self, task: LineState, day: date) -> Revised | None:
        """The revision that a line measured last before a date; None without one in the last
        _LONG_AGO nights.
        """
        for night in islice(self.before(day), _LONG_AGO):
            for state in night.tasks:
                is_line = (state.branch, state.flavor) == (task.branch, task.flavor)
                line = state.result
                if (
                    is_line
                    and line is not None
                    and line.new
                    and line.outcome not in (FAILED, QUIET)
                ):
                    return replace(line.new, date=night.date)
        return None

    @contextlib.contextmanager
    def lock(self, queue: Queue) -> Iterator[None]:
        """Hold the lock of the nights. Raises BusyError while another night is running."""
        path = self.folder / _LOCK

        def busy(sentence: str) -> BusyError:
            return BusyError(
                "Another night is running; this one was not started.",
                where=f"{path}\n{sentence}",
                hint="Wait for it to end (`patchbench nightly status`), or stop it: it is "
                "continued when it is started again.",
            )

        with queue.hold(
            path,
            order=LockOrder.NIGHTS,
            doing="runs a night",
            say=lambda _text: None,
            refuse=busy,
        ):
            yield

    def is_running(self) -> bool:
        """Whether a night is running now."""
        return is_locked(self.folder / _LOCK)


def missing(dates: Sequence[date], until: date) -> tuple[date, ...]:
    """The dates without a night between the last night before `until` and `until`, exclusive."""
    earlier = [day for day in dates if day < until]
    if not earlier:
        return ()
    last = max(earlier)
    return tuple(last + timedelta(days=n) for n in range(1, (until - last).days))


def due(at: time, now: datetime) -> date:
    """The date of the newest night that should have started: today's from `at` on. Local time."""
    return now.date() if now.time() >= at else now.date() - timedelta(days=1)


def next_run(at: time, now: datetime) -> datetime:
    """The next time at which the timer starts a night, local time."""
    today = datetime.combine(now.date(), at)
    return today if now < today else today + timedelta(days=1)


def report(
    night: NightState,
    *,
    name: str,
    host: str,
    site: str,
    margin: float,
    now: datetime,
    folder: Path,
) -> NightReport:
    """Return the report of a night, without lines that are not finished."""
    return NightReport(
        name=name,
        date=night.date,
        ended=night.ended or now,
        host=host,
        lines=tuple(task.result for task in night.tasks if task.result is not None),
        missed=night.missed,
        site=site,
        folder=str(folder),
        margin=margin,
        warnings=night.told,
    )
