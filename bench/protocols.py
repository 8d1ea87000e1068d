"""How the processes of a block share the machine.

A protocol measures one block: it starts a worker for each arm and says when each may time a value.
What it needs to know of a worker is in bench/workers.py, so that another way to share (`corun`) is
another class here and an entry in PROTOCOLS, and nothing else.

`sequential` assumes that the host's speed does not change from one process to the next. On a shared
machine it does, by 10 to 25% over seconds (FACTS): the order is random, so that this widens
intervals and favours no arm.

`lockstep` assumes that it does not change from one value to the next, and that a process which has
waited runs as it would have run otherwise. The first value after a switch finds the core's caches
and predictors full of another arm's: short values pay for that in both arms, and an arm with the
larger footprint pays more.

Sources: randomized multiple interleaved trials (Abedi and Brecht 2017) for the random order within
a block, duet benchmarking (Bulej and others 2020) for measuring the arms together.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from bench import workers
from bench.trials import Block, Failure, Trial, Worker, described, timing_options
from bench.workers import GONE, VALUE, Live, Rig, StalledError
from builder.errors import UsageError

MOST_ARMS = 8


class Protocol(ABC):
    """A way to measure a block."""

    name: ClassVar[str]

    @abstractmethod
    def measure(self, block: Block, rig: Rig) -> tuple[Trial, ...]:
        """One trial for each arm, in the order of the block's arms. A failure is a trial too."""


class Sequential(Protocol):
    """One process after the other, in random order."""

    name = "sequential"

    def measure(self, block: Block, rig: Rig) -> tuple[Trial, ...]:
        """See Protocol."""
        chance = block.chance()
        trials = {}
        for position, number in enumerate(block.order(chance)):
            with _start(block, rig, number) as live:
                try:
                    asked = live.starts(rig.timeout)
                    while asked == VALUE:
                        live.release(rig.timeout)
                        asked = live.asked
                    trials[number] = _conclude(live, block, rig, self.name, position)
                except StalledError:
                    trials[number] = _failed(live, position, _late(live, rig))
        return tuple(trials[number] for number in range(len(block.arms)))


class Lockstep(Protocol):
    """All processes alive, one timed value released at a time, in random order within each round.

    Warm-ups are released in the same way. No process ends before all have timed their last value.
    An arm that dies leaves the block and the others go on; one that hangs ends it for all.
    """

    name = "lockstep"

    def measure(self, block: Block, rig: Rig) -> tuple[Trial, ...]:
        """See Protocol."""
        chance = block.chance()
        order = block.order(chance)
        live: dict[int, Live] = {}
        with contextlib.ExitStack() as alive:
            try:
                for number in order:
                    live[number] = alive.enter_context(_start(block, rig, number))
                    live[number].starts(rig.timeout)
                while waiting := [one for one in live.values() if one.asked == VALUE]:
                    for one in chance.sample(waiting, len(waiting)):
                        one.release(rig.timeout)
                trials = {
                    number: _conclude(live[number], block, rig, self.name, order.index(number))
                    for number in order
                }
            except StalledError:
                trials = _all_stopped(block, rig, live, order)
        return tuple(trials[number] for number in range(len(block.arms)))


PROTOCOLS: dict[str, Protocol] = {one.name: one for one in (Sequential(), Lockstep())}


def measure(protocol: str, block: Block, rig: Rig) -> tuple[Trial, ...]:
    """Measure one block under the protocol of that name: one trial for each arm, in their order.

    Raises UsageError for a block that no protocol can measure.
    """
    names = [arm.name for arm in block.arms]
    if not 1 <= len(names) <= MOST_ARMS or len(set(names)) != len(names):
        raise UsageError(
            f"A block has 1 to {MOST_ARMS} arms, each with a name of its own.",
            where=", ".join(names),
            hint="Measure fewer candidates at a time.",
        )
    if protocol not in PROTOCOLS:
        raise UsageError(
            f"There is no protocol {protocol!r}.",
            where="protocol",
            hint=f"Choose one of: {', '.join(PROTOCOLS)}.",
        )
    with workers.apart(rig.core):
        return PROTOCOLS[protocol].measure(block, rig)


def _start(block: Block, rig: Rig, number: int) -> contextlib.AbstractContextManager[Live]:
    worker = Worker(
        # Paths of one length for all arms.
        scratch=rig.scratch / f"arm{number}",
        core=rig.core,
        hash_seed=block.hash_seed,
    )
    options = timing_options(block.task)
    return workers.start(rig, block.benchmark, block.arms[number], options, worker)


def _conclude(live: Live, block: Block, rig: Rig, protocol: str, position: int) -> Trial:
    """Let a worker end and read what it wrote."""
    if live.asked != GONE:
        live.finish()
    done = live.ended(rig.timeout)
    if done.timed_out:
        return _failed(live, position, _late(live, rig))
    if not done.ok:
        return _failed(live, position, live.failure(done.how()))
    result = workers.read_result(live.worker)
    if result is None:
        return _failed(live, position, live.failure("wrote no result"))
    return Trial(
        arm=live.arm.name,
        replica=live.arm.replica,
        position=position,
        spent=live.spent(),
        result=described(
            result,
            block,
            live.arm,
            protocol=protocol,
            position=position,
            host=rig.host,
            places=rig.places,
        ),
    )


def _late(live: Live, rig: Rig) -> Failure:
    return live.failure(f"was stopped: nothing came for {rig.timeout:.0f} s (time-out)")


def _failed(live: Live, position: int, failure: Failure) -> Trial:
    return Trial(
        arm=live.arm.name,
        replica=live.arm.replica,
        position=position,
        failure=failure,
        spent=live.spent(),
    )


def _all_stopped(
    block: Block, rig: Rig, live: dict[int, Live], order: Sequence[int]
) -> dict[int, Trial]:
    """The trials of a block that one hanging arm ended."""
    hung = next(one for one in live.values() if one.late)
    trials = {}
    for number, arm in enumerate(block.arms):
        position = order.index(number)
        one = live.get(number)
        if one is hung:
            trials[number] = _failed(one, position, _late(one, rig))
            continue
        failure = Failure(reason=f"{arm.name} was stopped, since {hung.arm.name} hung", own=False)
        trials[number] = Trial(
            arm=arm.name, replica=arm.replica, position=position, failure=failure
        )
    return trials
