"""Retention: which builds and raw data of nights may be removed, and removing them.

Builds that no night needs, raw data that are old, a disk budget that is held.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from bench.context import Context
from bench.jobs.inventory import orphans
from bench.nightly.config import Keep, Nightly
from bench.nightly.state import Nights, NightState
from bench.util import documents
from builder.errors import DataError
from builder.files import guard_writes, size_of, write_atomically

_LEDGER = "builds.json"
_RAW, _PACKED = "raw", "raw.tar.gz"


def tidy(context: Context, config: Nightly, nights: Nights) -> None:
    """Hold what the nightly file's [keep] says, and tell what went, and what is over the budget.

    Called by the night that holds the lock. What other runs use just now is kept.
    """
    keeper = _Keeper(context=context, config=config, nights=nights)
    with guard_writes(config.folder):
        keeper.tidy()


def disk_use(context: Context, config: Nightly) -> int:
    """Bytes of patchbench's home and of the nights together."""
    home, folder = context.home.root, config.folder
    inside = folder.is_relative_to(home)
    return size_of(home) + (0 if inside else size_of(folder))


@dataclass(frozen=True, kw_only=True)
class _Keeper:
    context: Context
    config: Nightly
    nights: Nights

    def tidy(self) -> None:
        days = self.nights.dates()
        if not days:
            return
        keep, today = self.config.keep, days[-1]
        ledger = self._ledger(days)
        self._remove(ledger.unneeded(days, keep.nights))
        for day in to_pack(days, today, keep):
            self._each(day, _pack)
        for day in to_drop(days, today, keep):
            self._each(day, _drop)
        if keep.disk is not None:
            self._within(keep.disk, days)

    # -- builds ----------------------------------------------------------------------------------

    def _ledger(self, days: list[date]) -> Ledger:
        """What the nights so far asked for, the newest one included; made anew where it is lost."""
        path = self.config.folder / _LEDGER
        try:
            ledger = documents.read(Ledger, path, what="The ledger of builds")
            since = max(ledger.used.values(), default=date.min)
        except DataError:
            ledger, since = Ledger(), date.min
        for day in days:
            night = self.nights.read(day) if day >= since else None
            if night is not None:
                ledger = ledger.after(night)
        self._keep(ledger)
        return ledger

    def _keep(self, ledger: Ledger) -> None:
        write_atomically(self.config.folder / _LEDGER, json.dumps(documents.dump(ledger)))

    def _remove(self, keys: tuple[str, ...]) -> int:
        """Remove builds and their environments; the bytes that it freed."""
        store = self.context.store
        freed = 0
        gone = []
        for key in keys:
            there = key in store.names()
            size = size_of(store.folder(key)) if there else 0
            if there and not store.remove(key):
                self.context.show.say(f"{key}: a run is using it; kept")
                continue
            gone.append(key)
            freed += size
        for folder in orphans(self.context.home) if freed else ():
            freed += size_of(folder)
            shutil.rmtree(folder, ignore_errors=True)
        if freed:
            self.context.show.say(f"{len(gone)} builds of old nights removed: {freed / 1e6:.0f} MB")
        if gone:
            path = self.config.folder / _LEDGER
            ledger = documents.read(Ledger, path, what="The ledger of builds")
            self._keep(ledger.without(gone))
        return freed

    # -- raw data --------------------------------------------------------------------------------

    def _each(self, day: date, act: Callable[[Path], int]) -> int:
        """Do something with every results folder of a night; the bytes that it freed."""
        place = self.nights.place(day)
        return sum(act(path) for path in sorted(place.iterdir()) if path.is_dir())

    def _within(self, budget: float, days: list[date]) -> None:
        """Let go of the oldest things first until the budget is held: raw data, then builds."""
        used = float(disk_use(self.context, self.config))
        if used <= budget:
            return
        for freed in self._sacrifices(days):
            used -= freed
            if used <= budget:
                return
        self.context.show.say(
            f"The disk budget is not held: {used / 1e9:.1f} GB of {budget / 1e9:.1f} GB, with the "
            f"builds of the last {SPARED} nights alone. Raise keep.disk, or see `patchbench gc`."
        )

    def _sacrifices(self, days: list[date]) -> Iterator[int]:
        for day in days[:-SPARED]:
            yield self._each(day, _drop)
        for key in self._ledger(days).unneeded(days, SPARED):
            yield self._remove((key,))


def _pack(folder: Path) -> int:
    """The raw data of a results folder as one archive; the bytes that it freed."""
    raw, packed = folder / _RAW, folder / _PACKED
    if not raw.is_dir():
        return 0
    before = size_of(raw)
    half = folder / f".{_PACKED}.half"
    with tarfile.open(half, "w:gz") as archive:
        archive.add(raw, _RAW)
    half.replace(packed)
    shutil.rmtree(raw)
    return before - size_of_file(packed)


def _drop(folder: Path) -> int:
    """Remove the raw data of a results folder, packed or not; the bytes that it freed."""
    raw, packed = folder / _RAW, folder / _PACKED
    freed = size_of(raw) + (size_of_file(packed) if packed.exists() else 0)
    if raw.is_dir():
        shutil.rmtree(raw)
    packed.unlink(missing_ok=True)
    return freed


def size_of_file(path: Path) -> int:
    """Bytes on disk of one file."""
    return path.lstat().st_blocks * 512


SPARED = 2
"""The builds of so many last nights stay, whatever the disk budget says."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Which builds the nights asked for: `used` is the last night that did, by build; `lines` what
    each line's last measured night asked for, which is the base of its next.
    """

    used: Mapping[str, date] = field(default_factory=dict)
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def after(self, night: NightState) -> Ledger:
        """The ledger with that night in it; the nights come in order."""
        asked = {f"{t.branch} {t.flavor}": t.builds for t in night.tasks if t.builds}
        used = {key: night.date for builds in asked.values() for key in builds}
        return Ledger(used={**self.used, **used}, lines={**self.lines, **asked})

    def without(self, keys: Collection[str]) -> Ledger:
        """The ledger without builds that are gone."""
        return Ledger(
            used={key: day for key, day in self.used.items() if key not in keys}, lines=self.lines
        )

    def unneeded(self, days: Sequence[date], keep: int) -> tuple[str, ...]:
        """The builds that none of the last `keep` nights of `days` asked for and no line needs for
        its next, the oldest first. What no night ever asked for is somebody else's, and stays.
        """
        needed = {key for builds in self.lines.values() for key in builds}
        recent = set(days[-keep:])
        oldest = sorted(self.used, key=lambda key: self.used[key])
        return tuple(k for k in oldest if k not in needed and self.used[k] not in recent)


def to_pack(days: Sequence[date], today: date, keep: Keep) -> tuple[date, ...]:
    """The nights whose raw data are packed by now."""
    return tuple(one for one in days if keep.compact <= (today - one).days < keep.raw)


def to_drop(days: Sequence[date], today: date, keep: Keep) -> tuple[date, ...]:
    """The nights whose raw data are removed by now."""
    return tuple(one for one in days if (today - one).days >= keep.raw)
