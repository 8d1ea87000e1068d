"""What was calibrated on this host, and what experiments with `protocol = "auto"` make of it.

    HOME/calibration/<epoch>.json       the last calibration in this epoch of the host
    HOME/calibration/<epoch>.aa.json    what runs said since of a base against itself

Choosing is pure; `load`, `save` and `add_aa` are the way to the disk.
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
# On a virtual machine neighbours whom nobody sees take their share of a core within single values;
# with CPU time, and slices of milliseconds, one block was three times as good (docs/validation.md).
GUEST_PROTOCOL = "corun"
# What decides how processes share a machine. Not how much memory a guest was given at this boot.
_EPOCH = (
    "name", "cpu", "vendor", "microcode", "architecture", "cpus", "usable_cpus", "cores", "quota",
    "smt", "turbo", "governor", "aslr", "hypervisor", "kernel",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Which protocol measures which benchmark. `origin` says in one line why, for reports.

    `by_class`: class to protocol; `default` is for all others. `others` are tried in their order
    where a benchmark is refused by the chosen one; without any that one is taken at its word.
    """

    default: str
    origin: str
    by_class: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def protocol(self, task: Task) -> str:
        """The protocol for a benchmark: none that refuses it while another of `others` does not."""
        wanted = self.by_class.get(classify(task), self.default)
        able = (one for one in (wanted, *self.others) if not protocols.refuses(one, task))
        return next(able, wanted)

    @classmethod
    def fixed(cls, name: str) -> Choices:
        """What an experiment names: that protocol for all, even where it measures nothing."""
        return cls(default=name, origin=f"{name}, as the experiment says")

    @classmethod
    def uncalibrated(cls, host: Host) -> Choices:
        """What is used before this host was calibrated."""
        name = GUEST_PROTOCOL if host.hypervisor else DEFAULT_PROTOCOL
        origin = f"not calibrated on this host (`patchbench calibrate`): {name}"
        return cls(default=name, origin=origin, others=_others())

    @property
    def fallback(self) -> str | None:
        """For a benchmark that turns out not to be fit for the protocol that was chosen."""
        return self.others[0] if self.others else None


def _others() -> tuple[str, ...]:
    return tuple(dict.fromkeys((DEFAULT_PROTOCOL, *protocols.PROTOCOLS)))


@dataclass(frozen=True, kw_only=True)
class FalseCalls:
    """How often a base against itself was called faster or slower: x of n comparisons; `upper` is
    the upper end of the exact 95% interval of the rate, 1 where nothing was compared.
    """

    called: int
    of: int
    upper: float

    @classmethod
    def counted(cls, called: int, of: int) -> FalseCalls:
        """x of n, with its bound."""
        upper = estimates.proportion_bounds(called, of)[1] if of else 1.0
        return cls(called=called, of=of, upper=upper)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What was measured on this host, and what follows from it.

    `when` is a day, 2026-11-24; `base` names the build, `seed` is that of all chances, `blocks` how
    many were asked for. `tasks` has all benchmarks by name. `missing`: what could not be measured,
    and why. `side_by_side`: how many blocks may be measured at a time without harm, and `tried`
    how that is known. `later`: x and n of runs since, see `add_aa`.
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
        """Every protocol in every class of benchmarks."""
        return ranking.rows(self.tasks, self.samples)

    def choices(self) -> Choices:
        """What `protocol = "auto"` means on this host."""
        chosen = ranking.choose(self.rows())
        kinds: dict[str, list[str]] = {}
        for kind, protocol in chosen.items():
            kinds.setdefault(protocol, []).append(kind)
        told = ", ".join(f"{name} for {' and '.join(found)}" for name, found in kinds.items())
        return Choices(
            default=DEFAULT_PROTOCOL,
            origin=f"calibrated {self.when} on this host: "
            + (told or f"too few blocks to choose by, {DEFAULT_PROTOCOL}"),
            by_class=chosen,
            others=_others(),
        )

    def used(self) -> dict[str, str]:
        """The protocol that `auto` takes for each benchmark of the calibration itself."""
        choices = self.choices()
        return {name: choices.protocol(task) for name, task in self.tasks.items()}

    @property
    def false_calls(self) -> FalseCalls:
        """How often the protocols that are used called a base different from itself: here, and in
        runs since.
        """
        called, of = ranking.called_different(self.samples, self.used())
        return FalseCalls.counted(called + self.later[0], of + self.later[1])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON. What follows from the samples is in it for its readers' sake."""
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
    """What runs said since the calibration."""

    schema: int
    runs: tuple[AaTally, ...] = ()


def choices(protocol: str, home: Home, host: Host, say: Callable[[str], None]) -> Choices:
    """What an experiment's `protocol` means on this host."""
    if protocol != AUTO:
        return Choices.fixed(protocol)
    found = load(home, host, say)
    return Choices.uncalibrated(host) if found is None else found.choices()


# -- on the disk -----------------------------------------------------------------------------------


def epoch(host: Host) -> str:
    """The digest of all that a calibration holds for; the compiler and the suite are not in it."""
    facts = asdict(host)
    return digest({name: facts[name] for name in _EPOCH})


def folder(home: Home) -> Path:
    """Where calibrations are kept."""
    return home.root / "calibration"


def load(
    home: Home, host: Host, say: Callable[[str], None] = lambda _text: None
) -> Calibration | None:
    """The calibration of this host; None without one, or where it is of no use, which is said."""
    path = folder(home) / f"{epoch(host)}.json"
    try:
        if not path.exists():
            return None
        content = _checked(documents.read_json(path))
        found = documents.typed(Calibration, content, where=str(path), what=path.name)
        found.choices()  # raises for samples that are no times
    except (PatchbenchError, OSError, ValueError, ArithmeticError, LookupError) as error:
        told = error.where if isinstance(error, PatchbenchError) else f"{path}: {error}"
        say(f"The calibration of this host is not used: {told}. `patchbench calibrate`")
        return None
    return replace(found, later=_tally(_read_aa(home, host, say)))


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a file of this schema. Raises ValueError for another."""
    if content.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {content.get('schema')!r}, and {SCHEMA} is read")
    return content


def save(home: Home, host: Host, found: Calibration) -> Path:
    """Keep a calibration in place of the one before; the file. Raises StoreError."""
    path = folder(home) / f"{epoch(host)}.json"
    with guard_writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(found.to_json(), indent=1) + "\n")
    return path


def add_aa(home: Home, host: Host, called: int, of: int, *, run: str = "") -> None:
    """Add what an A/A arm of a run gave to the host's tally: `called` of `of` comparisons.

    With a name for the `run` it counts once, however often it is added. Raises StoreError.
    """
    if not 0 <= called <= of:
        raise ValueError(f"{called} of {of} is no tally")
    path = _aa_path(home, host)
    with hold_lock(home.lock("calibration")), guard_writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        others = tuple(one for one in _read_aa(home, host) if not run or one.run != run)
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
        told = error.where if isinstance(error, PatchbenchError) else f"{path}: {error}"
        say(f"The tally of a base against itself is not used: {told}.")
        return ()


def _tally(entries: tuple[AaTally, ...]) -> tuple[int, int]:
    return sum(one.called for one in entries), sum(one.of for one in entries)
