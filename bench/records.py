"""What a session leaves: finished blocks and what stands around them. Values alone, no behaviour.

Here, so that what measures (`bench.session`) and what judges (`bench.judging`) need not know each
other.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.comparison import Missing


@dataclass(frozen=True, kw_only=True)
class BlockRecord:
    """A finished block: process means in seconds by arm, and how it came about.

    `number` counts the blocks of its task from 0. `benchmark` is the script that makes the task.
    `positions` tells the order in which the arms' processes were started, `values` how many values
    each mean is of. `seconds` is the block's wall time, `busy_seconds` the part of it in which
    processes of the arms did work. `state` is the host's over the block (`bench.host.State`).
    `disturbed`: why the host was too busy for it; "" for most. `warmups`: of arms that compile
    while they run, `first`, the first warm-up by the mean of the values, and `seconds` of warm-up
    until they were as fast (bench/warmup.py).
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
class Measured:
    """What a session gave. `seconds`: wall time of calibration and blocks over all sittings,
    `busy_seconds`: the part of it in which processes of the arms did work.

    `looks` are the shares of the planned blocks at which each task was looked at so far, as
    `bench.levels.look_level` takes them; a task is not in it where nobody looked early.
    `suite_looks` are those that the suite's interval pays for. `disturbance` counts blocks:
    `disturbed` by something else on the host, `measured_again` for it, and `kept` all the same.
    """

    blocks: tuple[BlockRecord, ...]
    missing: tuple[Missing, ...]
    seconds: float
    busy_seconds: float
    complete: bool
    looks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    suite_looks: tuple[float, ...] = ()
    disturbance: Mapping[str, Any] = field(default_factory=dict)
