"""The nights on disk: what each was to measure, how far it is, and what it gave.

    FOLDER/2026-11-25/night.json      written after every step, whole or not at all
    FOLDER/2026-11-25/main-plain/     the results of a line, as `patchbench run` leaves them
    FOLDER/.lock                      held by the one night that is at work

What is due and what is missing follows from which folders there are.
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
from builder.files import guard_writes, hold_lock, is_locked, write_atomically

_FILE = "night.json"
_SCHEMA = 1
_LOCK = ".lock"
_LONG_AGO = 400


@dataclass(frozen=True, kw_only=True)
class LineState:
    """A line of a night on its way: `head` was settled when the night began, so that a night that
    goes on measures what it began with.

    `result` is there once the line is over, `code` the exit code of what failed, 0 of nothing.
    `builds` are the keys of what it needed.
    """

    branch: str
    flavor: str
    head: Revised | None = None
    result: LineResult | None = None
    code: int = 0
    builds: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The name of the results folder within the night's."""
        return slug(f"{self.branch}-{self.flavor}")


@dataclass(frozen=True, kw_only=True)
class NightState:
    """One night. `ended` is None while there is something to be measured or written.

    `site` and `mailed`: that these were done, or are not wished for; `told` what did not work.
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
        """The night with that line's state in place of the old one."""
        same = (task.branch, task.flavor)
        tasks = tuple(task if (t.branch, t.flavor) == same else t for t in self.tasks)
        return replace(self, tasks=tasks)


class Nights:
    """All nights of one nightly file. Raises StoreError for what cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, day: date) -> Path:
        """The folder of a night."""
        return self.folder / day.isoformat()

    def dates(self) -> list[date]:
        """The nights that there are, the oldest first."""
        found = []
        for path in self.folder.glob(f"????-??-??/{_FILE}"):
            with contextlib.suppress(ValueError):
                found.append(date.fromisoformat(path.parent.name))
        return sorted(found)

    def read(self, day: date) -> NightState | None:
        """A night; None where there was none."""
        path = self.place(day) / _FILE
        if not path.exists():
            return None
        what = "What is known of a night"
        hint = "Move the folder of that night away: it counts as missed then."
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
        """Keep how far a night is."""
        place = self.place(night.date)
        content = {"schema": _SCHEMA, "night": documents.dump(night)}
        with guard_writes(place):
            place.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
            write_atomically(place / _FILE, text)

    def before(self, day: date) -> Iterator[NightState]:
        """The nights before that one, the newest first."""
        for one in reversed(self.dates()):
            if one < day and (night := self.read(one)) is not None:
                yield night

    def last_measured(self, task: LineState, day: date) -> Revised | None:
        """The revision that a line measured last before a night; None if it never did, or so long
        ago that nobody would know what lies between.
        """
        for night in islice(self.before(day), _LONG_AGO):
            for one in night.tasks:
                same = (one.branch, one.flavor) == (task.branch, task.flavor)
                line = one.result
                if same and line is not None and line.new and line.outcome not in (FAILED, QUIET):
                    return replace(line.new, date=night.date)
        return None

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other nights out. BusyError while one is at work."""

        def busy(path: str) -> None:
            raise BusyError(
                "Another night is at work; this one was not begun.",
                where=path,
                hint="Wait for it (`patchbench nightly status`), or end it: it goes on when it is "
                "started again.",
            )

        with hold_lock(self.folder / _LOCK, on_wait=busy):
            yield

    def at_work(self) -> bool:
        """Whether some night is at work just now."""
        return is_locked(self.folder / _LOCK)


def missing(dates: Sequence[date], until: date) -> tuple[date, ...]:
    """The nights between the last one before `until` and it that nobody ran."""
    earlier = [one for one in dates if one < until]
    if not earlier:
        return ()
    first = max(earlier)
    return tuple(first + timedelta(days=n) for n in range(1, (until - first).days))


def due(at: time, now: datetime) -> date:
    """The newest night that should have begun: today's, once `at` has come. Local time."""
    return now.date() if now.time() >= at else now.date() - timedelta(days=1)


def next_run(at: time, now: datetime) -> datetime:
    """When the timer comes next, local time."""
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
    """What a night gave, for those who tell of it; lines that are not over are left out."""
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
