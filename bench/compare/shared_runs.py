"""Processes that two result files, or one file twice, have in common.

A comparison takes all processes as independent. A file against its own copy is equivalent to any
precision that one likes, and processes that both files have pull a ratio towards 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

SAME = "the same processes in both files"

Side: TypeAlias = tuple[Sequence[float], Sequence[str]]
"""The means of processes, and their identities."""


def identity(date: Any, values: Sequence[float]) -> str:
    """What tells a process from all others: pyperf writes its date, in microseconds. "" without a
    date: the same values may then be those of two processes, as sizes of memory often are.
    """
    return "" if date is None else f"{date} {list(values)}"


def are_same(base: Sequence[str], candidate: Sequence[str]) -> bool:
    """Return whether one side has no process of its own."""
    ours, theirs = set(base), set(candidate)
    return bool(ours and theirs) and "" not in ours | theirs and (ours <= theirs or theirs <= ours)


def distinct(processes: Sequence[float], identities: Sequence[str]) -> tuple[float, ...]:
    """Return the processes, each once."""
    seen: set[str] = set()
    kept = []
    for mean, name in zip(processes, identities, strict=True):
        if not name or name not in seen:
            kept.append(mean)
            seen.add(name)
    return tuple(kept)


def warnings(base: Side, candidate: Side) -> Iterator[str]:
    """Warn about processes of both sides, and about those that a side has twice."""
    shared = {*base[1]} & {*candidate[1]} - {""}
    if shared:
        yield (
            f"shared-processes: {len(shared)} of {len(base[0])} processes of the base are in the "
            "candidate's file too, which pulls the ratio towards 1"
        )
    for name, (_, identities) in (("base", base), ("candidate", candidate)):
        counts = Counter(identity for identity in identities if identity)
        repeated = sum(counts.values()) - len(counts)
        if repeated:
            yield f"repeated-processes: {repeated} in the {name}'s file twice, counted once"
    if not shared and sorted(base[0]) == sorted(candidate[0]) and len({*base[0]}) > 1:
        yield (
            "same-values: both files have the same values, without dates that would tell "
            "whether they are the same measurement"
        )
