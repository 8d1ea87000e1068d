"""The gate on builds of the fake CPython, of which the tests behave as asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder.builds.gate import Gate, UntestedError
from builder.builds.recipe import Flavor
from builder.builds.store import Build
from builder.errors import BuildError
from builder.process import SystemRunner
from tests import fake
from tests.builder.builds.test_compile import Workshop

NAMES = ("test_dis", "test_generators", "test_grammar", "test_int")


class Court:
    """A gate, a base, and candidates whose tests behave as asked."""

    def __init__(self, folder: Path) -> None:
        self.workshop = Workshop(folder)
        self.base = self.build()
        self.said: list[str] = []
        self.gate = Gate(
            home=self.workshop.home, runner=SystemRunner(), say=self.said.append, jobs=1
        )

    def build(self, *patches: bytes) -> Build:
        workshop = self.workshop
        return workshop.builder.provide(workshop.recipe(*patches), workshop.repository)[0]


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court(tmp_path)


def test_a_candidate_that_passes(court: Court) -> None:
    judgement = court.gate.judge(court.base, court.build(fake.speed_patch(2)), "core")
    assert judgement.passed
    assert judgement.tests == 3


@pytest.mark.parametrize("behaviour", ["fail", "crash", "skip"])
def test_what_the_base_passes_the_candidate_must(court: Court, behaviour: str) -> None:
    candidate = court.build(fake.behaviour_patch("test_int", behaviour))
    judgement = court.gate.judge(court.base, candidate, "core")
    assert judgement.broken == ("test_int",)
    assert not judgement.passed
    assert any("running it again alone" in text for text in court.said)


def test_what_the_base_fails_says_nothing(court: Court) -> None:
    base = court.build(fake.behaviour_patch("test_int", "fail"))
    candidate = court.build(fake.behaviour_patch("test_int", "fail"), fake.speed_patch(2))
    judgement = court.gate.judge(base, candidate, "core")
    assert judgement.passed
    assert judgement.base_failed == ("test_int",)


def test_a_flaky_test_is_forgiven_and_named(court: Court) -> None:
    candidate = court.build(fake.speed_patch(2))
    court.gate.result(candidate, "core")
    # As if it had failed once, in the whole run.
    kept = candidate.folder / "gate-core.json"
    stored = json.loads(kept.read_text())
    stored["passed"].remove("test_int")
    kept.write_text(json.dumps(stored | {"failed": ["test_int"]}))
    judgement = court.gate.judge(court.base, candidate, "core")
    assert judgement.passed
    assert judgement.flaky == ("test_int",)


def test_results_are_kept_with_the_build(court: Court) -> None:
    first = court.gate.result(court.base, "core")
    court.base.python.rename(court.base.python.with_suffix(".away"))
    assert court.gate.result(court.base, "core") == first


def test_an_interpreter_that_dies_in_the_gate(court: Court) -> None:
    """As a candidate it is broken; as a base it is nothing to compare with."""
    dead = court.build(fake.behaviour_patch("test_int", "die"))
    # Alone, the tests before the one that dies do pass.
    assert court.gate.judge(court.base, dead, "core").broken == ("test_int",)
    assert court.gate.result(dead, "core").passed == ()
    with pytest.raises(BuildError, match="passes no test at all") as caught:
        court.gate.judge(dead, court.base, "core")
    assert "gate-core.log" in caught.value.where


def stored_result(build: Build, **changes: object) -> Path:
    """Change the stored result of a build."""
    path = build.folder / "gate-core.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_a_result_of_other_tests_is_not_taken(court: Court) -> None:
    """As after an update that has other tests in a selection: those are run, all of them."""
    first = court.gate.result(court.base, "core")
    assert court.gate.has_result(court.base, "core")
    for passed in (["test_int"], [*first.passed, "test_gone"]):
        stored_result(court.base, passed=passed)
        assert not court.gate.has_result(court.base, "core")
        assert court.gate.result(court.base, "core").passed == first.passed
        assert court.gate.has_result(court.base, "core")


def test_results_of_older_versions_are_read(court: Court) -> None:
    first = court.gate.result(court.base, "core")
    path = court.base.folder / "gate-core.json"
    older = json.loads(path.read_text())
    del older["left_out"]
    path.write_text(json.dumps(older))
    assert court.gate.has_result(court.base, "core")
    assert court.gate.result(court.base, "core").passed == first.passed


def test_names_that_a_tree_does_not_have_are_listed(court: Court) -> None:
    judgement = court.gate.judge(court.base, court.build(fake.speed_patch(2)), "core")
    assert {"test_opcache", "test_capi.test_opt", "test_str"} <= set(judgement.left_out)
    assert not {"test_int", "test_xyz"} & set(judgement.left_out)


def without_tests(build: Build) -> None:
    for path in (build.prefix / "lib" / "python3.13" / "test").iterdir():
        path.unlink()


def test_a_base_without_tests_is_an_error(court: Court) -> None:
    """regrtest without names runs everything, and passed nothing of what was selected."""
    without_tests(court.base)
    with pytest.raises(BuildError, match="no test of the core selection") as caught:
        court.gate.judge(court.base, court.build(fake.speed_patch(2)), "core")
    assert not isinstance(caught.value, UntestedError)
    assert caught.value.where.endswith("/lib/python3.13/test")
    assert "--gate none" in caught.value.hint
    assert not list(court.base.logs.glob("gate-*"))


def test_a_candidate_without_tests_never_passes(court: Court) -> None:
    candidate = court.build(fake.speed_patch(2))
    without_tests(candidate)
    with pytest.raises(UntestedError, match="no test of the core selection"):
        court.gate.judge(court.base, candidate, "core")
    assert not court.gate.has_result(candidate, "core")


@pytest.mark.parametrize("same", [True, False])
def test_a_test_that_only_the_base_has(same: bool, court: Court) -> None:
    """Broken where a patch removed it, and not where another revision does not have it."""
    candidate = court.build(fake.speed_patch(2))
    if not same:
        revision = candidate.recipe["revision"] | {"commit": "f" * 40}
        candidate = replace(candidate, recipe=candidate.recipe | {"revision": revision})
    (candidate.prefix / "lib" / "python3.13" / "test" / "test_int.py").unlink()
    judgement = court.gate.judge(court.base, candidate, "core")
    assert judgement.broken == (("test_int",) if same else ())
    assert judgement.absent == (() if same else ("test_int",))
    assert judgement.tests == (3 if same else 2)
    assert judgement.passed is not same


def test_a_free_threaded_build_is_tested_where_it_is(tmp_path: Path) -> None:
    """Its library is in lib/python3.Nt: the folder is the interpreter's own answer."""
    workshop = Workshop(tmp_path)
    recipe = workshop.recipe(flavor=Flavor(configure=("--disable-gil",)))
    build, _ = workshop.builder.provide(recipe, workshop.repository)
    assert build.facts.stdlib == "lib/python3.13t"
    assert build.facts.config["Py_GIL_DISABLED"] == "1"
    assert sorted(path.name for path in build.python.parent.iterdir()) == [
        "python3.13",
        "python3.13t",
    ]
    gate = Gate(home=workshop.home, runner=SystemRunner(), say=lambda _text: None, jobs=1)
    assert gate.result(build, "core").passed == ("test_generators", "test_grammar", "test_int")
    assert gate.tests_of(build, "full").names == NAMES


def test_what_a_build_without_the_gil_skips_does_not_break_it(court: Court) -> None:
    """test_interpreters is skipped there; other builds must not skip what the base passes."""
    skipping = fake.behaviour_patch("test_int", "skip")
    workshop = court.workshop
    flavor = Flavor(configure=("--disable-gil",))
    recipe = workshop.recipe(skipping, flavor=flavor)
    free, _ = workshop.builder.provide(recipe, workshop.repository)
    judgement = court.gate.judge(court.base, free, "core")
    assert (judgement.broken, judgement.absent) == ((), ("test_int",))
    failing = workshop.recipe(fake.behaviour_patch("test_int", "fail"), flavor=flavor)
    free, _ = workshop.builder.provide(failing, workshop.repository)
    assert court.gate.judge(court.base, free, "core").broken == ("test_int",)


@pytest.mark.parametrize("known", ["stdlib", "code", "nothing"])
def test_builds_of_older_versions_are_tested_too(known: str, court: Court) -> None:
    """Their facts have the folder in the paths of modules; without these, it is asked again."""
    code = {"lib/python3.13/lib-dynload/_a.so": "x"} if known == "code" else {}
    stdlib = court.base.facts.stdlib if known == "stdlib" else ""
    build = replace(court.base, facts=replace(court.base.facts, stdlib=stdlib, code=code))
    assert court.gate.tests_of(build, "full").names == NAMES
