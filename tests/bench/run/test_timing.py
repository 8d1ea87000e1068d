"""What a session is given: a lineup for each replica, and the plan's terms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from bench.benchmarks.environments import Environment, Environments, Interpreter
from bench.benchmarks.packages import PackageSource
from bench.benchmarks.suites import Benchmark, Missing, Suite
from bench.context import Context
from bench.experiments.plan import PlannedArm
from bench.experiments.session_options import SessionOptions
from bench.measure.choice import Choices
from bench.measure.trial import Task
from bench.planning.fitting import Fitting
from bench.results.result import ArmReport
from bench.run.arms import BuiltArm
from bench.run.timing import _Fitter, _lineups, terms
from bench.session.preparation import BenchmarkLineup
from tests.bench.experiments.test_plan import PLAN
from tests.builder.builds.test_recipe import RECIPE
from tests.golden import specimen

BENCHMARK = Benchmark(name="fast", source=Path("/s"), folder="bm_fast", script="run.py")


class Pretended:
    """Environments that are nowhere."""

    def provide(self, interpreter: Interpreter) -> Environment:
        key = interpreter.identity
        return Environment(key=key, folder=Path("/envs") / key, interpreter=interpreter)


def built(name: str, *keys: str) -> BuiltArm:
    build = specimen.build(specimen.recipe(1))
    report = ArmReport(
        name=name,
        title=name,
        series=(),
        revision={},
        flavor={},
        builds=tuple(replace(build, key=key) for key in keys),
    )
    return BuiltArm(planned=PlannedArm(name=name, recipes=(RECIPE,)), report=report)


class Installed(Pretended):
    """The same, with the benchmark in them, but for those in `lacking` by their identities."""

    def __init__(self, *lacking: str) -> None:
        self._lacking = lacking

    def add(self, suite: Suite, environment: Environment, benchmark: Benchmark) -> Missing | None:
        if environment.key in self._lacking:
            return Missing(benchmark=benchmark.name, reason=f"not in {environment.key}")
        return None


def fitted(*lacking: str, variant: str = "") -> tuple[BenchmarkLineup | None, list[Missing]]:
    arms = [built("base", "b0", "b1"), built("fast", "f0", "f1"), built("aa", "b2", "b3")]
    fast = arms[1]
    arms[1] = replace(fast, planned=replace(fast.planned, variant=variant))
    environments = cast(Environments, Installed(*lacking))
    fitter = _Fitter(
        environments=environments,
        fitting=Fitting(cast(Context, None), PackageSource()),
        suite=Suite(name="s", release="s 1", version="3.13.5", benchmarks=()),
        benchmark=BENCHMARK,
    )
    return fitter.subject(_lineups(arms, environments, 2))


def test_there_is_a_lineup_of_all_arms_for_each_replica() -> None:
    subject, missing = fitted()

    assert missing == []
    assert subject is not None
    lineups = [
        [(arm.name, arm.replica, arm.python) for arm in lineup] for lineup in subject.lineups
    ]
    assert lineups == [
        [
            ("base", 0, Path("/envs/b0/bin/python")),
            ("fast", 0, Path("/envs/f0/bin/python")),
            ("aa", 0, Path("/envs/b2/bin/python")),
        ],
        [
            ("base", 1, Path("/envs/b1/bin/python")),
            ("fast", 1, Path("/envs/f1/bin/python")),
            ("aa", 1, Path("/envs/b3/bin/python")),
        ],
    ]


def test_an_arm_that_lacks_a_benchmark_in_one_replica_is_missing_alone() -> None:
    subject, missing = fitted("f1")

    assert missing == [Missing(benchmark="fast", reason="not in f1", arm="fast")]
    assert subject is not None
    assert [[arm.name for arm in lineup] for lineup in subject.lineups] == [["base", "aa"]] * 2


def test_what_the_base_lacks_is_missing_for_all() -> None:
    assert fitted("b0", "f0") == (None, [Missing(benchmark="fast", reason="not in b0")])


def test_where_only_the_base_is_left_nothing_is_measured() -> None:
    subject, missing = fitted("f0", "b3")
    assert subject is None
    assert [entry.arm for entry in missing] == ["fast", "aa"]


def test_a_variant_that_there_is_not_is_told() -> None:
    subject, (missing,) = fitted(variant="typed")
    assert subject is not None
    assert [arm.name for arm in subject.lineups[0]] == ["base", "aa"]
    assert (missing.arm, missing.benchmark) == ("fast", "fast")
    assert "only kernels have a typed variant" in missing.reason


def test_terms_are_those_of_the_plan() -> None:
    options = SessionOptions(
        blocks=9, budget=60.0, margin=0.02, process_seconds=2.0, until="blocks"
    )
    plan = replace(PLAN, experiment=replace(PLAN.experiment, session=options))
    session_terms = terms(plan, ["base", "pgo"], Choices.fixed("sequential"), 5)
    task = Task(index=0, name="fast", loops=1, warmups=1, values=5, seconds=0.02)

    assert (
        session_terms.blocks,
        session_terms.budget,
        session_terms.margin,
        session_terms.seed,
    ) == (9, 60.0, 0.02, 5)
    assert session_terms.effort.process == 2.0
    assert session_terms.protocol(task) == "sequential"
    assert session_terms.watched == ("pgo",)
    assert not session_terms.stop_when_decided
    decided = replace(plan, experiment=replace(PLAN.experiment, session=SessionOptions()))
    assert terms(decided, ["base"], Choices.fixed("lockstep"), 5).stop_when_decided


def test_nobody_waits_for_the_verdict_of_what_is_broken() -> None:
    assert terms(PLAN, ["base", "aa"], Choices.fixed("lockstep"), 5).watched == ()
