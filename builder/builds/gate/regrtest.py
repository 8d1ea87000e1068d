"""regrtest, the program that runs CPython's tests: its command, and what its output says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.process import Command, clean_environment
from builder.versions import is_python2

_TEST_SECONDS = 600
_LONGEST_SECONDS = 3 * 3600.0


def limit(names: Sequence[str]) -> float:
    """The time limit of a regrtest run, in seconds: 2.7's regrtest has none for each test."""
    return min(_TEST_SECONDS + 60.0 * len(names), _LONGEST_SECONDS)


def regrtest(
    python: Path,
    version: str,
    names: Sequence[str],
    *,
    scratch: Path,
    jobs: int,
    locks: tuple[int, ...] = (),
) -> Command:
    """The command that runs tests in worker processes, so that a crash ends only one test.

    `names` must not be empty: regrtest then runs every test there is.
    """
    if not names:
        raise ValueError("regrtest needs the names of tests")
    python2 = is_python2(version)
    module = "test.regrtest" if python2 else "test"
    options = [f"-j{max(1, jobs)}"] + ([] if python2 else [f"--timeout={_TEST_SECONDS}"])
    return Command(
        argv=(str(python), "-m", module, *options, *names),
        cwd=scratch,
        env=clean_environment(HOME=str(scratch), TMPDIR=str(scratch)),
        keep_fds=locks,
    )


@dataclass(frozen=True, kw_only=True)
class TestOutcomes:
    """Names of tests by outcome."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]


# "2 tests failed:", "1 test skipped (env changed):" and the indented names that follow.
_SECTION = re.compile(
    r"^(\d+) (?:re-run )?tests? (failed|skipped|altered|run no tests|omitted)[^:\n]*:\n"
    r"((?:[ \t]+\S.*\n?)+)",
    re.MULTILINE,
)
_ENDED = re.compile(r"^(?:All \d+ tests? OK|\d+ tests? OK|\d+ tests? failed)", re.MULTILINE)


def parse(output: str, names: Sequence[str]) -> TestOutcomes:
    """Read the lists at the end of regrtest's output (of 2.7 and 3.x).

    A test passed if it is one of `names`, regrtest ran to its end, and no list contains it; an
    altered environment counts as passed, as in regrtest.
    """
    lists: dict[str, set[str]] = {}
    for match in _SECTION.finditer(output + "\n"):
        listed = re.findall(r"\btest_\w+(?:\.\w+)*", match.group(3))
        lists.setdefault(match.group(2), set()).update(listed)
    skipped = lists.get("skipped", set()) | lists.get("run no tests", set())
    skipped |= lists.get("omitted", set())
    failed = lists.get("failed", set())
    requested = set(names)
    # A name that was requested stands for itself: test_capi.test_dict is not test_dict.
    failed_modules = failed & requested
    failed_modules |= {
        name for name in requested if any(_is_of(test, name) for test in failed - requested)
    }
    if not _ENDED.search(output):
        failed_modules = requested - skipped
    return TestOutcomes(
        passed=tuple(sorted(requested - failed_modules - skipped)),
        failed=tuple(sorted(failed_modules)),
        skipped=tuple(sorted(skipped & requested)),
    )


def _is_of(test: str, name: str) -> bool:
    """Whether a listed test is the module `name` or a part of it that regrtest runs separately."""
    return test == name or test.startswith(f"{name}.") or test.endswith(f".{name}")
