"""The known difference: the tasks that can do exactly 2% more loops.

For that, the loops of a task must become a multiple of LOOPS while its values stay in their class.
Most real benchmarks cannot, since their loops are long. Those with short loops can, and so can
bench/inside/known, our script whose loops are so short that its values can have any length.
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
# Seconds of one value of our script in each class that it can be of: the middle of the class.
_SECONDS = {"short": 0.015, "medium": 0.1, "long": 0.4, WAITS: 0.05}
# The longest value, in seconds, that a real benchmark may get by the additional loops.
_LONGEST = 2.0


def benchmark() -> Benchmark:
    """Our script as a benchmark. Its folder is named by its content, so that no copy is stale."""
    folder = f"known-{digest(_SCRIPT.read_text(encoding='utf-8'))}"
    return Benchmark(
        name="known",
        source=_SCRIPT.parent,
        folder=folder,
        script=f"{folder}/{_SCRIPT.name}",
    )


def exact(task: Task, effort: Effort) -> Task | None:
    """The task with a number of loops of which KNOWN times as many are a whole number.

    None where its values would get into another class, or become longer than _LONGEST.
    """
    loops = LOOPS * max(1, round(task.loops / LOOPS))
    scaled = _with_loops(task, loops, effort)
    fits = classify(scaled) == classify(task) and scaled.seconds <= _LONGEST
    return scaled if fits else None


def ours(tasks: Iterable[Task], kinds: Iterable[str], effort: Effort) -> tuple[Task, ...]:
    """Our script's tasks for the classes `kinds`: one task for each class that it can be of."""
    by_name = {task.name: task for task in tasks}
    requested = set(kinds)
    scaled = []
    for kind in CLASSES:
        task = by_name.get(WAIT if kind == WAITS else WORK)
        if kind not in requested or kind not in _SECONDS or task is None:
            continue
        loops = LOOPS * max(1, round(_SECONDS[kind] * task.loops / task.seconds / LOOPS))
        # Their class is known: a busy host must not turn computing into waiting.
        share = min(task.cpu_share, 0.5) if kind == WAITS else 1.0
        known = replace(task, name=f"{task.name}_{kind}", cpu_share=share, children=False)
        scaled.append(_with_loops(known, loops, effort))
    return tuple(scaled)


def _with_loops(task: Task, loops: int, effort: Effort) -> Task:
    seconds = task.seconds * loops / task.loops
    return with_effort(replace(task, loops=loops, seconds=seconds), effort)
