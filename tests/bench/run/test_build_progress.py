"""What is shown while make runs: few lines without a terminal, and never a wrong total."""

from __future__ import annotations

import io

import pytest

from bench.run.build_progress import describe, watch
from bench.util import Show
from builder.builds import Expected, MakeState
from builder.builds.make_progress import FIRST, PLAIN, SECOND, TASK, StageCount

KNOWN = Expected(files={PLAIN: 200}, seconds={PLAIN: 100.0}, origin="2.7.18")


def plain(files: int) -> MakeState:
    return MakeState(stage=PLAIN, counts={PLAIN: StageCount(files=files)})


def lines(expected: Expected, states: list[MakeState]) -> list[str]:
    """What a pipe gets."""
    stream = io.StringIO()
    show = Show(stream=stream)
    with watch(show)("2.7.18 plain: make", expected) as report:
        for number, state in enumerate(states):
            report(state, float(number))
    return stream.getvalue().splitlines()


def test_a_line_at_each_quarter() -> None:
    told = lines(KNOWN, [plain(files) for files in range(1, 201)])
    assert [line.split(", ")[0] for line in told] == [
        "2.7.18 plain: make: 50 of 200 files",
        "2.7.18 plain: make: 100 of 200 files",
        "2.7.18 plain: make: 150 of 200 files",
    ]
    assert told[1].endswith("compiling; about 99 s left")


def test_more_files_than_known_are_told_and_have_no_total() -> None:
    told = lines(KNOWN, [plain(files) for files in range(1, 251)])
    assert told[-1] == (
        "2.7.18 plain: make: 201 files, compiling; more than the 200 of the last build (2.7.18)"
    )
    assert not [line for line in told if "of 200 files" in line and "201" in line]


def test_without_a_build_before_files_are_counted() -> None:
    told = lines(Expected(), [plain(files) for files in range(1, 251)])
    assert told == [
        f"2.7.18 plain: make: {files} files, compiling; of how many is not known yet"
        for files in (100, 200)
    ]


def test_each_stage_of_pgo_has_a_line() -> None:
    first = {FIRST: StageCount(files=300)}
    task = {**first, TASK: StageCount(files=3, of=43)}
    second = {**task, SECOND: StageCount(files=1)}
    told = lines(
        Expected(files={FIRST: 300, SECOND: 300}),
        [
            MakeState(stage=FIRST, counts=first),
            MakeState(stage=TASK, counts=task),
            MakeState(stage=TASK, counts=task),
            MakeState(stage=SECOND, counts=second),
        ],
    )
    assert [line.partition(" files, ")[2] for line in told] == [
        "first build",
        "profile task; test 3 of 43",
        "second build",
    ]


def test_a_quiet_command_shows_nothing() -> None:
    stream = io.StringIO()
    with watch(Show(quiet=True, stream=stream))("x", Expected()) as report:
        report(plain(500), 1.0)
    assert not stream.getvalue()


@pytest.mark.parametrize(
    ("expected", "left", "words"),
    [
        (KNOWN, None, "compiling"),
        (KNOWN, 90.0, "compiling; about 90 s left"),
        (KNOWN, 600.0, "compiling; about 10 min left"),
        (Expected(files={PLAIN: 3}), 1.0, "compiling; more than the 3 of the last build ()"),
    ],
)
def test_the_words(expected: Expected, left: float | None, words: str) -> None:
    assert describe(plain(20), expected, left) == words
