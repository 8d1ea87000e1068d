"""How long a runtime that compiles while it runs takes to become as fast as it will be. Pure.

Values are measured after the warm-up and speak of the steady state; what goes before is told
beside them, and never mixed with them: a program that ends sooner sees nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from bench.records import BlockRecord

# A value this much slower than the mean of the later ones is not warm yet.
WARM = 1.1


def warmup_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The warm-up of one process from pyperf's JSON; {} where it had none.

    `first`: the first warm-up by the mean of the values. `seconds`: what the warm-ups took up to
    the last that was not within 10% of that mean.
    """
    (benchmark,) = result["benchmarks"]
    runs = benchmark["runs"]
    values = [value for run in runs for value in run.get("values", ())]
    warmups = [(loops, value) for run in runs for loops, value in run.get("warmups", ())]
    if not values or not warmups:
        return {}
    inner = _inner_loops(result, benchmark)
    steady = sum(values) / len(values)
    cold = [number for number, (_loops, value) in enumerate(warmups, 1) if value > WARM * steady]
    taken = warmups[: cold[-1]] if cold else []
    return {
        "first": warmups[0][1] / steady,
        "seconds": sum(loops * inner * value for loops, value in taken),
    }


def _inner_loops(result: Mapping[str, Any], benchmark: Mapping[str, Any]) -> int:
    known = {
        **result.get("metadata", {}),
        **benchmark.get("metadata", {}),
        **benchmark["runs"][0].get("metadata", {}),
    }
    return int(known.get("inner_loops", 1))


def warmups_by_task(blocks: Iterable[BlockRecord], arm: str) -> dict[str, dict[str, float]]:
    """The medians over an arm's processes, by benchmark; without those that need no warm-up."""
    found: dict[str, list[Mapping[str, float]]] = {}
    for block in blocks:
        if block.warmups.get(arm):
            found.setdefault(block.task, []).append(block.warmups[arm])
    return {
        task: {name: median(one[name] for one in some) for name in ("first", "seconds")}
        for task, some in sorted(found.items())
    }


def told(warmup: Mapping[str, float]) -> str:
    """One warm-up in words."""
    return (
        f"the first value took {warmup['first']:.3g}x as long as the steady ones, which came "
        f"after {warmup['seconds']:.2g} s"
    )
