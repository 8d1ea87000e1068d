"""Host epochs: which nights may be in one trend. Pure.

An epoch is a sequence of nights, in order of time, of one branch and flavor on one host with the
same facts. Epochs are computed on each use and never stored, so they cannot disagree with the
nights, and are right after an import of older nights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The facts whose change starts a new epoch, by the names under which they are stored. Strings.
FACTS = (
    "cpu",
    "cores",
    "memory",
    "firmware",
    "hypervisor",
    "kernel",
    "libc",
    "os",
    "compiler",
    "suite",
)
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class FactChange:
    """A fact that differs between two epochs; "unknown" where an epoch does not have it."""

    fact: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """`first`, `last`: indices of nights; `changes`: the differences from the epoch before."""

    number: int
    first: int
    last: int
    changes: tuple[FactChange, ...] = ()


def number(facts: Iterable[Mapping[str, str]]) -> list[int]:
    """The epoch of each night, from 0. `facts` are those of nights in order of time."""
    numbers: list[int] = []
    before: Mapping[str, str] | None = None
    for now in facts:
        if before is None:
            numbers.append(0)
        else:
            # Most nights share one dictionary with the night before.
            same = now is before or not changes(before, now)
            numbers.append(numbers[-1] + (not same))
        before = now
    return numbers


def epochs(facts: Sequence[Mapping[str, str]]) -> tuple[Epoch, ...]:
    """The epochs of nights in order of time."""
    numbers = number(facts)
    if not numbers:
        return ()
    firsts = [i for i, n in enumerate(numbers) if i == 0 or numbers[i - 1] != n]
    return tuple(
        Epoch(
            number=numbers[first],
            first=first,
            last=after - 1,
            changes=changes(facts[first - 1], facts[first]) if first else (),
        )
        for first, after in zip(firsts, [*firsts[1:], len(numbers)], strict=True)
    )


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FactChange, ...]:
    """What differs. A fact that only one of them has is a difference: nobody knows."""
    return tuple(
        FactChange(fact=fact, before=before.get(fact) or UNKNOWN, after=after.get(fact) or UNKNOWN)
        for fact in FACTS
        if (before.get(fact) or UNKNOWN) != (after.get(fact) or UNKNOWN)
    )


def of_host(host: Mapping[str, Any], *, compiler: str, suite: str) -> dict[str, str]:
    """The facts of a session, from `host` of its result.json."""
    facts = {
        "cpu": host.get("cpu"),
        "cores": f"{host.get('cpus') or UNKNOWN} CPUs, {host.get('cores') or UNKNOWN} cores",
        "memory": _gibibytes(host.get("memory")),
        "firmware": host.get("microcode"),
        "hypervisor": host.get("hypervisor"),
        "kernel": host.get("kernel"),
        "libc": host.get("libc"),
        "os": host.get("os"),
        "compiler": compiler,
        "suite": suite,
    }
    return {fact: str(value) for fact, value in facts.items() if value}


def _gibibytes(size: Any) -> str:
    """Whole GiB: the memory that a kernel reports changes by a few pages from boot to boot."""
    return f"{round(size / 2**30)} GiB" if isinstance(size, int | float) else ""
