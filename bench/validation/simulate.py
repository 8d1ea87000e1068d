"""Simulated sessions: blocks with known true ratios, to test the statistics with.

They model a host with drift and bursts, processes whose means scatter and may be skewed, builds
that differ, temporary load, sessions that are killed and resumed, and a candidate that is slower by
a known share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.compare import BenchmarkBlocks, PairedBlock
from bench.host import MOST_AGAIN

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

# The host's speed differs after a resume: standard deviation of its logarithm.
_RESUME = 0.1


@dataclass(frozen=True, kw_only=True)
class Load:
    """Temporary load by another process. Shares are of 1.

    For `share` of the blocks, in periods of `length` blocks on average, the host is slower by
    `slower`, and the arms' own noise is `spread` times as large. The host watch marks a loaded
    block with probability `seen`, any other with probability `mistaken`: it reads the host's state,
    never the times. Marked blocks are measured again, as far as that is allowed; the second
    measurement counts, loaded or not.
    """

    share: float = 0.2
    length: float = 8.0
    slower: float = 0.3
    spread: float = 3.0
    seen: float = 0.8
    mistaken: float = 0.02


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The parameters of the host, the processes, the builds and the change. Shares are of 1.

    `effect`: the candidate takes 1 + effect times as long, on the first `affected` benchmarks or,
    where that is None, on all. `spread`: standard deviation of a block's log-ratio that comes from
    its processes, normal where `skew` is 0, else a difference of log-normal ones of that shape.
    `drift`: how much slower the host is at the end than at the start. `burst_share` of the time the
    host is `burst` slower, in bursts of `burst_length` processes on average. `in_turn`: the arms of
    a block run one after the other, else together on one host speed. `build_spread`: standard
    deviation of the effect of a build on a benchmark; each side is built `replicas` times. `kills`:
    how often the session is killed between two processes and resumed; the interrupted block is
    measured again, with another speed of the host.
    """

    benchmarks: int = 40
    blocks: int = 20
    effect: float = 0.0
    affected: int | None = None
    spread: float = 0.007
    skew: float = 0.0
    drift: float = 0.0
    burst: float = 0.2
    burst_share: float = 0.0
    burst_length: float = 3.0
    in_turn: bool = True
    build_spread: float = 0.0
    replicas: int = 1
    kills: int = 0
    load: Load | None = None


@dataclass(frozen=True, kw_only=True)
class SimulatedTimes:
    """All times that a session can measure: a block for each round and benchmark.

    `times` is rounds x benchmarks x (base, candidate), process means in seconds; `repeated`
    the same for blocks that are measured again. `marked`: the blocks that the host watch marks.
    `replicas` labels each round's builds.
    """

    times: Floats
    repeated: Floats
    marked: Flags
    replicas: tuple[str, ...]


def draw(scenario: Scenario, rng: np.random.Generator) -> SimulatedTimes:
    """Draw a whole session: rounds of all benchmarks, the arms of each block in random order."""
    times, loaded = _blocks(scenario, rng)
    repeated, marked = times, np.zeros_like(loaded)
    if scenario.load is not None:
        marked = _marked(scenario.load, loaded, rng)
        repeated, _ = _blocks(scenario, rng)
    replica = np.arange(scenario.blocks) % scenario.replicas
    builds = rng.normal(size=(scenario.replicas, scenario.benchmarks, 2)) * scenario.build_spread
    factors = np.exp(builds[replica]) * seconds(scenario.benchmarks)[None, :, None]
    factors[..., 1] *= effects(scenario)
    return SimulatedTimes(
        times=times * factors,
        repeated=repeated * factors,
        marked=marked,
        replicas=tuple(str(number) for number in replica),
    )


def effects(scenario: Scenario) -> Floats:
    """The true ratio of each benchmark."""
    changed = np.arange(scenario.benchmarks) < (
        scenario.benchmarks if scenario.affected is None else scenario.affected
    )
    return np.where(changed, 1 + scenario.effect, 1.0)


def seconds(benchmarks: int) -> Floats:
    """The duration of a value of each benchmark: from a millisecond to a second."""
    return np.geomspace(0.001, 1.0, benchmarks)


def session(scenario: Scenario, rng: np.random.Generator) -> tuple[BenchmarkBlocks, ...]:
    """One session with all of its blocks, the marked ones measured again as far as allowed."""
    drawn = draw(scenario, rng)
    again = drawn.marked.copy()
    again.flat[np.flatnonzero(again)[int(MOST_AGAIN * again.size) :]] = False
    times = np.where(again[..., None], drawn.repeated, drawn.times)
    return tuple(
        BenchmarkBlocks(
            benchmark=f"b{number}",
            blocks=tuple(
                PairedBlock(number=index, base=base, candidate=candidate, replica=replica)
                for index, ((base, candidate), replica) in enumerate(
                    zip(times[:, number].tolist(), drawn.replicas, strict=True)
                )
            ),
        )
        for number in range(scenario.benchmarks)
    )


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Measuring with pyperf: all processes of the base's run, then all of the candidate's.

    Each benchmark has `processes` processes of `values` values in either run. The values scatter by
    `within` around the mean of their process, which is the value that a block would have: the
    variance between processes is half of a block's in the scenario.
    """

    processes: int = 20
    values: int = 3
    within: float = 0.005


def recorded(scenario: Scenario, recording: Recording, rng: np.random.Generator) -> Floats:
    """The values that two runs of pyperf give: 2 x benchmarks x processes x values, in seconds.

    The host is that of a session of the same duration; the effect of a build is drawn once a side.
    """
    shape = (2, scenario.benchmarks, recording.processes)
    times = np.exp(_noise(scenario, shape, rng)) * _speeds(scenario, math.prod(shape), rng).reshape(
        shape
    )
    times[1] *= effects(scenario)[:, None]
    builds = rng.normal(size=(2, scenario.benchmarks)) * scenario.build_spread
    times *= np.exp(builds)[..., None] * seconds(scenario.benchmarks)[None, :, None]
    scatter = np.exp(rng.normal(size=(*shape, recording.values)) * recording.within)
    scatter /= scatter.mean(axis=-1, keepdims=True)
    return np.asarray(times[..., None] * scatter)


def _blocks(scenario: Scenario, rng: np.random.Generator) -> tuple[Floats, Flags]:
    """The times of all blocks without effect and builds, and which of them were under load."""
    shape = (scenario.blocks, scenario.benchmarks)
    noise = _noise(scenario, (*shape, 2), rng)
    loaded = np.zeros(shape, dtype=bool)
    slow = np.ones(shape)
    if scenario.load is not None:
        load = scenario.load
        loaded = _periods(load.share, load.length, math.prod(shape), rng).reshape(shape)
        noise *= np.where(loaded, load.spread, 1.0)[..., None]
        slow += load.slower * loaded
    return _host(scenario, rng) * slow[..., None] * np.exp(noise), loaded


def _marked(load: Load, loaded: Flags, rng: np.random.Generator) -> Flags:
    chances = np.where(loaded, load.seen, load.mistaken)
    return np.asarray(rng.random(loaded.shape) < chances)


def _host(scenario: Scenario, rng: np.random.Generator) -> Floats:
    """The slowness of the host for each process: blocks x benchmarks x arms; 1 is fastest."""
    shape = (scenario.blocks, scenario.benchmarks)
    slots = 2 if scenario.in_turn else 1
    speeds = _speeds(scenario, math.prod(shape) * slots, rng).reshape(*shape, slots)
    if scenario.kills:
        # Between blocks: an interrupted block is measured again as a whole.
        sittings = np.sort(rng.integers(1, math.prod(shape), scenario.kills))
        which = np.searchsorted(sittings, np.arange(math.prod(shape)), side="right")
        changes = np.exp(rng.normal(size=scenario.kills + 1) * _RESUME)
        speeds = speeds * changes[which].reshape(shape)[..., None]
    return rng.permuted(np.broadcast_to(speeds, (*shape, 2)), axis=2)


def _speeds(scenario: Scenario, count: int, rng: np.random.Generator) -> Floats:
    """The slowness of the host in each of `count` time slots, one for each process."""
    slow = 1 + scenario.drift * np.arange(count) / count
    slow *= 1 + scenario.burst * _periods(scenario.burst_share, scenario.burst_length, count, rng)
    return slow


def _periods(share: float, length: float, count: int, rng: np.random.Generator) -> Flags:
    """When something is on: a two-state Markov chain with the given share and mean length."""
    if share == 0:
        return np.zeros(count, dtype=bool)
    # Mean lengths of the on and off periods, each geometric and at least one slot.
    means = max(length, 1.0), max(length * (1 - share) / share, 1.0)
    first = rng.random() < share
    pairs = count // 2 + 1  # each period takes at least one slot
    lengths = rng.geometric([1 / means[not first], 1 / means[first]], size=(pairs, 2)).ravel()
    states = np.tile([first, not first], pairs)
    return np.repeat(states, np.minimum(lengths, count))[:count]


def _noise(scenario: Scenario, shape: Sequence[int], rng: np.random.Generator) -> Floats:
    """The noise of each process in the logarithm of its time."""
    noise = rng.normal(size=tuple(shape))
    if scenario.skew > 0:
        variance = math.exp(scenario.skew**2)
        noise = (np.exp(scenario.skew * noise) - math.sqrt(variance)) / math.sqrt(
            variance * (variance - 1)
        )
    return noise * scenario.spread / math.sqrt(2)
