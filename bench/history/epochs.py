"""Host epochs: which nights may be in one trend. Pure.

An epoch is a run of nights, in order of time, of one branch and flavor on one host with the same
facts. It is worked out whenever it is asked for: an import of older nights puts everything right by
itself, and nothing stored can be at odds with the nights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What starts a new epoch, by the names under which facts are stored. All are strings.
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
class Changed:
    """A fact that differs between two epochs; "unknown" where one of them does not tell."""

    fact: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """`first` and `last` are indices of nights; `changes` tell it from the epoch before."""

    number: int
    first: int
    last: int
    changes: tuple[Changed, ...] = ()


def number(facts: Iterable[Mapping[str, str]]) -> list[int]:
    """The epoch of each night, from 0. `facts` of nights in order of time."""
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


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Changed, ...]:
    """What differs. A fact that only one of them has is a difference: nobody knows."""
    return tuple(
        Changed(fact=fact, before=before.get(fact) or UNKNOWN, after=after.get(fact) or UNKNOWN)
        for fact in FACTS
        if (before.get(fact) or UNKNOWN) != (after.get(fact) or UNKNOWN)
    )


def of_host(host: Mapping[str, Any], *, compiler: str, suite: str) -> dict[str, str]:
    """The facts of a session, from `host` of its result.json."""
    known = {
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
    return {fact: str(value) for fact, value in known.items() if value}


def _gibibytes(size: Any) -> str:
    """Whole GiB: what a kernel leaves for programs changes by pages from boot to boot."""
    return f"{round(size / 2**30)} GiB" if isinstance(size, int | float) else ""
