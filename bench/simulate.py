"""Sessions that never ran: blocks with a known truth, to try the statistics on.

A host whose speed drifts and bursts, processes whose means scatter and may be skewed, builds that
differ, and a candidate that is slower by a known share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.compare import Block, Measured

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the host, the processes, the builds and the change do. Shares are of 1.

    `effect`: the candidate takes 1 + effect times as long. `spread`: standard deviation of a
    block's log-ratio that comes from its processes, normal where `skew` is 0, else a difference of
    log-normal ones of that shape. `drift`: how much slower the host is at the end than at first.
    `burst_share` of the time the host is `burst` slower, in bursts of `burst_length` processes on
    average. `in_turn`: the arms of a block run one after the other, else together on one host
    speed. `build_spread`: standard deviation of what building again does to a benchmark; each side
    is built `replicas` times.
    """

    benchmarks: int = 40
    blocks: int = 20
    effect: float = 0.0
    spread: float = 0.007
    skew: float = 0.0
    drift: float = 0.0
    burst: float = 0.2
    burst_share: float = 0.0
    burst_length: float = 3.0
    in_turn: bool = True
    build_spread: float = 0.0
    replicas: int = 1


def session(scenario: Scenario, rng: np.random.Generator) -> tuple[Measured, ...]:
    """One session: rounds of all benchmarks, the arms of each block in random order."""
    shape = (scenario.blocks, scenario.benchmarks)
    times = _host(scenario, rng) * np.exp(_processes(scenario, rng))
    times[..., 1] *= 1 + scenario.effect
    replica = np.arange(scenario.blocks) % scenario.replicas
    builds = rng.normal(size=(scenario.replicas, scenario.benchmarks, 2)) * scenario.build_spread
    times *= np.exp(builds[replica])
    times *= np.geomspace(0.001, 1.0, scenario.benchmarks)[None, :, None]
    return tuple(
        Measured(
            benchmark=f"b{number}",
            blocks=tuple(
                Block(
                    index=index,
                    base=float(times[index, number, 0]),
                    candidate=float(times[index, number, 1]),
                    replica=str(replica[index]),
                )
                for index in range(shape[0])
            ),
        )
        for number in range(shape[1])
    )


def _host(scenario: Scenario, rng: np.random.Generator) -> Floats:
    """How slow the host is for each process: blocks x benchmarks x arms, 1 at its fastest."""
    shape = (scenario.blocks, scenario.benchmarks)
    slots = 2 if scenario.in_turn else 1
    count = math.prod(shape) * slots
    slow = 1 + scenario.drift * np.arange(count) / count
    slow *= 1 + scenario.burst * _bursts(scenario, count, rng)
    speeds = np.broadcast_to(slow.reshape(*shape, slots), (*shape, 2))
    return rng.permuted(speeds, axis=2)


def _bursts(scenario: Scenario, count: int, rng: np.random.Generator) -> Floats:
    """1 where a burst is on: a two-state chain with the asked-for share and mean length."""
    if scenario.burst_share == 0:
        return np.zeros(count)
    quiet = scenario.burst_length * (1 - scenario.burst_share) / scenario.burst_share
    on = rng.random() < scenario.burst_share
    state: list[float] = []
    while len(state) < count:
        mean = scenario.burst_length if on else quiet
        state += [float(on)] * int(rng.geometric(1 / max(mean, 1.0)))
        on = not on
    return np.array(state[:count])


def _processes(scenario: Scenario, rng: np.random.Generator) -> Floats:
    """What each process adds to the logarithm of its time."""
    noise = rng.normal(size=(scenario.blocks, scenario.benchmarks, 2))
    if scenario.skew > 0:
        variance = math.exp(scenario.skew**2)
        noise = (np.exp(scenario.skew * noise) - math.sqrt(variance)) / math.sqrt(
            variance * (variance - 1)
        )
    return noise * scenario.spread / math.sqrt(2)
