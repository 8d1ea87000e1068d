"""Arms that cannot run what others can, and kinds of runtime with loops of their own."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.benchmarks.suites import Benchmark, Missing
from bench.measure import loops as tasks
from bench.measure.loops import ScriptLoops
from bench.measure.protocols import PROTOCOLS
from bench.measure.trial import BlockPlan, Effort, Failure, RunnableArm, Trial, has_jit
from bench.measure.worker import Rig
from bench.session.preparation import BenchmarkLineup
from bench.session.session import Session
from bench.util.console import Show
from builder.process import SystemRunner
from tests.bench.session.test_session import TERMS, Pretend

ARMS = ("base", "cython", "pypy")
KINDS = {"base": "cpython-3.13", "cython": "cpython-3.13+cython", "pypy": "pypy-3.11"}
CRASH = Failure(reason="it crashed")
Fails = Callable[[BlockPlan, str], bool]


@dataclass
class Partly(Pretend):
    """A pretended protocol under which single arms fail; `uncalibrated` kinds cannot be counted."""

    fails: Fails = lambda _block, _arm: False
    uncalibrated: dict[str, Failure] = field(default_factory=dict)

    def measure(self, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        trials = super().measure(block, rig)
        failed = {arm.name for arm in block.arms if self.fails(block, arm.name)}
        return tuple(
            replace(trial, result=None, failure=CRASH) if trial.arm in failed else trial
            for trial in trials
        )

    def calibrate(
        self, benchmark: Benchmark, arm: RunnableArm, rig: Rig, effort: Effort, *, hash_seed: int
    ) -> ScriptLoops:
        base = replace(arm, name="base")
        calibrated = super().calibrate(benchmark, base, rig, effort, hash_seed=hash_seed)
        failure = self.uncalibrated.get(arm.kind)
        if failure is not None:
            return replace(calibrated, tasks=(), failure=failure)
        loops = {"base": 3, "cython": 300, "pypy": 900}[arm.name]
        return replace(
            calibrated, tasks=tuple(replace(task, loops=loops) for task in calibrated.tasks)
        )


def use(monkeypatch: pytest.MonkeyPatch, fails: Fails = lambda _block, _arm: False) -> Partly:
    one = Partly(fails=fails)
    for name in ("pretend", "lockstep"):
        monkeypatch.setitem(PROTOCOLS, name, one)
    monkeypatch.setattr(tasks, "calibrate", one.calibrate)
    return one


def session(
    folder: Path,
    one: Partly,
    arms: Sequence[str] = ARMS,
    *,
    fallback: str | None = None,
    stream: io.StringIO | None = None,
) -> Session:
    lineup = tuple(
        RunnableArm(name=name, kind=KINDS[name], python=Path(name), pythonpath=(), scripts=Path())
        for name in arms
    )
    subjects = [
        BenchmarkLineup(
            benchmark=Benchmark(name=name, source=Path(), folder=name, script=f"{name}/x.py"),
            lineups=(lineup,),
        )
        for name in ("alpha", "beta")
    ]
    return Session(
        subjects=subjects,
        terms=replace(TERMS, watched=arms[1:], fallback=fallback),
        rig=Rig(runner=SystemRunner(), scratch=folder / "scratch"),
        folder=folder / "raw",
        show=Show(quiet=stream is None, stream=stream),
        clock=one.read_clock,
        sample=one.sample,
    )


def arms_of(one: Partly, task: str) -> list[list[str]]:
    """The arms of each block that was tried, in their order."""
    return [[arm.name for arm in block.arms] for block in one.measured if block.task.name == task]


def test_each_kind_has_its_loops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = use(monkeypatch)
    session(tmp_path, one).run()

    assert one.calibrated == ["alpha"] * 3 + ["beta"] * 3
    block = one.measured[0]
    calibrated = {arm.name: block.task_of(arm) for arm in block.arms}
    assert {name: task.loops for name, task in calibrated.items()} == {
        "base": 3,
        "cython": 300,
        "pypy": 900,
    }
    # What compiles while it runs is warmed up for seconds: values take 0.1 s here.
    assert has_jit(KINDS["pypy"])
    assert (calibrated["cython"].warmups, calibrated["pypy"].warmups) == (1, 30)


def test_an_arm_that_fails_is_missing_for_that_benchmark_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = use(
        monkeypatch,
        lambda block, arm: arm == "cython" and block.task.name == "beta" and block.number > 0,
    )
    output = io.StringIO()
    done = session(tmp_path, one, stream=output).run()

    assert done.missing == (Missing(benchmark="beta", reason="it crashed", arm="cython"),)
    assert "beta is missing for cython: it crashed" in output.getvalue()
    assert len(done.blocks) == 8
    for block in done.blocks:
        assert set(block.means) == ({*ARMS} if block.task == "alpha" else {"base", "pypy"})
    # The first block had it, two tries of the second failed, the third was without.
    assert arms_of(one, "beta") == [[*ARMS]] * 3 + [["base", "pypy"]] * 3


def test_it_is_missing_after_a_stop_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(block: BlockPlan, arm: str) -> bool:
        return arm == "pypy" and block.task.name == "alpha"

    first = use(monkeypatch, fails)
    first.stops_after = 6
    with pytest.raises(KeyboardInterrupt):
        session(tmp_path, first).run()
    second = use(monkeypatch, fails)
    done = session(tmp_path, second).run()

    assert [entry.arm for entry in done.missing] == ["pypy"]
    assert len(done.blocks) == 8
    assert all(names == ["base", "cython"] for names in arms_of(second, "alpha"))


def test_what_the_base_cannot_run_is_missing_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = use(monkeypatch, lambda block, arm: arm != "pypy" and block.task.name == "alpha")
    done = session(tmp_path, one).run()
    assert done.missing == (Missing(benchmark="alpha", reason="it crashed"),)


def test_where_no_candidate_is_left_the_benchmark_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = use(monkeypatch, lambda block, arm: arm != "base" and block.task.name == "alpha")
    done = session(tmp_path, one).run()
    assert done.missing == (Missing(benchmark="alpha", reason="it crashed"),)
    assert {block.task for block in done.blocks} == {"beta"}


def test_a_kind_that_cannot_be_calibrated_is_missing_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = use(monkeypatch)
    one.uncalibrated["pypy-3.11"] = Failure(reason="pypy ended", output="no module\n")
    done = session(tmp_path, one).run()

    assert [(lost.benchmark, lost.arm) for lost in done.missing] == [
        ("alpha", "pypy"),
        ("beta", "pypy"),
    ]
    assert done.missing[0].reason == "pypy ended (no module)"
    assert arms_of(one, "alpha") == [["base", "cython"]] * 4


def test_where_no_kind_can_be_calibrated_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = use(monkeypatch)
    one.uncalibrated["pypy-3.11"] = CRASH
    done = session(tmp_path, one, ("base", "pypy")).run()
    assert not done.blocks
    assert not one.measured


def test_an_arm_that_fails_does_not_change_the_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = use(monkeypatch, lambda _block, arm: arm == "cython")
    done = session(tmp_path, one, fallback="lockstep").run()
    assert {block.protocol for block in done.blocks} == {"pretend"}
    assert {lost.arm for lost in done.missing} == {"cython"}
