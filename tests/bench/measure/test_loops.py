"""Finding tasks and loops, with real processes of the host's interpreter."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench.benchmarks.suites import Benchmark
from bench.measure import loops, protocols
from bench.measure.loops import ScriptLoops
from bench.measure.trial import Effort, Task
from bench.util import documents
from tests.bench.surroundings import HASTE, arm, benchmark, block, rig


def test_all_tasks_of_a_script_are_found(tmp_path: Path) -> None:
    calibrated = loops.calibrate(benchmark("several"), arm(tmp_path, "base"), rig(tmp_path), HASTE)
    assert calibrated.failure is None
    assert calibrated.kind == "cpython-host"
    assert [(task.index, task.name) for task in calibrated.tasks] == [
        (0, "several_func"),
        (1, "several_timed"),
        (2, "several_timeit"),
    ]
    for task in calibrated.tasks:
        assert task.loops >= 2
        assert task.seconds > 0
        assert HASTE.min_values <= task.values <= HASTE.max_values


def test_what_was_found_can_be_measured_and_kept(tmp_path: Path) -> None:
    one = benchmark("several")
    calibrated = loops.calibrate(one, arm(tmp_path, "base"), rig(tmp_path), HASTE)
    assert (
        documents.load(ScriptLoops, json.loads(json.dumps(documents.dump(calibrated))))
        == calibrated
    )
    for task in calibrated.tasks:
        trials = protocols.measure(
            "lockstep", block(one, arm(tmp_path, "base"), what=task), rig(tmp_path)
        )
        assert trials[0].result is not None
        run = trials[0].result["benchmarks"][0]["runs"][0]
        known = {**trials[0].result.get("metadata", {}), **run["metadata"]}
        assert known["name"] == task.name
        assert known["loops"] == task.loops
        assert len(trials[0].values()) == task.values


def test_who_waits_and_who_starts_processes_is_noted(tmp_path: Path) -> None:
    def calibrated(name: str, what: str = "nothing") -> Task:
        base = arm(tmp_path, "base", what)
        return loops.calibrate(benchmark(name), base, rig(tmp_path), HASTE).tasks[0]

    command, tiny = calibrated("command"), calibrated("tiny")
    asleep = calibrated("clocks", "attribute")
    assert (command.children, tiny.children, asleep.children) == (True, False, False)
    assert asleep.cpu_share < 0.9 < tiny.cpu_share


SCRIPT = """
import threading

import pyperf


def work():
    sum(range(20000))


def alone():
    work()


def two():
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def helper():
    thread = threading.Thread(target=str)
    thread.start()
    for _ in range(20):
        work()
    thread.join()


runner = pyperf.Runner()
for function in (alone, two, helper):
    runner.bench_func(function.__name__, function)
"""


@pytest.mark.parametrize("pinned", [False, True])
def test_threads_that_compute_are_seen_even_on_one_core(tmp_path: Path, *, pinned: bool) -> None:
    folder = tmp_path / "own" / "bm_threads"
    folder.mkdir(parents=True)
    (folder / "run_benchmark.py").write_text(SCRIPT)
    own = Benchmark(
        name="threads", source=folder, folder="bm_threads", script="bm_threads/run_benchmark.py"
    )
    core = max(os.sched_getaffinity(0)) if pinned else None
    base = replace(arm(tmp_path, "base"), scripts=tmp_path / "own")
    place = replace(rig(tmp_path), core=core)
    calibrated = loops.calibrate(own, base, place, HASTE)
    assert calibrated.failure is None
    alone, two, helper = calibrated.tasks
    assert (alone.is_threaded, two.is_threaded, helper.is_threaded) == (False, True, False)
    assert (alone.threads, alone.threading) == (1, "")
    assert two.threads >= 2
    # The main thread only waits for both.
    assert two.thread_share > 0.5
    assert "threads, " in two.threading
    for task in calibrated.tasks:
        # A busy machine makes it wait, which is another reason to refuse.
        undisturbed = replace(task, cpu_share=1.0)
        assert bool(protocols.refuses("corun", undisturbed)) is task.is_threaded
        assert not protocols.refuses("lockstep", task)
    (trial,) = protocols.measure("lockstep", block(own, base, what=two), place)
    assert trial.result is not None
    metadata = trial.result["benchmarks"][0]["runs"][0]["metadata"]
    assert metadata["patchbench_threading"] == two.threading


def test_runtimes_that_compile_while_they_run_are_called_more_often(tmp_path: Path) -> None:
    base = replace(arm(tmp_path, "base"), kind="pypy-3.11")
    calibrated = loops.calibrate(
        benchmark("tiny"), base, rig(tmp_path), replace(HASTE, max_values=9)
    )
    assert [task.warmups for task in calibrated.tasks] == [9]


def test_long_values_are_not_looped(tmp_path: Path) -> None:
    calibrated = loops.calibrate(
        benchmark("tiny"), arm(tmp_path, "base"), rig(tmp_path), Effort(value=1e-9, process=0.001)
    )
    assert [(task.name, task.loops) for task in calibrated.tasks] == [("tiny", 1)]


def test_a_script_without_benchmarks(tmp_path: Path) -> None:
    calibrated = loops.calibrate(benchmark("empty"), arm(tmp_path, "base"), rig(tmp_path), HASTE)
    assert calibrated.tasks == ()
    assert calibrated.failure is not None
    assert calibrated.failure.reason == "empty defines no pyperf benchmark"


def test_a_script_that_cannot_start(tmp_path: Path) -> None:
    calibrated = loops.calibrate(benchmark("needs"), arm(tmp_path, "base"), rig(tmp_path), HASTE)
    assert calibrated.tasks == ()
    assert calibrated.failure is not None
    assert calibrated.failure.reason == "base exited with status 1 before its first value"
    assert "No module named 'tiny_dependency'" in calibrated.failure.output
    assert documents.load(ScriptLoops, documents.dump(calibrated)) == calibrated


def test_a_script_that_hangs(tmp_path: Path) -> None:
    calibrated = loops.calibrate(
        benchmark("patient"), arm(tmp_path, "base", "hang"), rig(tmp_path, timeout=2), HASTE
    )
    assert calibrated.failure is not None
    assert "(time-out)" in calibrated.failure.reason


def test_a_script_that_crashes(tmp_path: Path) -> None:
    calibrated = loops.calibrate(
        benchmark("patient"), arm(tmp_path, "base", "crash", 1), rig(tmp_path), HASTE
    )
    assert calibrated.failure is not None
    assert "SIGSEGV" in calibrated.failure.reason


@pytest.mark.parametrize("what", ["hang", "crash"])
def test_tasks_before_a_failure_are_kept(tmp_path: Path, what: str) -> None:
    sick = arm(tmp_path, "base", what)
    calibrated = loops.calibrate(benchmark("halfway"), sick, rig(tmp_path, timeout=2), HASTE)
    assert [task.name for task in calibrated.tasks] == ["halfway_well"]
    assert calibrated.failure is not None
