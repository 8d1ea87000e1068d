"""What of the nights may go: builds, raw data. Pure; who calls decides nothing more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from bench.nightly import Keep
from bench.nights import Night

SPARED = 2
"""The builds of so many last nights stay, whatever the disk budget says."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Which builds the nights asked for: `used` is the last night that did, by build; `lines` what
    each line's last measured night asked for, which is the base of its next.
    """

    used: Mapping[str, date] = field(default_factory=dict)
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def after(self, night: Night) -> Ledger:
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
