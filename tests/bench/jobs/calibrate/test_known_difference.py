from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.jobs.calibrate import known_difference
from bench.measure.ranking import CLASSES, KNOWN, LOOPS, classify
from bench.measure.trial import Effort, Task, loops_of
from tests.bench.measure.test_ranking import task
from tests.bench.surroundings import arm

EFFORT = Effort(process=0.6)


@given(
    st.builds(
        replace,
        st.builds(
            task, seconds=st.floats(1e-4, 3), share=st.floats(0.1, 1), children=st.booleans()
        ),
        loops=st.integers(1, 2**20),
    )
)
def test_more_loops_are_exactly_so_many_times_as_many(original: Task) -> None:
    scaled = known_difference.exact(original, EFFORT)
    if scaled is None:
        return
    assert scaled.loops % LOOPS == 0
    assert scaled.loops * KNOWN == pytest.approx(round(scaled.loops * KNOWN), abs=1e-6)
    assert classify(scaled) == classify(original)
    assert scaled.seconds / scaled.loops == pytest.approx(original.seconds / original.loops)
    assert (scaled.warmups, scaled.values) == EFFORT.shape(scaled.seconds)


@pytest.mark.parametrize(
    ("original", "loops"),
    [
        (replace(task(seconds=0.012), loops=64), 50),
        (replace(task(seconds=0.012), loops=128), 150),
        (replace(task(seconds=0.005), loops=16), 50),
        # A loop of 1 ms: 50 of them would not be a short value any more.
        (replace(task(seconds=0.016), loops=16), None),
        (replace(task(seconds=0.1), loops=1), None),
        # 50 starts of a process in a second are still starts of a process.
        (replace(task(seconds=0.02, children=True), loops=1), 50),
        (replace(task(seconds=0.05, children=True), loops=1), None),
    ],
)
def test_values_stay_of_their_class(original: Task, loops: int | None) -> None:
    scaled = known_difference.exact(original, EFFORT)
    assert (scaled.loops if scaled else None) == loops


def test_an_arm_runs_two_per_cent_more_loops(tmp_path: Path) -> None:
    more = replace(arm(tmp_path, "more"), loops_factor=KNOWN)
    scaled = known_difference.exact(replace(task(seconds=0.012), loops=128), EFFORT)
    assert scaled is not None
    assert loops_of(scaled, more) == 153


def test_our_script_is_for_the_classes_that_are_measured() -> None:
    work = replace(task("known_work", seconds=0.01), loops=1024)
    wait = replace(task("known_wait", seconds=0.011, share=0.2), index=1, loops=20)
    for kinds in ((), ("short",), ("long", "short"), CLASSES):
        ours = known_difference.ours([work, wait], kinds, EFFORT)
        expected = [kind for kind in CLASSES if kind in kinds and kind != "processes"]
        assert [classify(our_task) for our_task in ours] == expected
        assert all(our_task.loops % LOOPS == 0 for our_task in ours)
        assert [our_task.index for our_task in ours] == [int(kind == "waits") for kind in expected]
        assert len({our_task.name for our_task in ours}) == len(ours)
    assert known_difference.ours([], CLASSES, EFFORT) == ()


def test_our_script_is_of_its_class_however_busy_the_host_was() -> None:
    work = replace(task("known_work", seconds=0.01, share=0.5, children=True), loops=1024)
    wait = replace(task("known_wait", seconds=0.011, share=1.5), loops=20)
    assert [classify(ours) for ours in known_difference.ours([work, wait], CLASSES, EFFORT)] == [
        "short", "medium", "long", "waits",
    ]  # fmt: skip


def test_the_lengths_are_in_the_midst_of_their_classes() -> None:
    work = replace(task("known_work", seconds=0.01), loops=1024)
    for scaled in known_difference.ours([work], CLASSES, EFFORT):
        kind = classify(scaled)
        for factor in (1.4, 1 / 1.4):
            assert classify(replace(scaled, seconds=scaled.seconds * factor)) == kind
        assert math.isclose(scaled.seconds / scaled.loops, 0.01 / 1024)


def test_our_script_is_there_and_named_after_its_content() -> None:
    benchmark = known_difference.benchmark()
    assert (benchmark.source / Path(benchmark.script).name).is_file()
    assert benchmark.folder.startswith("known-")
    assert benchmark == known_difference.benchmark()
