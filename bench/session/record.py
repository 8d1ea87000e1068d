"""The records of a session: finished blocks, missing benchmarks, and the warm-up of processes.

Measuring (`bench.session.session`) and computing verdicts (`bench.session.verdicts`) share these
values, so that neither needs the other. Values are measured after the warm-up and describe the
steady state; the warm-up is recorded separately. Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from bench.benchmarks import Missing


@dataclass(frozen=True, kw_only=True)
class BlockRecord:
    """A finished block: the mean of each arm's process in seconds, and how it was measured.

    `number` counts the blocks of its task from 0. `benchmark` is the script that makes the task.
    `positions` is the order in which the arms' processes were started, `values` the number of
    values behind each mean. `seconds` is the block's wall time, `busy_seconds` the part of it in
    which processes of the arms did work. `state` is the host's state over the block
    (`bench.host.HostState`). `disturbed`: why the host was too busy during the block, "" where it
    was not. `warmups`: for arms with a just-in-time compiler, the result of `warmup_of`. `threads`:
    what was seen of the benchmark's threads, and on what they ran; "" where only one computes.
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
    threads: str = ""


def without(record: BlockRecord, arms: Container[str]) -> BlockRecord:
    """The record without the given arms."""
    return replace(
        record,
        means={arm: mean for arm, mean in record.means.items() if arm not in arms},
        positions={arm: place for arm, place in record.positions.items() if arm not in arms},
        values={arm: count for arm, count in record.values.items() if arm not in arms},
        warmups={arm: warmup for arm, warmup in record.warmups.items() if arm not in arms},
    )


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """The result of a session. `seconds`: wall time of calibration and blocks, over all processes
    that worked on it, `busy_seconds`: the part of it in which processes of the arms did work.

    `looks` are the shares of the planned blocks at which each task was looked at so far, the
    argument of `bench.stats.multiplicity.look_level`; tasks without early looks are not in it.
    `suite_looks` are those that the suite's interval is adjusted for. `disturbance` counts blocks:
    `disturbed` by other load on the host, `measured_again` because of it, and `kept` nevertheless.
    """

    blocks: tuple[BlockRecord, ...]
    missing: tuple[Missing, ...] = ()
    seconds: float = 0.0
    busy_seconds: float = 0.0
    complete: bool = False
    looks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    suite_looks: tuple[float, ...] = ()
    disturbance: Mapping[str, Any] = field(default_factory=dict)


# A value slower than this multiple of the mean of the timed values still belongs to the warm-up.
WARM = 1.1


def warmup_of(result: Mapping[str, Any]) -> dict[str, float]:
    """The warm-up of one process from pyperf's JSON; {} where it had none.

    `first`: the first warm-up value divided by the mean of the timed values. `seconds`: the time of
    all warm-ups up to the last that was more than 10% above that mean.
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
    metadata = {
        **result.get("metadata", {}),
        **benchmark.get("metadata", {}),
        **benchmark["runs"][0].get("metadata", {}),
    }
    return int(metadata.get("inner_loops", 1))


def warmups_by_task(blocks: Iterable[BlockRecord], arm: str) -> dict[str, dict[str, float]]:
    """The median warm-up of an arm's processes, by benchmark; without those that have none."""
    warmups: dict[str, list[Mapping[str, float]]] = {}
    for block in blocks:
        if block.warmups.get(arm):
            warmups.setdefault(block.task, []).append(block.warmups[arm])
    return {
        task: {name: median(warmup[name] for warmup in of_task) for name in ("first", "seconds")}
        for task, of_task in sorted(warmups.items())
    }


def describe_warmup(warmup: Mapping[str, float]) -> str:
    """A sentence on one warm-up."""
    return (
        f"the first value took {warmup['first']:.3g}x as long as the steady ones, which came "
        f"after {warmup['seconds']:.2g} s"
    )
