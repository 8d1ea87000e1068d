"""How long a runtime that compiles while it runs takes to become as fast as it will be. Pure.

Values are measured after the warm-up and speak of the steady state; what goes before is told
beside them, and never mixed with them: a program that ends sooner sees nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

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


def summed_up(warmups: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The medians over processes; {} of none."""
    if not warmups:
        return {}
    return {name: median(one[name] for one in warmups) for name in ("first", "seconds")}
