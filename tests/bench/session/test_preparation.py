"""From the loops of each kind of runtime to the jobs of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bench.benchmarks.suites import Benchmark
from bench.measure import loops
from bench.measure.loops import ScriptLoops
from bench.measure.trial import Effort, Failure, RunnableArm, Task
from bench.measure.worker import Rig
from bench.session.folder import LoopCounts, MissingTracker, SessionFolder
from bench.session.preparation import BenchmarkLineup, Preparation, why
from bench.util.console import Show
from tests.recording import RecordingRunner, no_command

KINDS = {"base": "cpython-3.13", "fast": "cpython-3.13", "pypy": "pypy-3.11"}
CRASH = Failure(reason="it crashed", output="Traceback\n  ValueError: 1  ")


def lineup(name: str, *arms: str) -> BenchmarkLineup:
    return BenchmarkLineup(
        benchmark=Benchmark(name=name, source=Path(), folder=name, script=f"{name}/x.py"),
        lineups=(
            tuple(
                RunnableArm(
                    name=arm, kind=KINDS[arm], python=Path(arm), pythonpath=(), scripts=Path()
                )
                for arm in arms
            ),
        ),
    )


def counted(
    script: str, kind: str, *tasks: str, loops: int = 4, failure: Failure | None = None
) -> ScriptLoops:
    return ScriptLoops(
        benchmark=script,
        kind=kind,
        tasks=tuple(
            Task(index=at, name=task, loops=loops, warmups=1, values=2, seconds=0.1)
            for at, task in enumerate(tasks)
        ),
        failure=failure,
    )


class Place:
    """A session that is being prepared; scripts are not run, but counted as `found` has it."""

    def __init__(self, folder: Path, *subjects: BenchmarkLineup) -> None:
        self.folder = SessionFolder(folder / "raw")
        self.folder.path.mkdir()
        self.said: list[str] = []
        self.now = 0.0
        self.calibrated: list[tuple[str, str]] = []
        self.seeds: set[int] = set()
        self.missing = MissingTracker(self.folder, self.said.append)
        self.preparation = Preparation(
            subjects=subjects,
            protocol=lambda _task: "lockstep",
            effort=Effort(process=1.0),
            seed=1,
            rig=Rig(runner=RecordingRunner(no_command), scratch=folder / "scratch"),
            folder=self.folder,
            show=Show(quiet=True),
            clock=lambda: self.now,
        )

    def calibrate(
        self, benchmark: Benchmark, arm: RunnableArm, _rig: Rig, _effort: Effort, *, hash_seed: int
    ) -> ScriptLoops:
        self.now += 5.0
        self.calibrated.append((benchmark.name, arm.kind))
        self.seeds.add(hash_seed)
        return counted(benchmark.name, arm.kind, benchmark.name)

    def jobs(
        self, *counted_loops: ScriptLoops, protocols: Mapping[str, str] | None = None
    ) -> list[str]:
        names = {task.name for counts in counted_loops for task in counts.tasks}
        chosen = {**dict.fromkeys(names, "lockstep"), **(protocols or {})}
        counts = LoopCounts(benchmarks=counted_loops, protocols=chosen)
        return list(self.preparation.jobs(counts, self.missing))


def test_each_kind_is_represented_by_its_first_arm() -> None:
    subject = lineup("go", "base", "fast", "pypy")
    assert [arm.name for arm in subject.representatives] == ["base", "pypy"]
    assert subject.names() == ("base", "fast", "pypy")
    assert subject.names("cpython-3.13") == ("base", "fast")


def test_every_kind_is_calibrated_once_and_kept_as_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, lineup("go", "base", "fast", "pypy"), lineup("nbody", "base"))
    monkeypatch.setattr(loops, "calibrate", place.calibrate)
    place.folder.keep_calibration(
        LoopCounts(
            seconds=1.0,
            benchmarks=(counted("go", "cpython-3.13", "go"),),
            protocols={"go": "corun"},
        )
    )
    counted_loops = place.preparation.calibration()
    assert place.calibrated == [("go", "pypy-3.11"), ("nbody", "cpython-3.13")]
    assert counted_loops.seconds == 1.0 + 2 * 5.0
    # What was chosen before stays.
    assert counted_loops.protocols == {"go": "corun", "nbody": "lockstep"}
    assert place.folder.calibration() == counted_loops
    assert place.preparation.calibration() == counted_loops
    assert len(place.calibrated) == 2


def test_all_kinds_of_a_benchmark_have_one_hash_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, lineup("go", "base", "pypy"))
    monkeypatch.setattr(loops, "calibrate", place.calibrate)
    place.preparation.calibration()
    assert len(place.seeds) == 1


def test_another_kind_runs_the_task_with_loops_of_its_own(tmp_path: Path) -> None:
    place = Place(tmp_path, lineup("go", "base", "pypy"))
    counted_loops = (
        counted("go", "cpython-3.13", "go"),
        counted("go", "pypy-3.11", "go", loops=90),
    )
    counts = LoopCounts(benchmarks=counted_loops, protocols={"go": "lockstep"})
    job = place.preparation.jobs(counts, place.missing)["go"]
    assert (job.task.loops, job.others["pypy-3.11"].loops) == (4, 90)
    assert job.protocol == "lockstep"
    # One that compiles while it runs is warmed up for longer.
    assert job.others["pypy-3.11"].warmups > job.task.warmups


def test_a_script_that_fails_under_the_base_is_missing_with_all_its_tasks(tmp_path: Path) -> None:
    place = Place(tmp_path, lineup("go", "base", "fast"), lineup("nbody", "base", "fast"))
    whole = counted("nbody", "cpython-3.13", "nbody")
    assert place.jobs(counted("go", "cpython-3.13", failure=CRASH), whole) == ["nbody"]
    loss = place.missing.of("go")
    assert loss is not None
    assert loss.reason == "it crashed (ValueError: 1)"


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (counted("go", "pypy-3.11", failure=CRASH), "it crashed (ValueError: 1)"),
        (counted("go", "pypy-3.11", "other"), "its script has no benchmark go there"),
    ],
)
def test_a_kind_that_cannot_run_a_task_is_missing_there_alone(
    other: ScriptLoops, reason: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, lineup("go", "base", "fast", "pypy"))
    assert place.jobs(counted("go", "cpython-3.13", "go"), other) == ["go"]
    assert place.missing.arms("go") == ("pypy",)
    assert place.said == [f"go is missing for pypy: {reason}"]


def test_without_any_candidate_the_task_is_missing(tmp_path: Path) -> None:
    place = Place(tmp_path, lineup("go", "base", "pypy"))
    place.jobs(counted("go", "cpython-3.13", "go"), counted("go", "pypy-3.11", failure=CRASH))
    loss = place.missing.of("go")
    assert loss is not None
    assert loss.reason == "no candidate can run it"


def test_of_two_scripts_that_make_one_benchmark_the_first_counts(tmp_path: Path) -> None:
    place = Place(tmp_path, lineup("one", "base", "fast"), lineup("two", "base", "fast"))
    counted_loops = [counted(name, "cpython-3.13", "same") for name in ("one", "two")]
    counts = LoopCounts(benchmarks=tuple(counted_loops), protocols={"same": "lockstep"})
    job = place.preparation.jobs(counts, place.missing)["same"]
    assert job.subject.benchmark.name == "one"


def test_a_failure_is_one_line() -> None:
    assert why(CRASH) == "it crashed (ValueError: 1)"
    assert why(replace(CRASH, output="")) == "it crashed"
