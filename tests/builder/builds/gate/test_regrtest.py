"""regrtest's command, and what its output says."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.builds.gate import parse, regrtest

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


def test_a_part_of_a_package_is_not_the_test_of_the_same_name() -> None:
    output = "1 test failed:\n    test.test_capi.test_dict\n\n2 tests OK.\n"
    outcome = parse(output, ("test_dict", "test_capi.test_dict", "test_capi.test_opt"))
    assert outcome.failed == ("test_capi.test_dict",)
    assert outcome.passed == ("test_capi.test_opt", "test_dict")


def test_parts_that_are_skipped() -> None:
    output = "1 test skipped:\n    test_capi.test_opt\n\n1 test OK.\n"
    outcome = parse(output, ("test_int", "test_capi.test_opt"))
    assert outcome.skipped == ("test_capi.test_opt",)
    assert outcome.passed == ("test_int",)


def test_without_names_there_is_no_command() -> None:
    with pytest.raises(ValueError, match="names of tests"):
        regrtest(Path("/p/python3"), "3.13.5", [], scratch=Path("/s"), jobs=2)
