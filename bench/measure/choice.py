"""The calibration of this host, and the protocols that `protocol = "auto"` chooses from it.

    HOME/calibration/<epoch>.json       the last calibration in this epoch of the host
    HOME/calibration/<epoch>.aa.json    A/A results of runs since the calibration

Choosing is pure; `load`, `save` and `add_aa` read and write the files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.host import Host
from bench.measure import protocols, ranking
from bench.measure.ranking import RankingRow, Sample, classify
from bench.measure.trial import Task
from bench.stats import estimates
from bench.util import documents
from builder.errors import PatchbenchError
from builder.files import digest, guard_writes, hold_lock, write_atomically
from builder.home import Home

SCHEMA = 1
AUTO = "auto"
DEFAULT_PROTOCOL = "lockstep"
# On a virtual machine other guests, which are invisible, take part of a core within single values;
# with CPU time, and slices of milliseconds, one block was three times as good (docs/validation.md).
GUEST_PROTOCOL = "corun"
# The facts that determine how processes share a machine; not the memory, which a guest may get at
# each boot in another size.
_EPOCH = (
    "name", "cpu", "vendor", "microcode", "architecture", "cpus", "usable_cpus", "cores", "quota",
    "smt", "turbo", "governor", "aslr", "hypervisor", "kernel",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The protocol for each benchmark. `origin`: one line for reports on how they were chosen.

    `by_class`: class to protocol; `default` is for all other classes. `others` are tried in order
    where the chosen protocol refuses a benchmark; where there are none, it is used nevertheless.
    """

    default: str
    origin: str
    by_class: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def protocol(self, task: Task) -> str:
        """The first protocol that does not refuse a benchmark, else the preferred one."""
        preferred = self.by_class.get(classify(task), self.default)
        able = (name for name in (preferred, *self.others) if not protocols.refuses(name, task))
        return next(able, preferred)

    @classmethod
    def fixed(cls, name: str) -> Choices:
        """The protocol that an experiment names, for all benchmarks, even those it refuses."""
        return cls(default=name, origin=f"{name}, named by the experiment")

    @classmethod
    def uncalibrated(cls, host: Host) -> Choices:
        """The protocols before this host is calibrated."""
        name = GUEST_PROTOCOL if host.hypervisor else DEFAULT_PROTOCOL
        origin = f"not calibrated on this host (`patchbench calibrate`): {name}"
        return cls(default=name, origin=origin, others=_others())

    @property
    def fallback(self) -> str | None:
        """The protocol for a benchmark that the chosen one turns out not to be able to measure."""
        return self.others[0] if self.others else None


def _others() -> tuple[str, ...]:
    return tuple(dict.fromkeys((DEFAULT_PROTOCOL, *protocols.PROTOCOLS)))


@dataclass(frozen=True, kw_only=True)
class FalseCalls:
    """How often a base was called faster or slower than itself: `called` of `of` comparisons.

    `upper` is the upper end of the exact 95% interval of the rate, 1 without comparisons.
    """

    called: int
    of: int
    upper: float

    @classmethod
    def counted(cls, called: int, of: int) -> FalseCalls:
        """The record of `called` of `of` comparisons, with its upper bound."""
        upper = estimates.proportion_bounds(called, of)[1] if of else 1.0
        return cls(called=called, of=of, upper=upper)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The measurements of a calibration of this host; the choices are computed from them.

    `when` is a date, 2026-11-24; `base` names the build, `seed` determines all random draws,
    `blocks` is the requested number. `tasks` has all benchmarks by name. `missing`: what could not
    be measured, with reasons. `side_by_side`: how many blocks can be measured at the same time
    without more noise, and `tried` how that was determined. `later`: (called, of) of runs since the
    calibration, see `add_aa`.
    """

    when: str
    base: str
    seed: int
    blocks: int
    tasks: Mapping[str, Task]
    samples: tuple[Sample, ...]
    missing: Mapping[str, str] = field(default_factory=dict)
    side_by_side: int = 1
    tried: str = "not tried"
    later: tuple[int, int] = (0, 0)

    def rows(self) -> tuple[RankingRow, ...]:
        """The ranking of every protocol in every class of benchmarks."""
        return ranking.rows(self.tasks, self.samples)

    def choices(self) -> Choices:
        """The choices of `protocol = "auto"` on this host."""
        by_class = ranking.choose(self.rows())
        kinds: dict[str, list[str]] = {}
        for kind, protocol in by_class.items():
            kinds.setdefault(protocol, []).append(kind)
        parts = [f"{name} for {' and '.join(classes)}" for name, classes in kinds.items()]
        return Choices(
            default=DEFAULT_PROTOCOL,
            origin=f"calibrated {self.when} on this host: "
            + (", ".join(parts) or f"too few blocks for a choice, {DEFAULT_PROTOCOL}"),
            by_class=by_class,
            others=_others(),
        )

    def used(self) -> dict[str, str]:
        """The protocol that `auto` takes for each benchmark of the calibration itself."""
        choices = self.choices()
        return {name: choices.protocol(task) for name, task in self.tasks.items()}

    @property
    def false_calls(self) -> FalseCalls:
        """How often the protocols in use called a base different from itself: in the calibration
        and in runs since.
        """
        called, of = ranking.called_different(self.samples, self.used())
        return FalseCalls.counted(called + self.later[0], of + self.later[1])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, including values computed from the samples, for readers of the file."""
        data = asdict(self)
        del data["later"]
        return {
            "schema": SCHEMA,
            "origin": self.choices().origin,
            "chosen": dict(self.choices().by_class),
            "false_calls": asdict(self.false_calls),
            "rows": [asdict(row) for row in self.rows()],
            **data,
        }


@dataclass(frozen=True, kw_only=True)
class AaTally:
    """How often an A/A arm of a run was called different: `called` of `of` comparisons."""

    run: str
    called: int
    of: int


@dataclass(frozen=True, kw_only=True)
class AaTallies:
    """The A/A results of runs since the calibration."""

    schema: int
    runs: tuple[AaTally, ...] = ()


def choices(protocol: str, home: Home, host: Host, say: Callable[[str], None]) -> Choices:
    """The choices for an experiment's `protocol` on this host; `say` reports a damaged file."""
    if protocol != AUTO:
        return Choices.fixed(protocol)
    calibration = load(home, host, say)
    return Choices.uncalibrated(host) if calibration is None else calibration.choices()


# -- on the disk -----------------------------------------------------------------------------------


def epoch(host: Host) -> str:
    """The digest of the host facts that a calibration depends on, without compiler and suite."""
    facts = asdict(host)
    return digest({name: facts[name] for name in _EPOCH})


def folder(home: Home) -> Path:
    """The folder of calibrations."""
    return home.root / "calibration"


def load(
    home: Home, host: Host, say: Callable[[str], None] = lambda _text: None
) -> Calibration | None:
    """The calibration of this host; None without one, or, reported by `say`, with a damaged one."""
    path = folder(home) / f"{epoch(host)}.json"
    try:
        if not path.exists():
            return None
        content = _checked(documents.read_json(path))
        calibration = documents.typed(Calibration, content, where=str(path), what=path.name)
        calibration.choices()  # raises for samples that are not positive times
    except (PatchbenchError, OSError, ValueError, ArithmeticError, LookupError) as error:
        reason = error.where if isinstance(error, PatchbenchError) else f"{path}: {error}"
        say(
            f"The calibration of this host is not used: {reason}. "
            "Calibrate again: `patchbench calibrate`."
        )
        return None
    return replace(calibration, later=_tally(_read_aa(home, host, say)))


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """Return `content` if it has this schema. Raises ValueError for another schema."""
    if content.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {content.get('schema')!r}, expected {SCHEMA}")
    return content


def save(home: Home, host: Host, calibration: Calibration) -> Path:
    """Write a calibration, replacing an earlier one; returns the path. Raises StoreError."""
    path = folder(home) / f"{epoch(host)}.json"
    with guard_writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(calibration.to_json(), indent=1) + "\n")
    return path


def add_aa(home: Home, host: Host, called: int, of: int, *, run: str = "") -> None:
    """Add the result of a run's A/A arm to the host's tally: `called` of `of` comparisons.

    A `run` with a name counts once, however often it is added. Raises StoreError, and ValueError
    for impossible counts.
    """
    if not 0 <= called <= of:
        raise ValueError(f"{called} of {of} is no valid count")
    path = _aa_path(home, host)
    with hold_lock(home.lock("calibration")), guard_writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        others = tuple(tally for tally in _read_aa(home, host) if not run or tally.run != run)
        tallies = AaTallies(schema=SCHEMA, runs=(*others, AaTally(run=run, called=called, of=of)))
        write_atomically(path, json.dumps(documents.dump(tallies), indent=1) + "\n")


def _aa_path(home: Home, host: Host) -> Path:
    return folder(home) / f"{epoch(host)}.aa.json"


def _read_aa(
    home: Home, host: Host, say: Callable[[str], None] = lambda _text: None
) -> tuple[AaTally, ...]:
    path = _aa_path(home, host)
    try:
        if not path.exists():
            return ()
        content = _checked(documents.read_json(path))
        return documents.typed(AaTallies, content, where=str(path), what=path.name).runs
    except (PatchbenchError, OSError, ValueError) as error:
        reason = error.where if isinstance(error, PatchbenchError) else f"{path}: {error}"
        say(f"The A/A results of earlier runs are not used: {reason}.")
        return ()


def _tally(entries: tuple[AaTally, ...]) -> tuple[int, int]:
    return sum(tally.called for tally in entries), sum(tally.of for tally in entries)
