"""What is known of a make beforehand, what remains, and what the stages took."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from builder.builds.make_progress import FIRST, PLAIN, SECOND, TASK, MakeState, StageCount
from builder.builds.make_watch import Expected, Reader, expected, nobody
from builder.builds.past_builds import PastBuild

COMPILE = "cc -c a.c -o a.o"
PGO = Expected(
    files={FIRST: 10, SECOND: 10}, seconds={FIRST: 100, TASK: 300, SECOND: 200}, origin="2.7.18"
)


def build(folder: Path, log: str | None, **made: float) -> PastBuild:
    (folder / "log").mkdir(exist_ok=True)
    if log is not None:
        (folder / "log" / "make.log").write_text(log)
    return PastBuild(
        folder=folder,
        version="2.7.18",
        branch="2.7",
        tree="t",
        pgo=bool(made),
        lto=False,
        ended=1.0,
        seconds={"make": 60.0},
        made=made,
    )


def test_nothing_is_expected_without_a_build_or_its_log(tmp_path: Path) -> None:
    assert expected(None) == Expected()
    assert expected(build(tmp_path, None)).total is None
    assert expected(build(tmp_path, "make: Nothing to be done\n")).total is None


def test_an_older_build_without_pgo_is_one_stage(tmp_path: Path) -> None:
    one = expected(build(tmp_path, f"{COMPILE}\n{COMPILE}\n"))
    assert (one.files, one.seconds, one.origin) == ({PLAIN: 2}, {PLAIN: 60.0}, "2.7.18")


def test_an_older_build_with_pgo_has_files_and_no_seconds(tmp_path: Path) -> None:
    log = "cc -fprofile-generate -c a.c\ncc -fprofile-use -c a.c\ncc -fprofile-use -c b.c\n"
    one = expected(replace(build(tmp_path, log), pgo=True))
    assert (one.total, one.seconds) == (3, {})
    assert one.left(MakeState(stage=FIRST, counts={FIRST: StageCount(files=1)}), 10.0) is None


@pytest.mark.parametrize(
    ("state", "elapsed", "left"),
    [
        (MakeState(stage=FIRST, counts={FIRST: StageCount(files=5)}), 50.0, 550.0),
        (MakeState(stage=FIRST, counts={FIRST: StageCount(files=5)}), 100.0, 1100.0),
        (MakeState(stage=FIRST, counts={FIRST: StageCount(files=50)}), 100.0, 500.0),
        (MakeState(stage=TASK, counts={TASK: StageCount(files=10, of=20)}), 250.0, 350.0),
        (MakeState(stage=TASK, counts={TASK: StageCount()}), 100.0, 500.0),
        (MakeState(stage=SECOND, counts={SECOND: StageCount(files=10)}), 600.0, 0.0),
        (MakeState(stage=FIRST, counts={}), 1.0, None),
        (MakeState(stage=PLAIN, counts={PLAIN: StageCount(files=1)}), 1.0, None),
    ],
)
def test_what_is_left_follows_the_stages_and_the_pace(
    state: MakeState, elapsed: float, left: float | None
) -> None:
    assert PGO.left(state, elapsed) == (None if left is None else pytest.approx(left))


def test_the_stages_are_measured() -> None:
    times = iter([0.0, 1.0, 2.0, 10.0, 40.0, 100.0])
    states: list[tuple[str, float]] = []
    reader = Reader(lambda state, now: states.append((state.stage, now)), lambda: next(times))
    for line in (
        "cc -c a.c",
        "nothing",
        "cc -fprofile-generate -c b.c",
        "Running code to generate profile data",
        "cc -fprofile-use -c a.c",
    ):
        reader.line(line)
    assert states == [(PLAIN, 1.0), (FIRST, 2.0), (TASK, 10.0), (SECOND, 40.0)]
    assert reader.seconds() == {FIRST: 10.0, TASK: 30.0, SECOND: 60.0}


def test_a_terminal_that_went_away_does_not_end_the_reading() -> None:
    def gone(_state: MakeState, _seconds: float) -> None:
        raise BrokenPipeError

    reader = Reader(gone, lambda: 0.0)
    reader.line(COMPILE)
    assert set(reader.seconds()) == {PLAIN}


def test_nobody_watches() -> None:
    with nobody("x", Expected()) as report:
        report(MakeState(), 0.0)
