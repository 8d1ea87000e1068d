"""How the processes of a block share the machine.

A protocol measures one block: it starts a worker for each arm and decides when each times a value.
Worker processes are in bench/measure/worker.py. Each block starts new processes, so that what is
random once per process (addresses, the memory it gets) is drawn again for each block.

The figures in parentheses were measured on a shared virtual machine with two cores and other work
on both (load 8), CPython 3.13.5 against itself, ten benchmarks of 8 blocks: the median over
benchmarks of the deviation of a block's log-ratio, and this times the square root of the
block's seconds.

`sequential` (19%; 39% in 1 s): one process after the other, in random order.
    Assumes that the host's speed does not change from one process to the next. On a shared machine
    it does: with the random order this is noise and no bias, but it is most of the noise.
    Misleading where a process influences the next: heat, files in the page cache.

`lockstep` (5.0%; 9.2%): all alive, one timed value at a time, in random order.
    Assumes that the speed does not change from one value to the next, and that a process that has
    waited runs as it would have run otherwise.
    Misleading with short values, which begin with caches and predictors full of another arm's data:
    the first value after a switch took 0.3 to 9% longer than the next for values of 1 ms, 0 to 2%
    at 3 ms, and no measurable difference (under 1%) from 10 ms on. Both arms take longer, which
    moves ratios towards 1 by that share of the difference. Weak with long values: the host's speed
    changes within them.

`corun` (1.5%; 2.5%): all alive and runnable on one core, CPU time as the clock.
    The kernel alternates them, here every 3 ms, however long a value is, so that all arms run at
    the host's speed of the same moments. All start together and only whole values are counted; for
    the end of a block see bench/measure/window.py. A known difference of 5 to 6% was measured with
    an error of +0.3 +-1.0% (56 blocks, four benchmarks).
    Assumes that the kernel gives each arm its share in small slices, and that CPU time is what
    matters: benchmarks that wait, start processes or compute in several threads are refused
    (`refuses`), and so are those that do not use the clock that the harness sets (inside/gate.py).
    Coroutines that only compute work.
    Misleading like lockstep with values of 3 ms: with two arms each takes 0 to 1% more CPU time
    than alone, with four up to 3%. An arm whose data just fills the core's own cache (2 MB) loses
    much more, 19% next to an equal one and 14% next to a larger one, while one that fits into the
    first level loses nothing: for arms of very different footprint, rely on lockstep with long
    values. Time that the host takes from the whole virtual machine counts as CPU time in a guest
    whose kernel does not account for it; it affects all arms alike.

Within a corun block values agree to about 0.3%; the remaining variation is between processes. More
and shorter processes then give more information than longer ones: with a third of the values, a
block's error grew from 1.79 to 1.95%, and its time fell to less than half. So a corun block is as
short as the cost of starting processes justifies, and one long value is enough, since the arms
share each moment of it.

Garbage collection: each process collects when its own allocations require it; nothing is collected
at the edges of a block. Arms of one task have made the same allocations when their values begin, so
that a full collection, which may take as long as a short value, falls into the same value of each
arm. A collection before the values would remove cost that an arm has caused and, while other arms
run, disturb their values. Processes of one block leave nothing for the next.

Warm-ups run under the protocol like values; in corun no arm times a value before all are warm.
Runtimes with a just-in-time compiler have more warm-ups (Effort.for_kind).

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

from bench.measure import worker
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
    """A way to measure a block. `clock`: the clock of its values; `mode`: the gate's mode.
    `process`: suitable seconds of timed values per process; `least`: the number of values it needs.
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
        return worker.start(rig, block.benchmark, arm, options, self._worker(block, rig, number))

    def _worker(self, block: BlockPlan, rig: Rig, number: int) -> Worker:
        return Worker(
            # Paths of the same length for all arms.
            scratch=rig.scratch / f"arm{number}",
            core=rig.core,
            hash_seed=block.hash_seed,
            addresses=block.addresses if rig.draws_addresses else None,
            mode=self.mode,
        )

    def command(self, block: BlockPlan, rig: Rig, number: int) -> Command:
        """The command of an arm, by its number, without a gate, so that it can be typed. Pure."""
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
                    message = live.wait_for_start(rig.timeout)
                    while message == VALUE:
                        live.release(rig.timeout)
                        message = live.message
                    trials[number] = self._outcome(live, block, rig, position)
                except StalledError:
                    trials[number] = failed(live, position, late(live, rig))
        return tuple(trials[number] for number in range(len(block.arms)))


@dataclass(frozen=True, kw_only=True)
class LiveBlock:
    """A block whose arms are alive together, with its rig and random generator."""

    lives: tuple[Live, ...]
    block: BlockPlan
    rig: Rig
    chance: random.Random

    def planned(self, live: Live) -> int:
        """The number of values that an arm is to time."""
        return self.block.task_of(live.arm).values

    def at_gate(self) -> list[Live]:
        """The arms that wait at the gate before a value."""
        return [live for live in self.lives if live.message == VALUE]

    def let_run(self, lives: Sequence[Live], goes_on: Callable[[Live], bool]) -> None:
        """Release some arms at once, in random order; returns when none of them continues.

        `goes_on` is called at each message of an arm, and returns whether the arm continues.
        Raises StalledError.
        """
        began = time.monotonic()
        running = self.chance.sample(lives, len(lives))
        for live in running:
            live.answer(GO)
        while running:
            live = worker.next_message(running, self.rig.timeout)
            live.timed += live.message == TIMED
            if not goes_on(live):
                running.remove(live)
                # The arms had equal shares of the core.
                live.worked((time.monotonic() - began) / len(lives))


class Together(Protocol):
    """All processes alive at once, started in random order. None ends before all have timed their
    last value. Where an arm's process dies, the others continue; an arm that hangs ends the block.
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
                    live[number].wait_for_start(rig.timeout)
                self._drive(
                    LiveBlock(lives=tuple(live.values()), block=block, rig=rig, chance=chance)
                )
                trials = {
                    number: self._outcome(live[number], block, rig, order.index(number))
                    for number in order
                }
            except StalledError:
                trials = all_stopped(block, rig, live, order)
        return tuple(trials[number] for number in range(len(block.arms)))

    @abstractmethod
    def _drive(self, block_of_lives: LiveBlock) -> None:
        """Let all arms at their first gate time their values. Raises StalledError."""


class Lockstep(Together):
    """One timed value released at a time, in random order within each round, warm-ups too."""

    name = "lockstep"

    def _drive(self, block_of_lives: LiveBlock) -> None:
        while waiting := block_of_lives.at_gate():
            for live in block_of_lives.chance.sample(waiting, len(waiting)):
                live.release(block_of_lives.rig.timeout)


class Corun(Together):
    """All released at once, first warm-ups and then values; the kernel alternates them."""

    name = "corun"
    clock = CPU
    mode = FREE
    process = 0.2
    least = 1

    def _drive(self, block_of_lives: LiveBlock) -> None:
        # All have warm-ups, or none has: see Effort.shape.
        if block_of_lives.block.task.warmups:
            block_of_lives.let_run(block_of_lives.at_gate(), _stop_at_gates)
        timing = block_of_lives.at_gate()
        window = ValueWindow(
            {live: block_of_lives.planned(live) for live in timing}, time.monotonic()
        )

        def answer(live: Live) -> bool:
            now = time.monotonic()
            if live.message == TIMED:
                window.timed(live, now)
                return True
            if live.message == MORE:
                more = window.wants_more(live, now)
                live.answer(GO if more else NO_MORE)
                return more
            window.left(live)
            return False

        block_of_lives.let_run(timing, answer)
        company = [live for live in timing if live.message == MORE]
        for live in company:
            live.answer(GO)
        for live in company:
            live.wait_for_message(block_of_lives.rig.timeout)


def _stop_at_gates(live: Live) -> bool:
    return live.message == TIMED


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol for protocol in (Sequential(), Lockstep(), Corun())
}


def refuses(name: str, task: Task) -> str:
    """Why the protocol of that name cannot measure a task; "" where it can. Raises UsageError."""
    if _protocol_of(name).clock != CPU:
        return ""
    if task.children:
        return "it starts processes, whose CPU time is not counted"
    if task.cpu_share < _LEAST_CPU_SHARE:
        return f"it waits for {1 - task.cpu_share:.0%} of its time, which CPU time does not count"
    if task.is_threaded:
        return f"it has {task.threading}: the CPU time of all threads is not the time that it takes"
    return ""


def effort_for(name: str, effort: Effort) -> Effort:
    """Complete an effort with what suits the protocol of that name. Raises UsageError."""
    if effort.process is not None:
        return effort
    chosen = _protocol_of(name)
    least = min(effort.min_values, chosen.least)
    return replace(effort, process=chosen.process, min_values=least)


def measure(protocol: str, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
    """Measure one block under the protocol of that name: one trial for each arm, in their order.

    Where the protocol refuses the task, all trials are failures with that reason. Raises UsageError
    for a block with too many arms or arms of one name.
    """
    names = [arm.name for arm in block.arms]
    if not 1 <= len(names) <= MOST_ARMS or len(set(names)) != len(names):
        raise UsageError(
            f"A block has 1 to {MOST_ARMS} arms with different names.",
            where=", ".join(names),
            hint="Measure fewer candidates at a time.",
        )
    chosen = _protocol_of(protocol)
    # Only some kinds of runtime may have threads.
    threaded = next((task for task in block.others.values() if task.is_threaded), block.task)
    if reason := refuses(protocol, block.task) or refuses(protocol, threaded):
        return refused(block, f"{protocol} cannot measure {block.task.name}: {reason}")
    rig = _with_shared_core(chosen, rig, len(names))
    with worker.apart(rig.core):
        return chosen.measure(block, rig)


def commands(protocol: str, block: BlockPlan, rig: Rig) -> tuple[Command, ...]:
    """The commands that `measure` starts for a block, in the order of arms, without gates. Pure."""
    chosen = _protocol_of(protocol)
    rig = _with_shared_core(chosen, rig, len(block.arms))
    return tuple(chosen.command(block, rig, number) for number in range(len(block.arms)))


def _with_shared_core(protocol: Protocol, rig: Rig, arms: int) -> Rig:
    if protocol.mode != FREE:
        return rig
    # All arms share one core, so a value takes as many times longer.
    core = rig.core if rig.core is not None else max(os.sched_getaffinity(0))
    return replace(rig, core=core, timeout=rig.timeout * arms)


def clock_of(protocol: str) -> str | None:
    """The clock of the values that a protocol measures; None for a name that is no protocol."""
    return PROTOCOLS[protocol].clock if protocol in PROTOCOLS else None


def _protocol_of(protocol: str) -> Protocol:
    if protocol not in PROTOCOLS:
        raise UsageError(
            f"There is no protocol {protocol!r}.",
            where="protocol",
            hint=f"Choose one of: {', '.join(PROTOCOLS)}.",
        )
    return PROTOCOLS[protocol]
