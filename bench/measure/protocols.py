"""How the processes of a block share the machine.

A protocol measures one block: it starts a worker for each arm and says when each may time a value.
What it needs to know of a worker is in bench/measure/worker.py. Each block starts new processes,
so that what a process draws once (addresses, the memory it gets) is drawn again for each block.

The figures are of a shared virtual machine with two cores and other work on both (load 8), CPython
3.13.5 against itself, ten benchmarks of 8 blocks: the median over benchmarks of the deviation of a
block's log-ratio, and that times the root of the block's seconds.

`sequential` (19%; 39% in 1 s): one process after the other, in random order.
    Assumes that the host's speed does not change from one process to the next. On a shared machine
    it does: the random order makes that noise and no bias, but it is most of the noise.
    Misleads where a process leaves something behind for the next: heat, files in the page cache.

`lockstep` (5.0%; 9.2%): all alive, one timed value at a time, in random order.
    Assumes that the speed does not change from one value to the next, and that a process that has
    waited runs as it would have run otherwise.
    Misleads with short values, which begin with caches and predictors full of another arm's data:
    the first value after a switch took 0.3 to 9% longer than the next if it lasts 1 ms, 0 to 2% at
    3 ms, and none that could be seen (under 1%) from 10 ms on. Both arms pay, which draws ratios
    towards 1 by that share of the difference. Weak with long values: the speed changes in them.

`corun` (1.5%; 2.5%): all alive and runnable on one core, CPU time as the clock.
    The kernel alternates them, here every 3 ms, however long a value is, so that all see the host's
    speed of the same moments. All start together and whole values are counted:
    bench/measure/window.py says what is done at the end. A known difference of 5 to 6% was found
    as that +0.3 +-1.0% (56 blocks, four benchmarks).
    Assumes that the kernel gives each its share in small slices, and that CPU time is what matters:
    what waits, or starts processes, is refused (`refuses`), and so is a benchmark that does not
    read the clock that it is offered (inside/gate.py). Coroutines that only compute are fine.
    Misleads as lockstep does with values of 3 ms: two arms cost each 0 to 1% of CPU time more than
    one alone, four up to 3%. An arm whose data just fills the core's own cache (2 MB) loses much
    more, 19% beside its like and 14% beside a larger one, while one that fits into the first level
    loses nothing: between arms of very different footprint, believe lockstep with long values.
    What the host takes from the whole machine is CPU time to a guest whose kernel does not account
    for it; it falls on all arms alike.

Within a block of corun values agree to about 0.3%; what is left is between processes. More and
shorter processes then tell more than longer ones: a third of the values made a block's error grow
from 1.79 to 1.95%, and its time shrink to less than half. So a corun block is as short as starting
processes makes worth while, and one long value is enough, since the arms share each moment of it.

Garbage: a collection falls due where a process's own history puts it, and nothing is collected at
the edges of a block. Arms of one task have allocated the same history when their values begin, so
that a full collection, which may be as long as a short value, falls into the same value of each.
Collecting before would take from an arm what it has made due and, while others run, put a traversal
beside values that never asked for it. Nothing of one block's processes is left for the next.

Warm-ups run under the protocol as values do; in corun nobody times a value before all are warm.
Runtimes that compile while they run have more of them (Effort.for_kind).

Sources: randomized multiple interleaved trials (Abedi and Brecht 2017) for the random order within
a block, duet benchmarking (Bulej and others 2020) for measuring the arms together.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from bench.measure import worker as workers
from bench.measure.outcome import all_stopped, failed, late, outcome, refused
from bench.measure.trial import (
    CPU,
    EACH,
    FREE,
    PROCESS,
    WALL,
    BlockPlan,
    Effort,
    Task,
    Trial,
    Worker,
    timing_options,
    worker_command,
)
from bench.measure.window import ValueWindow
from bench.measure.worker import GO, MORE, NO_MORE, TIMED, VALUE, Live, Rig, StalledError
from builder.errors import UsageError
from builder.process import Command

MOST_ARMS = 12
# A task that waits for more than the rest of its time is not measured by CPU time.
_LEAST_CPU_SHARE = 0.9


class Protocol(ABC):
    """A way to measure a block. `clock` is what its values are seconds of, `mode` the gate's.
    `process`: seconds of timed values that suit it, `least` how many values it needs.
    """

    name: ClassVar[str]
    clock: ClassVar[str] = WALL
    mode: ClassVar[str] = EACH
    process: ClassVar[float] = PROCESS
    least: ClassVar[int] = 2

    @abstractmethod
    def measure(self, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        """One trial for each arm, in the order of the block's arms. A failure is a trial too."""

    def _start(
        self, block: BlockPlan, rig: Rig, number: int
    ) -> contextlib.AbstractContextManager[Live]:
        arm = block.arms[number]
        options = timing_options(block.task_of(arm), arm)
        return workers.start(rig, block.benchmark, arm, options, self._worker(block, rig, number))

    def _worker(self, block: BlockPlan, rig: Rig, number: int) -> Worker:
        return Worker(
            # Paths of one length for all arms.
            scratch=rig.scratch / f"arm{number}",
            core=rig.core,
            hash_seed=block.hash_seed,
            addresses=block.addresses if rig.draws_addresses else None,
            mode=self.mode,
        )

    def command(self, block: BlockPlan, rig: Rig, number: int) -> Command:
        """The process of an arm, by its number, as it can be typed: without a gate. Pure."""
        arm = block.arms[number]
        options = timing_options(block.task_of(arm), arm)
        return worker_command(block.benchmark, arm, options, self._worker(block, rig, number))

    def _outcome(self, live: Live, block: BlockPlan, rig: Rig, position: int) -> Trial:
        return outcome(live, block, rig, protocol=self.name, clock=self.clock, position=position)


class Sequential(Protocol):
    """One process after the other, in random order."""

    name = "sequential"

    def measure(self, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        """See Protocol."""
        chance = block.chance()
        trials = {}
        for position, number in enumerate(block.order(chance)):
            with self._start(block, rig, number) as live:
                try:
                    asked = live.starts(rig.timeout)
                    while asked == VALUE:
                        live.release(rig.timeout)
                        asked = live.asked
                    trials[number] = self._outcome(live, block, rig, position)
                except StalledError:
                    trials[number] = failed(live, position, late(live, rig))
        return tuple(trials[number] for number in range(len(block.arms)))


@dataclass(frozen=True, kw_only=True)
class Party:
    """The arms of a block that are alive together, and what they are measured with."""

    lives: tuple[Live, ...]
    block: BlockPlan
    rig: Rig
    chance: random.Random

    def planned(self, one: Live) -> int:
        """How many values an arm is to time."""
        return self.block.task_of(one.arm).values

    def at_gate(self) -> list[Live]:
        """Those that stand before a value."""
        return [one for one in self.lives if one.asked == VALUE]

    def let_run(self, lives: Sequence[Live], goes_on: Callable[[Live], bool]) -> None:
        """Release some at once, in random order; returns when none of them runs on.

        `goes_on` hears whatever one says and tells whether it runs on. Raises StalledError.
        """
        began = time.monotonic()
        running = self.chance.sample(lives, len(lives))
        for one in running:
            one.answer(GO)
        while running:
            one = workers.next_heard(running, self.rig.timeout)
            one.timed += one.asked == TIMED
            if not goes_on(one):
                running.remove(one)
                # They had equal parts of the core.
                one.worked((time.monotonic() - began) / len(lives))


class Together(Protocol):
    """All processes alive at once, started in random order. None ends before all have timed their
    last value. An arm that dies leaves the block and the others go on; one that hangs ends it.
    """

    def measure(self, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        """See Protocol."""
        chance = block.chance()
        order = block.order(chance)
        live: dict[int, Live] = {}
        with contextlib.ExitStack() as alive:
            try:
                for number in order:
                    live[number] = alive.enter_context(self._start(block, rig, number))
                    live[number].starts(rig.timeout)
                self._drive(Party(lives=tuple(live.values()), block=block, rig=rig, chance=chance))
                trials = {
                    number: self._outcome(live[number], block, rig, order.index(number))
                    for number in order
                }
            except StalledError:
                trials = all_stopped(block, rig, live, order)
        return tuple(trials[number] for number in range(len(block.arms)))

    @abstractmethod
    def _drive(self, party: Party) -> None:
        """Have all that stand at their first gate time their values. Raises StalledError."""


class Lockstep(Together):
    """One timed value released at a time, in random order within each round, warm-ups too."""

    name = "lockstep"

    def _drive(self, party: Party) -> None:
        while waiting := party.at_gate():
            for one in party.chance.sample(waiting, len(waiting)):
                one.release(party.rig.timeout)


class Corun(Together):
    """All released at once, warm-ups and then values, and left to the kernel."""

    name = "corun"
    clock = CPU
    mode = FREE
    process = 0.2
    least = 1

    def _drive(self, party: Party) -> None:
        # All have warm-ups, or none has: see Effort.shape.
        if party.block.task.warmups:
            party.let_run(party.at_gate(), _stop_at_gates)
        timing = party.at_gate()
        window = ValueWindow({one: party.planned(one) for one in timing}, time.monotonic())

        def answer(one: Live) -> bool:
            now = time.monotonic()
            if one.asked == TIMED:
                window.timed(one, now)
                return True
            if one.asked == MORE:
                wanted = window.wants_more(one, now)
                one.answer(GO if wanted else NO_MORE)
                return wanted
            window.left(one)
            return False

        party.let_run(timing, answer)
        company = [one for one in timing if one.asked == MORE]
        for one in company:
            one.answer(GO)
        for one in company:
            one.ask(party.rig.timeout)


def _stop_at_gates(one: Live) -> bool:
    return one.asked == TIMED


PROTOCOLS: dict[str, Protocol] = {one.name: one for one in (Sequential(), Lockstep(), Corun())}


def refuses(name: str, task: Task) -> str:
    """Why the protocol of that name cannot measure a task; "" where it can. Raises UsageError."""
    if _named(name).clock != CPU:
        return ""
    if task.children:
        return "it starts processes, whose CPU time is not its own"
    if task.cpu_share < _LEAST_CPU_SHARE:
        return f"it waits for {1 - task.cpu_share:.0%} of its time, which CPU time does not count"
    return ""


def effort_for(name: str, effort: Effort) -> Effort:
    """The effort under the protocol of that name, where none was asked for. Raises UsageError."""
    if effort.process is not None:
        return effort
    chosen = _named(name)
    least = min(effort.min_values, chosen.least)
    return replace(effort, process=chosen.process, min_values=least)


def measure(protocol: str, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
    """Measure one block under the protocol of that name: one trial for each arm, in their order.

    Where the protocol refuses the task, all trials are failures that say so. Raises UsageError for
    a block that no protocol can measure.
    """
    names = [arm.name for arm in block.arms]
    if not 1 <= len(names) <= MOST_ARMS or len(set(names)) != len(names):
        raise UsageError(
            f"A block has 1 to {MOST_ARMS} arms, each with a name of its own.",
            where=", ".join(names),
            hint="Measure fewer candidates at a time.",
        )
    chosen = _named(protocol)
    if reason := refuses(protocol, block.task):
        return refused(block, f"{protocol} cannot measure {block.task.name}: {reason}")
    rig = _fitted(chosen, rig, len(names))
    with workers.apart(rig.core):
        return chosen.measure(block, rig)


def commands(protocol: str, block: BlockPlan, rig: Rig) -> tuple[Command, ...]:
    """What `measure` starts for a block, one for each arm in their order, without gates. Pure."""
    chosen = _named(protocol)
    rig = _fitted(chosen, rig, len(block.arms))
    return tuple(chosen.command(block, rig, number) for number in range(len(block.arms)))


def _fitted(protocol: Protocol, rig: Rig, arms: int) -> Rig:
    if protocol.mode != FREE:
        return rig
    # One core for all, each with its part of it: a value takes as many times longer.
    core = rig.core if rig.core is not None else max(os.sched_getaffinity(0))
    return replace(rig, core=core, timeout=rig.timeout * arms)


def _named(protocol: str) -> Protocol:
    if protocol not in PROTOCOLS:
        raise UsageError(
            f"There is no protocol {protocol!r}.",
            where="protocol",
            hint=f"Choose one of: {', '.join(PROTOCOLS)}.",
        )
    return PROTOCOLS[protocol]
