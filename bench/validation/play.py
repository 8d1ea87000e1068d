"""A simulated session, played by the rules of a real one: its scheduler, its looks, its judge.

What is simulated is the measuring alone. Which block comes next, when it is looked at what there
is, what is decided and when it is enough: all that is the shipped code.
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
from bench.validation.simulate import Drawn, Scenario, draw

CANDIDATE = "candidate"


@dataclass(frozen=True, kw_only=True)
class Played:
    """How a session ended. `blocks` are those of each benchmark that count."""

    comparisons: Comparisons
    blocks: Mapping[str, int]


def play(scenario: Scenario, rng: np.random.Generator, *, margin: float) -> Played:
    """One session that looks early and stops when all is decided, or all blocks are measured."""
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
    counts = Counter(one.task for one in records)
    return Played(
        comparisons=conclude(ended, CANDIDATE, margin=margin),
        blocks={name: counts[name] for name in _names(drawn)},
    )


def _measured(drawn: Drawn, rules: Rules) -> list[BlockRecord]:
    schedule = Schedule(_names(drawn), rules, conclude)
    records = []
    for turn in schedule.turns():
        record = _block(drawn, turn)
        # As in `bench.session.session`: once, as long as that is allowed.
        if record.disturbed and may_repeat(schedule.repeated, schedule.planned):
            schedule.repeat(record)
        else:
            schedule.add(record)
            records.append(record)
    return records


def _names(drawn: Drawn) -> list[str]:
    # In the order of numbers and of the alphabet alike, in which comparisons come.
    return [f"b{number:03d}" for number in range(drawn.times.shape[1])]


def _block(drawn: Drawn, turn: ScheduledBlock) -> BlockRecord:
    number = int(turn.task[1:])
    times = drawn.anew if turn.again else drawn.times
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
