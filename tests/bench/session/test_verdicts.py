"""From a session's records to verdicts: labels, looks, warnings, and the placebos' band."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from bench.benchmarks.suites import Missing
from bench.compare.comparison import Comparisons
from bench.session.record import BlockRecord, SessionRecord, without
from bench.session.verdicts import Band, among, beside, conclude


def record(number: int, task: str, ratio: float, *, replica: int = 0) -> BlockRecord:
    return BlockRecord(
        number=number,
        task=task,
        benchmark=task,
        means={"base": 0.1, "fast": 0.1 * ratio, "placebo": 0.1},
        positions={"base": 0, "fast": 1, "placebo": 2},
        values={"base": 5, "fast": 5, "placebo": 5},
        seconds=1.0,
        busy_seconds=1.0,
        replica=replica,
        protocol="lockstep",
    )


def measured(ratio: float = 0.9, *, replicas: int = 1, blocks: int = 12) -> SessionRecord:
    chance = random.Random(3)
    return SessionRecord(
        blocks=tuple(
            record(
                number,
                task,
                ratio * (1 + chance.gauss(0, 0.005) + 0.01 * (number % replicas)),
                replica=number % replicas,
            )
            for task in ("nbody", "chaos")
            for number in range(blocks)
        ),
        missing=(Missing(benchmark="go", reason="it fell over"),),
        seconds=24.0,
        busy_seconds=24.0,
        complete=True,
    )


def codes(warnings: tuple[str, ...]) -> set[str]:
    return {warning.partition(":")[0] for warning in warnings}


def test_each_benchmark_has_its_blocks() -> None:
    compared = conclude(measured(), "fast", margin=0.01)

    assert [row.benchmark for row in compared.comparisons] == ["chaos", "nbody"]
    assert [row.blocks for row in compared.comparisons] == [12, 12]
    assert {row.verdict for row in compared.comparisons} == {"faster"}
    assert compared.suite is not None
    assert compared.suite.ratio == pytest.approx(0.9, rel=0.01)
    assert compared.missing == measured().missing
    assert compared.margin == 0.01


def test_any_two_arms_can_be_compared() -> None:
    compared = conclude(measured(), "placebo", base="fast", margin=0.01)
    assert {row.verdict for row in compared.comparisons} == {"slower"}


def test_without_replicas_it_speaks_of_two_binaries() -> None:
    compared = conclude(measured(), "fast", margin=0.01)
    assert compared.suite is not None
    assert all("one-build" in codes(row.warnings) for row in compared.comparisons)
    assert {row.builds for row in compared.comparisons} == {1}
    assert "few-builds" not in codes(compared.suite.warnings)


def test_replicas_are_the_unit_of_what_builds_differ_by() -> None:
    """The same ratios with their replicas known: the interval covers what builds do."""
    session = measured(replicas=3)
    blind = replace(session, blocks=tuple(replace(block, replica=0) for block in session.blocks))
    wide, narrow = (conclude(record, "fast", margin=0.01) for record in (session, blind))

    assert {row.builds for row in wide.comparisons} == {3}
    for known, unknown in zip(wide.comparisons, narrow.comparisons, strict=True):
        assert None not in (known.high95, known.low95, unknown.high95, unknown.low95)
        assert known.high95 - known.low95 > unknown.high95 - unknown.low95  # type: ignore[operator]


@pytest.mark.parametrize(("replicas", "warned"), [(1, False), (2, True), (4, True), (5, False)])
def test_few_replicas_are_warned_of(replicas: int, warned: bool) -> None:
    suite = conclude(measured(replicas=replicas, blocks=20), "fast", margin=0.01).suite
    assert suite is not None
    assert ("few-builds" in codes(suite.warnings)) is warned


def test_looks_are_paid_for() -> None:
    session = measured()
    looked = replace(session, looks={"nbody": (0.5, 0.7, 1.0)}, suite_looks=(0.25, 0.5, 0.75, 1.0))
    before, after = (conclude(record, "fast", margin=0.01) for record in (session, looked))

    chaos, nbody = range(2)
    assert after.comparisons[chaos] == before.comparisons[chaos]
    for one, other in (
        (after.comparisons[nbody], before.comparisons[nbody]),
        (after.suite, before.suite),
    ):
        assert one is not None
        assert other is not None
        assert (one.low95, one.high95) == (other.low95, other.high95)
        assert one.low is not None
        assert other.low is not None
        assert one.low < other.low


def test_disturbed_blocks_count_and_are_told() -> None:
    session = measured()
    blocks = [replace(block, disturbed="steal 12%") for block in session.blocks[:2]]
    disturbed = replace(session, blocks=(*blocks, *session.blocks[2:]))
    chaos, nbody = conclude(disturbed, "fast", margin=0.01).comparisons

    assert "disturbed-blocks" not in codes(chaos.warnings)
    (told,) = [text for text in nbody.warnings if text.startswith("disturbed-blocks")]
    assert "2 of 12" in told
    assert told.count("steal 12%") == 1
    assert nbody.blocks == 12


# -- the placebos' band --------------------------------------------------------------------------


def suite_of(ratio: float) -> Comparisons:
    return conclude(measured(ratio), "fast", margin=0.01)


def test_the_band_is_what_the_placebos_gave() -> None:
    suites = [suite_of(ratio) for ratio in (0.99, 1.03, 1.0)]
    band = Band.of(suites)

    assert band is not None
    assert band.suite is not None
    assert band.suite == pytest.approx((0.99, 1.03), rel=0.005)
    assert set(band.benchmarks) == {"chaos", "nbody"}
    for number, name in enumerate(("chaos", "nbody")):
        ratios = [suite.comparisons[number].ratio for suite in suites]
        assert band.benchmarks[name] == (min(ratios), max(ratios))


def test_without_placebos_there_is_no_band() -> None:
    assert Band.of([]) is None
    assert beside(suite_of(0.9), None) == suite_of(0.9)


@pytest.mark.parametrize(("ratio", "inside"), [(0.97, False), (1.0, True), (1.05, False)])
def test_a_gain_inside_the_band_is_warned_of(ratio: float, inside: bool) -> None:
    band = Band(suite=(0.985, 1.02), benchmarks={})
    suite = beside(suite_of(ratio), band).suite

    assert suite is not None
    assert ("inside-placebo-band" in codes(suite.warnings)) is inside


def test_a_band_without_a_suite_warns_of_nothing() -> None:
    assert beside(suite_of(1.0), Band(suite=None, benchmarks={})) == suite_of(1.0)


# -- arms that lack benchmarks -------------------------------------------------------------------


def lacking(task: str, arm: str) -> SessionRecord:
    """The same session, in which an arm is missing for one benchmark alone."""
    done = measured()
    blocks = [without(block, (arm,)) if block.task == task else block for block in done.blocks]
    lost = Missing(benchmark=task, reason="it has no types", arm=arm)
    return replace(done, blocks=tuple(blocks), missing=(*done.missing, lost))


def test_what_one_arm_lacks_is_missing_for_it_alone() -> None:
    done = lacking("chaos", "fast")

    fast = conclude(done, "fast", margin=0.01)
    assert [row.benchmark for row in fast.comparisons] == ["nbody"]
    assert {entry.benchmark for entry in fast.missing} == {"go", "chaos"}
    other = conclude(done, "placebo", margin=0.01)
    assert [row.benchmark for row in other.comparisons] == ["chaos", "nbody"]
    assert {entry.benchmark for entry in other.missing} == {"go"}
    assert all("arm" not in entry for entry in fast.as_json()["missing"])


def test_among_some_benchmarks_only_theirs_count() -> None:
    some = among(measured(), ["nbody"])
    assert {block.task for block in some.blocks} == {"nbody"}
    assert some.missing == ()
    assert conclude(some, "fast", margin=0.01).suite is not None


def test_a_warm_up_is_told_on_the_comparison() -> None:
    done = measured()
    warm = {"fast": {"first": 12.0, "seconds": 1.5}}
    done = replace(done, blocks=tuple(replace(block, warmups=warm) for block in done.blocks))
    (row, _other) = conclude(done, "fast", margin=0.01).comparisons
    (warning,) = [warning for warning in row.warnings if warning.startswith("warm-up")]
    assert "of fast" in warning
    assert "12x" in warning
    assert not any(
        warning.startswith("warm-up")
        for warning in conclude(done, "placebo", margin=0.01).comparisons[0].warnings
    )


def test_threads_are_a_warning_on_the_comparison() -> None:
    done = measured()
    blocks = tuple(
        replace(block, threads="2 threads, 50%" if block.task == "nbody" else "")
        for block in done.blocks
    )
    for row in conclude(replace(done, blocks=blocks), "fast", margin=0.01).comparisons:
        own = [warning for warning in row.warnings if warning.startswith("threads")]
        assert own == (["threads: 2 threads, 50%"] if row.benchmark == "nbody" else [])
