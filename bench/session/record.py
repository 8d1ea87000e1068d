"""What a session leaves: finished blocks, what stands around them, and the warm-up of each process.

What measures (`bench.session.session`) and what judges (`bench.session.verdicts`) share these
values, so that neither needs the other. Values are measured after the warm-up and are of the steady
state; the warm-up is recorded beside them, never mixed with them. Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from bench.benchmarks import Missing


@dataclass(frozen=True, kw_only=True)
class BlockRecord:
    """A finished block: process means in seconds by arm, and how it came about.

    `number` counts the blocks of its task from 0. `benchmark` is the script that makes the task.
    `positions` tells the order in which the arms' processes were started, `values` how many values
    each mean is of. `seconds` is the block's wall time, `busy_seconds` the part of it in which
    processes of the arms did work. `state` is the host's over the block (`bench.host.HostState`).
    `disturbed`: why the host was too busy for it; "" for most. `warmups`: of arms that compile
    while they run, `first`, the first warm-up by the mean of the values, and `seconds` of warm-up
    until they were as fast (bench/session/record.py).
    """

    number: int
    task: str
    benchmark: str
    means: Mapping[str, float]
    positions: Mapping[str, int]
    values: Mapping[str, int]
    seconds: float
    busy_seconds: float
    state: Mapping[str, Any] = field(default_factory=dict)
    replica: int = 0
    protocol: str = ""
    disturbed: str = ""
    warmups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def without(record: BlockRecord, arms: Container[str]) -> BlockRecord:
    """The record as if these arms had not been in the block."""
    return replace(
        record,
        means={arm: mean for arm, mean in record.means.items() if arm not in arms},
        positions={arm: place for arm, place in record.positions.items() if arm not in arms},
        values={arm: count for arm, count in record.values.items() if arm not in arms},
        warmups={arm: one for arm, one in record.warmups.items() if arm not in arms},
    )


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """What a session gave. `seconds`: wall time of calibration and blocks over all sittings,
    `busy_seconds`: the part of it in which processes of the arms did work.

    `looks` are the shares of the planned blocks at which each task was looked at so far, as
    `bench.stats.multiplicity.look_level` takes them; a task is not in it where nobody looked early.
    `suite_looks` are those that the suite's interval pays for. `disturbance` counts blocks:
    `disturbed` by something else on the host, `measured_again` for it, and `kept` all the same.
    """

    blocks: tuple[BlockRecord, ...]
    missing: tuple[Missing, ...] = ()
    seconds: float = 0.0
    busy_seconds: float = 0.0
    complete: bool = False
    looks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    suite_looks: tuple[float, ...] = ()
    disturbance: Mapping[str, Any] = field(default_factory=dict)


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
