"""What a session is given: a lineup for each replica, and the plan's terms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from bench.calibration import Choices
from bench.environments import Environment, Environments, Interpreter
from bench.experiment import SessionOptions
from bench.jobs.arms import BuiltArm
from bench.jobs.timing import _lineups, _subject, terms
from bench.plan import PlannedArm
from bench.result import ArmReport
from bench.suites import Benchmark
from bench.trials import Task
from tests.bench.test_plan import PLAN
from tests.builder.test_spec import RECIPE
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


def test_there_is_a_lineup_of_all_arms_for_each_replica() -> None:
    arms = [built("base", "b0", "b1"), built("fast", "f0", "f1"), built("aa", "b2", "b3")]
    lineups = _lineups(arms, cast(Environments, Pretended()))
    subject = _subject(BENCHMARK, lineups)

    told = [[(arm.name, arm.replica, arm.python) for arm in one] for one in subject.lineups]
    assert told == [
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


def test_terms_are_those_of_the_plan() -> None:
    options = SessionOptions(
        blocks=9, budget=60.0, margin=0.02, process_seconds=2.0, until="blocks"
    )
    plan = replace(PLAN, experiment=replace(PLAN.experiment, session=options))
    found = terms(plan, ["base", "pgo"], Choices.fixed("sequential"), 5)
    task = Task(index=0, name="fast", loops=1, warmups=1, values=5, seconds=0.02)

    assert (found.blocks, found.budget, found.margin, found.seed) == (9, 60.0, 0.02, 5)
    assert found.effort.process == 2.0
    assert found.protocol(task) == "sequential"
    assert found.watched == ("pgo",)
    assert not found.stop_when_decided
    decided = replace(plan, experiment=replace(PLAN.experiment, session=SessionOptions()))
    assert terms(decided, ["base"], Choices.fixed("lockstep"), 5).stop_when_decided


def test_nobody_waits_for_the_verdict_of_what_is_broken() -> None:
    assert terms(PLAN, ["base", "aa"], Choices.fixed("lockstep"), 5).watched == ()
