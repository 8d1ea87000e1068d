"""Retention: remove builds that no night needs and old raw data, and keep to the disk budget."""

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
    """Apply [keep] of the nightly file; print what was removed, and a disk budget that is exceeded.

    The caller holds the lock of the nights. Builds that other runs are using are kept.
    """
    retention = _Retention(context=context, config=config, nights=nights)
    with guard_writes(config.folder):
        retention.tidy()


def disk_use(context: Context, config: Nightly) -> int:
    """Bytes used by patchbench's home and the folder of the nights together."""
    home, folder = context.home.root, config.folder
    inside = folder.is_relative_to(home)
    return size_of(home) + (0 if inside else size_of(folder))


@dataclass(frozen=True, kw_only=True)
class _Retention:
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
            self._for_results(day, _pack)
        for day in to_drop(days, today, keep):
            self._for_results(day, _drop)
        if keep.disk is not None:
            self._enforce_budget(keep.disk, days)

    # -- builds ----------------------------------------------------------------------------------

    def _ledger(self, days: list[date]) -> Ledger:
        """The ledger of the builds that all nights used; computed again if the file is damaged."""
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
        self._write(ledger)
        return ledger

    def _write(self, ledger: Ledger) -> None:
        write_atomically(self.config.folder / _LEDGER, json.dumps(documents.dump(ledger)))

    def _remove(self, keys: tuple[str, ...]) -> int:
        """Remove builds and their environments; return the bytes freed."""
        store = self.context.store
        freed = 0
        removed = []
        for key in keys:
            exists = key in store.names()
            size = size_of(store.folder(key)) if exists else 0
            if exists and not store.remove(key):
                self.context.show.say(f"{key} is kept: a run is using it.")
                continue
            removed.append(key)
            freed += size
        for folder in orphans(self.context.home) if freed else ():
            freed += size_of(folder)
            shutil.rmtree(folder, ignore_errors=True)
        if freed:
            self.context.show.say(
                f"Removed {len(removed)} builds of old nights: {freed / 1e6:.0f} MB"
            )
        if removed:
            path = self.config.folder / _LEDGER
            ledger = documents.read(Ledger, path, what="The ledger of builds")
            self._write(ledger.without(removed))
        return freed

    # -- raw data --------------------------------------------------------------------------------

    def _for_results(self, day: date, act: Callable[[Path], int]) -> int:
        """Call `act` with every results folder of a night; return the bytes freed."""
        folder = self.nights.folder_of(day)
        return sum(act(path) for path in sorted(folder.iterdir()) if path.is_dir())

    def _enforce_budget(self, budget: float, days: list[date]) -> None:
        """Remove the oldest raw data, then the oldest builds, until the budget is met."""
        used = float(disk_use(self.context, self.config))
        if used <= budget:
            return
        for freed in self._remove_oldest(days):
            used -= freed
            if used <= budget:
                return
        self.context.show.say(
            f"The disk budget is exceeded: {used / 1e9:.1f} GB of {budget / 1e9:.1f} GB, although "
            f"only builds of the last {ALWAYS_KEPT} nights are left. Raise keep.disk, or see "
            "`patchbench gc`."
        )

    def _remove_oldest(self, days: list[date]) -> Iterator[int]:
        for day in days[:-ALWAYS_KEPT]:
            yield self._for_results(day, _drop)
        for key in self._ledger(days).unneeded(days, ALWAYS_KEPT):
            yield self._remove((key,))


def _pack(folder: Path) -> int:
    """Replace the raw data of a results folder by one archive; return the bytes freed."""
    raw, packed = folder / _RAW, folder / _PACKED
    if not raw.is_dir():
        return 0
    before = size_of(raw)
    unfinished = folder / f".{_PACKED}.half"
    with tarfile.open(unfinished, "w:gz") as archive:
        archive.add(raw, _RAW)
    unfinished.replace(packed)
    shutil.rmtree(raw)
    return before - size_of_file(packed)


def _drop(folder: Path) -> int:
    """Remove the raw data of a results folder, packed or not; return the bytes freed."""
    raw, packed = folder / _RAW, folder / _PACKED
    freed = size_of(raw) + (size_of_file(packed) if packed.exists() else 0)
    if raw.is_dir():
        shutil.rmtree(raw)
    packed.unlink(missing_ok=True)
    return freed


def size_of_file(path: Path) -> int:
    """Bytes on disk of one file."""
    return path.lstat().st_blocks * 512


ALWAYS_KEPT = 2
"""The builds of so many last nights are kept, whatever the disk budget is."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The builds that nights used: `used` maps a build to the last night that used it, `lines` a
    line to the builds of its last measured night, which is the base of its next one.
    """

    used: Mapping[str, date] = field(default_factory=dict)
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def after(self, night: NightState) -> Ledger:
        """Return the ledger with a night added; nights must be added in order."""
        by_line = {f"{t.branch} {t.flavor}": t.builds for t in night.tasks if t.builds}
        used = {key: night.date for builds in by_line.values() for key in builds}
        return Ledger(used={**self.used, **used}, lines={**self.lines, **by_line})

    def without(self, keys: Collection[str]) -> Ledger:
        """Return the ledger without builds that were removed."""
        return Ledger(
            used={key: day for key, day in self.used.items() if key not in keys}, lines=self.lines
        )

    def unneeded(self, days: Sequence[date], keep: int) -> tuple[str, ...]:
        """The builds that none of the last `keep` nights of `days` used and no line needs for its
        next night, the oldest first. Builds that no night used belong to other runs: not listed.
        """
        needed = {key for builds in self.lines.values() for key in builds}
        recent = set(days[-keep:])
        oldest = sorted(self.used, key=lambda key: self.used[key])
        return tuple(k for k in oldest if k not in needed and self.used[k] not in recent)


def to_pack(days: Sequence[date], today: date, keep: Keep) -> tuple[date, ...]:
    """The nights whose raw data are old enough to pack, but not to remove."""
    return tuple(day for day in days if keep.compact <= (today - day).days < keep.raw)


def to_drop(days: Sequence[date], today: date, keep: Keep) -> tuple[date, ...]:
    """The nights whose raw data are old enough to remove."""
    return tuple(day for day in days if (today - day).days >= keep.raw)
