"""Simulated sessions with the scheduler, looks and verdicts of real ones.

Only the measurements are simulated. The order of blocks, the looks, the verdicts and the stopping
rule are those of the code in use (`bench.session`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.compare import Comparisons
from bench.host import may_repeat
from bench.session import (
    BASE,
    BlockRecord,
    Rules,
    Schedule,
    ScheduledBlock,
    SessionRecord,
    conclude,
    settled,
)
from bench.validation.simulate import Scenario, SimulatedTimes, draw

CANDIDATE = "candidate"


@dataclass(frozen=True, kw_only=True)
class SimulatedSession:
    """The end of a session. `blocks` are the numbers of valid blocks of each benchmark."""

    comparisons: Comparisons
    blocks: Mapping[str, int]


def play(scenario: Scenario, rng: np.random.Generator, *, margin: float) -> SimulatedSession:
    """Run a session with early looks until all is decided or all blocks are measured."""
    drawn = draw(scenario, rng)
    rules = Rules(
        blocks=scenario.blocks,
        replicas=scenario.replicas,
        margin=margin,
        seed=int(rng.integers(2**32)),
        watched=(CANDIDATE,),
    )
    records = _measured(drawn, rules)
    bare = SessionRecord(blocks=tuple(records), complete=True)
    ended = settled(bare, rules, conclude)
    counts = Counter(record.task for record in records)
    return SimulatedSession(
        comparisons=conclude(ended, CANDIDATE, margin=margin),
        blocks={name: counts[name] for name in _names(drawn)},
    )


def _measured(drawn: SimulatedTimes, rules: Rules) -> list[BlockRecord]:
    schedule = Schedule(_names(drawn), rules, conclude)
    records = []
    for turn in schedule.turns():
        record = _block(drawn, turn)
        # As in `bench.session.session`: once, as far as repetitions are allowed.
        if record.disturbed and may_repeat(schedule.repeated, schedule.planned):
            schedule.repeat(record)
        else:
            schedule.add(record)
            records.append(record)
    return records


def _names(drawn: SimulatedTimes) -> list[str]:
    # Zero-padded, so that the alphabetical order of comparisons is that of the numbers.
    return [f"b{number:03d}" for number in range(drawn.times.shape[1])]


def _block(drawn: SimulatedTimes, turn: ScheduledBlock) -> BlockRecord:
    number = int(turn.task[1:])
    times = drawn.repeated if turn.again else drawn.times
    base, candidate = times[turn.number, number].tolist()
    marked = bool(drawn.marked[turn.number, number]) and not turn.again
    return BlockRecord(
        number=turn.number,
        task=turn.task,
        benchmark=turn.task,
        means={BASE: base, CANDIDATE: candidate},
        positions={},
        values={},
        seconds=1.0,
        busy_seconds=1.0,
        replica=int(drawn.replicas[turn.number]),
        disturbed="the host watch saw other work" if marked else "",
    )
