"""The order in which arms are built and tested, with a builder and a gate that only pretend."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.context import Context
from bench.experiments.experiment import ArmRequest, Experiment
from bench.experiments.plan import Plan, PlannedArm
from bench.planning.resolve import Resolved
from bench.run import arms as module
from bench.run.arms import Arms, BuiltArm, judged_text
from bench.util.console import Show
from builder.builds.gate import Judgement, UntestedError
from builder.builds.recipe import Flavor, Recipe
from builder.builds.store import Build
from builder.builds.unbuilt import UnbuiltChange
from builder.errors import BuildError
from builder.home import Home
from builder.process import Completed, Runner, SystemRunner
from tests.builder.builds.test_recipe import RECIPE
from tests.golden import specimen
from tests.recording import Call, RecordingRunner, completed, no_command

PASSED = Judgement(selection="core", tests=3, broken=(), flaky=(), base_failed=())


@dataclass
class Workbench:
    """What happened, and what is to go wrong: recipes by title."""

    folder: Path
    happened: list[str] = field(default_factory=list)
    unbuildable: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    unbuilt: dict[str, tuple[UnbuiltChange, ...]] = field(default_factory=dict)
    runner: Runner = field(default_factory=SystemRunner)

    def provide(self, recipe: Recipe, _repository: object) -> tuple[Build, bool]:
        title = _title(recipe)
        self.happened.append(f"build {title}")
        if title in self.unbuildable:
            raise BuildError(f"make of {title} failed.", where="ceval.c:1: error")
        build = specimen.build(specimen.recipe(1))
        code = {"bin/python": recipe.key}
        facts = replace(build.facts, code=code, **self.facts.get(title, {}))
        unbuilt = self.unbuilt.get(title)
        return replace(build, key=recipe.key, title=title, facts=facts, unbuilt=unbuilt), True

    def judge(self, base: Build, candidate: Build, selection: str) -> Judgement:
        self.happened.append(f"{selection} {candidate.title} against {base.title}")
        if candidate.title in self.untested:
            raise UntestedError(f"{candidate.title} has no test.", where="/its/folder")
        broken = ("test_int",) if candidate.title in self.failing else ()
        return replace(PASSED, selection=selection, broken=broken)

    def ready(self, *planned: PlannedArm, gate: str = "core") -> tuple[BuiltArm, ...]:
        plan = Plan(
            experiment=Experiment(
                name="x", base=ArmRequest(name="base", revision="main"), candidates=(), gate=gate
            ),
            arms=planned,
            suite="fake",
            benchmarks=(),
            protocol="auto",
        )
        context = Context(
            home=Home(root=self.folder, host_lock=self.folder / "lock"),
            project=self.folder,
            runner=self.runner,
            show=Show(quiet=True),
        )
        repositories = {arm.name: None for arm in planned}
        resolved = cast(Resolved, SimpleNamespace(notes={}, plan=plan, repositories=repositories))
        with contextlib.ExitStack() as held:
            return Arms(context, resolved, held).ready()


def _title(recipe: Recipe) -> str:
    return f"{'+'.join(recipe.series) or 'base'}{recipe.placebo}/{recipe.replica}"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    workbench = Workbench(folder=tmp_path)
    (tmp_path / "locks").mkdir()
    monkeypatch.setattr(module, "builder", lambda _context: workbench)
    monkeypatch.setattr(module, "Gate", lambda **_named: workbench)
    return workbench


def planned(name: str, kind: str, *recipes: Recipe) -> PlannedArm:
    return PlannedArm(name=name, kind=kind, recipes=recipes)


def replicas(recipe: Recipe, numbers: Sequence[int]) -> tuple[Recipe, ...]:
    return tuple(replace(recipe, replica=number) for number in numbers)


BASE = planned("base", "base", *replicas(RECIPE, (0, 1)))
FAST = planned("fast", "candidate", *replicas(replace(RECIPE, tree="f", series=("fast",)), (0, 1)))


def test_first_replicas_come_first_and_are_tested_whole(bench: Workbench) -> None:
    arms = bench.ready(BASE, FAST)

    assert bench.happened == [
        "build base/0",
        "build fast/0",
        "core fast/0 against base/0",
        "build base/1",
        "build fast/1",
        "short fast/1 against base/1",
    ]
    assert [len(arm.builds) for arm in arms] == [2, 2]
    assert all(arm.fit for arm in arms)


def test_arms_of_the_bases_own_source_are_tested_shortly(bench: Workbench) -> None:
    aa = planned("aa", "aa", RECIPE)
    placebo = planned("p", "placebo", replace(RECIPE, placebo="links:1"))
    bench.ready(planned("base", "base", RECIPE), aa, placebo)

    assert bench.happened[3:] == [
        "short base/0 against base/0",
        "short baselinks:1/0 against base/0",
    ]


def test_nothing_more_is_built_of_what_is_broken(bench: Workbench) -> None:
    bench.unbuildable = ("fast/0",)
    arms = bench.ready(BASE, FAST)

    assert bench.happened == ["build base/0", "build fast/0"]
    assert arms[1].report.verdict == "broken"
    assert "make of fast/0 failed" in arms[1].report.broken


def test_a_replica_that_does_not_build_breaks_its_arm(bench: Workbench) -> None:
    bench.unbuildable = ("fast/1",)
    (_base, fast) = bench.ready(BASE, FAST)

    assert not fast.fit
    assert "make of fast/1 failed" in fast.report.broken


def test_a_replica_that_fails_its_tests_breaks_its_arm(bench: Workbench) -> None:
    bench.failing = ("fast/1",)
    (_base, fast) = bench.ready(BASE, FAST)

    assert not fast.fit
    assert fast.report.judgement is not None
    assert fast.report.judgement.selection == "core"
    assert fast.report.judgement.broken == ("test_int (replica 1)",)


@pytest.mark.parametrize("title", ["fast/0", "fast/1"])
def test_an_arm_of_which_no_test_ran_is_broken_and_the_others_go_on(
    title: str, bench: Workbench
) -> None:
    bench.untested = (title,)
    slow = planned("slow", "candidate", *replicas(replace(RECIPE, tree="s"), (0, 1)))
    (_base, fast, other) = bench.ready(BASE, FAST, slow)

    assert not fast.fit
    assert fast.report.broken == f"{title} has no test.\n/its/folder"
    assert other.fit


def test_a_base_that_does_not_build_ends_it(bench: Workbench) -> None:
    bench.unbuildable = ("base/1",)
    with pytest.raises(BuildError, match="base/1"):
        bench.ready(BASE, FAST)


def test_without_a_gate_nothing_is_tested(bench: Workbench) -> None:
    (_base, fast) = bench.ready(BASE, FAST, gate="none")

    assert not [line for line in bench.happened if "against" in line]
    assert fast.report.warnings[0].startswith("no-gate: ")


def test_changes_from_which_nothing_was_built_are_a_warning(bench: Workbench) -> None:
    windows = UnbuiltChange(path="PC/x.c", kind="Windows", reason="for Windows")
    bench.unbuilt = {"fast/0": (windows,)}
    recipe = replace(FAST.recipe, changed=("PC/x.c",))
    (_base, fast) = bench.ready(BASE, planned("fast", "candidate", recipe, FAST.recipes[1]))

    assert fast.report.warnings == (
        "no-effect: nothing that was built comes from what the patch changes: PC/x.c (for Windows)",
    )


def test_what_a_revision_did_not_generate_is_a_warning(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "forgotten_outputs", lambda *_given: ("bytecodes.c differs",))
    (_base, fast) = bench.ready(BASE, FAST)

    assert fast.report.warnings == ("not-regenerated: bytecodes.c differs",)


def test_what_nobody_asked_for_is_an_error_but_not_of_a_placebo(bench: Workbench) -> None:
    bench.facts = {
        "fast/0": {"options": "-O3 -ffunction-sections"},
        "basefunctions:2/0": {"options": "-O3 -ffunction-sections"},
    }
    base = planned("base", "base", RECIPE)
    placebo = planned("p", "placebo", replace(RECIPE, placebo="functions:2"))
    (_base, arm) = bench.ready(base, placebo)
    assert [difference.fact for difference in arm.report.differences if difference.asked]
    with pytest.raises(BuildError, match="does not ask for"):
        bench.ready(base, FAST)


@pytest.mark.parametrize(
    ("arm", "gate", "selections"),
    [
        (FAST, "full", ("full", "short")),
        (FAST, "none", ("", "")),
        (planned("same", "candidate", *BASE.recipes), "core", ("short", "short")),
        (planned("aa", "aa", *replicas(RECIPE, (2, 3))), "core", ("short", "short")),
        (planned("p", "placebo", *replicas(RECIPE, (0, 1))), "core", ("short", "short")),
        (planned("runtime", "candidate"), "core", ("", "")),
    ],
)
def test_what_each_replica_is_held_to(
    arm: PlannedArm, gate: str, selections: tuple[str, str]
) -> None:
    plan = Plan(
        experiment=Experiment(
            name="x", base=ArmRequest(name="base", revision="main"), candidates=(), gate=gate
        ),
        arms=(BASE, arm),
        suite="fake",
        benchmarks=(),
        protocol="auto",
    )
    assert tuple(module.gate_selection(plan, arm, number) for number in (0, 1)) == selections


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "passed (423 test files, full regrtest)"),
        ({"tests": 1}, "passed (1 test file, full regrtest)"),
        (
            {"flaky": ("test_ssl",), "base_failed": ("test_gdb", "test_tk")},
            "passed (423 test files, full regrtest; 1 failed once and not when run again; "
            "2 fail on the base too)",
        ),
        (
            {"absent": ("test_interpreters.test_api",)},
            "passed (423 test files, full regrtest; 1 do not apply to the candidate)",
        ),
        ({"broken": ("test_int",)}, "failed (1 of 423 test files, full regrtest: test_int)"),
    ],
)
def test_what_the_gate_found_has_its_count(given: dict[str, Any], text: str) -> None:
    usual = {"tests": 423, "broken": (), "flaky": (), "base_failed": ()}
    assert judged_text(Judgement(selection="full", **{**usual, **given})) == text


# -- environments and JITs -----------------------------------------------------------------------

JIT = {"config": {"CONFIG_ARGS": "'--enable-experimental-jit=yes-off'"}}


def _jit_as_asked(call: Call) -> Completed:
    """The answer of an interpreter whose JIT is on where PYTHON_JIT is 1."""
    is_on = call.command.env.get("PYTHON_JIT") == "1"
    return completed(json.dumps([is_on, JIT["config"]["CONFIG_ARGS"]]))


def test_arms_of_one_build_in_two_environments(bench: Workbench) -> None:
    bench.facts, bench.runner = {_title(RECIPE): JIT}, RecordingRunner(_jit_as_asked)
    base = planned("base", "base", RECIPE)
    on = replace(planned("on", "candidate", RECIPE), environment=("PYTHON_JIT=1",))
    first, second = bench.ready(base, on)
    assert (first.report.jit, second.report.jit) == ("off", "on")
    assert second.as_measured.jit == "on"
    assert second.report.environment == ("PYTHON_JIT=1",)
    codes = {warning.partition(":")[0] for warning in second.report.warnings}
    assert {"environment", "jit", "gate-environment"} <= codes
    assert "same-code" not in codes
    (text,) = [one for one in second.report.warnings if one.startswith("environment:")]
    assert "PYTHON_JIT=1, the base's nothing set, and the builds are the same" in text


def test_builds_without_a_jit_are_not_asked(bench: Workbench) -> None:
    bench.runner = RecordingRunner(no_command)
    arms = bench.ready(planned("base", "base", RECIPE), planned("same", "aa", RECIPE))
    assert [arm.report.jit for arm in arms] == ["", ""]


def test_free_threading_on_one_core_is_said(bench: Workbench) -> None:
    flavor = Flavor(configure=("--disable-gil",))
    other = replace(RECIPE, flavor=flavor, series=("free",))
    bench.facts = {_title(other): {"config": {"Py_GIL_DISABLED": "1"}}}
    base, free = planned("base", "base", RECIPE), planned("free", "candidate", other)
    _base, arm = bench.ready(base, free)
    (text,) = [one for one in arm.report.warnings if one.startswith("free-threading")]
    assert "the base with the GIL, this arm without the GIL" in text
