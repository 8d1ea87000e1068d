"""The known difference: which tasks do exactly 2% more loops, and a script of ours that always can.

Values must stay of their class while their loops become a multiple of contest.LOOPS. Most real
benchmarks cannot, since a loop of theirs is long; those whose loops are short do, and beside them
bench/inside/known, whose loops are so short that it can be of any length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bench.benchmarks import Benchmark
from bench.measure import CLASSES, LOOPS, WAITS, Effort, Task, classify, with_effort
from bench.util import INSIDE
from builder.files import digest

_SCRIPT = INSIDE / "known" / "run_benchmark.py"
WORK, WAIT = "known_work", "known_wait"
# Seconds of one value in each class that ours can be of: in the midst of its bounds.
_SECONDS = {"short": 0.015, "medium": 0.1, "long": 0.4, WAITS: 0.05}
# A value of a real benchmark may become as long as this for the sake of its loops.
_LONGEST = 2.0


def benchmark() -> Benchmark:
    """Our script as a benchmark: its folder is named after its content, so that copies are anew."""
    folder = f"known-{digest(_SCRIPT.read_text(encoding='utf-8'))}"
    return Benchmark(
        name="known",
        source=_SCRIPT.parent,
        folder=folder,
        script=f"{folder}/{_SCRIPT.name}",
    )


def exact(task: Task, effort: Effort) -> Task | None:
    """The task with so many loops that KNOWN times as many are a whole number.

    None where its values would become another class's, or very long.
    """
    loops = LOOPS * max(1, round(task.loops / LOOPS))
    scaled = _with_loops(task, loops, effort)
    fits = classify(scaled) == classify(task) and scaled.seconds <= _LONGEST
    return scaled if fits else None


def ours(tasks: Iterable[Task], kinds: Iterable[str], effort: Effort) -> tuple[Task, ...]:
    """What our script's tasks become for these classes: one task for each that they can be of."""
    made = {task.name: task for task in tasks}
    wanted = set(kinds)
    found = []
    for kind in CLASSES:
        task = made.get(WAIT if kind == WAITS else WORK)
        if kind not in wanted or kind not in _SECONDS or task is None:
            continue
        loops = LOOPS * max(1, round(_SECONDS[kind] * task.loops / task.seconds / LOOPS))
        # What they are is known: no busy moment of the host makes a wait of computing.
        share = min(task.cpu_share, 0.5) if kind == WAITS else 1.0
        known = replace(task, name=f"{task.name}_{kind}", cpu_share=share, children=False)
        found.append(_with_loops(known, loops, effort))
    return tuple(found)


def _with_loops(task: Task, loops: int, effort: Effort) -> Task:
    seconds = task.seconds * loops / task.loops
    return with_effort(replace(task, loops=loops, seconds=seconds), effort)
