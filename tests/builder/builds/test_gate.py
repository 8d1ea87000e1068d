from __future__ import annotations

from pathlib import Path

import pytest

from builder.builds import gate
from builder.builds.gate import CORE, Gate, parse, regrtest
from builder.builds.store import Build
from builder.errors import BuildError
from builder.process import SystemRunner
from tests import fake
from tests.builder.builds.test_compile import Workshop

NAMES = ("test_grammar", "test_crash", "test_fail", "test_kqueue")

# What 2.7.18 and 3.13.5 print at the end of such a run.
OF_27 = """
0:00:00 load avg: 9.61 [1/4/1] test_crash crashed
== Tests result: FAILURE ==

1 test OK.

2 tests failed:
    test_crash test_fail

1 test skipped:
    test_kqueue
Those skips are all expected on linux2.

Total duration: 588 ms
Tests result: FAILURE
"""
OF_313 = """
== Tests result: FAILURE ==

1 test skipped:
    test_kqueue

2 tests failed:
    test_crash test_fail

1 test OK.

Total duration: 2.9 sec
Result: FAILURE
"""


@pytest.mark.parametrize("output", [OF_27, OF_313])
def test_closing_lists(output: str) -> None:
    outcome = parse(output, NAMES)
    assert outcome.passed == ("test_grammar",)
    assert outcome.failed == ("test_crash", "test_fail")
    assert outcome.skipped == ("test_kqueue",)


def test_split_tests_fail_as_their_module() -> None:
    output = "1 test failed:\n    test.test_asyncio.test_events\n\n5 tests OK.\n"
    assert parse(output, ("test_asyncio", "test_int")).failed == ("test_asyncio",)


def test_names_in_other_lines_do_not_count() -> None:
    output = "test_int failed (env changed)\n\n1 test altered the execution environment:\n    "
    output += "test_int (env changed)\n\n2 tests OK.\n"
    assert parse(output, ("test_int",)).passed == ("test_int",)


def test_a_regrtest_that_does_not_come_to_its_end_passes_nothing() -> None:
    outcome = parse("[1/2] test_grammar passed\nSegmentation fault\n", NAMES)
    assert outcome.passed == ()
    assert outcome.failed == tuple(sorted(NAMES))


def test_commands_of_both_pythons() -> None:
    two = regrtest(Path("/p/python2.7"), "2.7.18", ["test_int"], scratch=Path("/s"), jobs=2)
    assert two.argv == ("/p/python2.7", "-m", "test.regrtest", "-j2", "test_int")
    three = regrtest(Path("/p/python3"), "3.13.5", ["test_int"], scratch=Path("/s"), jobs=2)
    assert three.argv[1:3] == ("-m", "test")
    assert three.cwd == Path("/s")
    assert "PYTHONPATH" not in three.env


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
    failed_once = kept.read_text().replace('"passed": [', '"passed": [], "was": [')
    kept.write_text(failed_once.replace('"failed": []', '"failed": ["test_int"]'))
    judgement = court.gate.judge(court.base, candidate, "core")
    assert judgement.passed
    assert "test_int" in judgement.flaky


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


def test_full_takes_what_is_there_and_core_a_part(court: Court) -> None:
    there = gate.tests_of(court.base, "full")
    assert there == ("test_dis", "test_generators", "test_grammar", "test_int")
    extra = court.base.prefix / "lib" / "python3.13" / "test" / "test_other.py"
    extra.touch()
    assert "test_other" in gate.tests_of(court.base, "full")
    assert "test_other" not in gate.tests_of(court.base, "core")
    extra.with_name("test_read_by_a_test.txt").touch()
    extra.with_name("test_folder_of_files").mkdir()
    package = extra.with_name("test_package")
    package.mkdir()
    (package / "__init__.py").touch()
    found = set(gate.tests_of(court.base, "full")) - set(there)
    assert found == {"test_other", "test_package"}
    assert len(CORE) == len(set(CORE))
