from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure import protocols, ranking
from bench.measure.ranking import CLASSES, KNOWN, LEAST_BLOCKS, Sample, classify
from bench.measure.trial import Task
from bench.stats.accuracy import SPAN


def task(
    name: str = "nbody", seconds: float = 0.01, share: float = 1.0, children: bool = False
) -> Task:
    return Task(
        index=0, name=name, loops=50, warmups=1, values=5, seconds=seconds, cpu_share=share,
        children=children,
    )  # fmt: skip


def samples(
    protocol: str,
    name: str = "nbody",
    *,
    spread: float = 0.01,
    bias: float = 0.0,
    known: bool = False,
    blocks: int = 10,
    seconds: float = 1.0,
) -> list[Sample]:
    """Blocks whose errors alternate between bias + spread and bias - spread."""
    truth = KNOWN if known else 1.0
    return [
        Sample(
            protocol=protocol,
            task=name,
            known=known,
            number=number,
            base=0.5,
            other=0.5 * truth * math.exp(bias + spread * (-1) ** number),
            seconds=seconds,
        )
        for number in range(blocks)
    ]


def all_protocols(spreads: Sequence[float], name: str = "nbody", **more: float) -> list[Sample]:
    """Each protocol, in the order of PROTOCOLS, with a spread of its own."""
    block_samples: list[Sample] = []
    for protocol, spread in zip(protocols.PROTOCOLS, spreads, strict=True):
        block_samples += samples(protocol, name, spread=spread, **more)  # type: ignore[arg-type]
    return block_samples


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (task(seconds=0.0), "short"),
        (task(seconds=0.0299), "short"),
        (task(seconds=0.03), "medium"),
        (task(seconds=0.1999), "medium"),
        (task(seconds=0.2), "long"),
        (task(seconds=1e9), "long"),
        (task(seconds=0.01, share=0.89), "waits"),
        (task(seconds=10, share=0.1), "waits"),
        (task(share=0.9), "short"),
        (task(share=1.9), "short"),
        (task(share=0.1, children=True), "processes"),
        (task(seconds=5, children=True), "processes"),
    ],
)
def test_classes(one: Task, kind: str) -> None:
    assert classify(one) == kind


@given(st.builds(task, seconds=st.floats(0, 100), share=st.floats(0, 8), children=st.booleans()))
def test_every_task_has_a_class(one: Task) -> None:
    assert classify(one) in CLASSES


def test_an_error_is_counted_from_the_truth() -> None:
    for known in (False, True):
        (one, _) = samples("lockstep", spread=0.0, bias=0.004, known=known, blocks=2)
        assert one.error == pytest.approx(0.004)


def test_the_least_error_wins_in_each_class() -> None:
    tasks = {"nbody": task(), "pyflate": task("pyflate", seconds=0.5)}
    first, second, third = protocols.PROTOCOLS
    block_samples = [
        *all_protocols((0.05, 0.01, 0.02)),
        *all_protocols((0.05, 0.02, 0.01), "pyflate"),
    ]
    assert ranking.choose(ranking.rows(tasks, block_samples)) == {"short": second, "long": third}
    assert first not in ranking.choose(ranking.rows(tasks, block_samples)).values()


def test_a_bias_loses_against_a_little_more_noise() -> None:
    tasks = {"nbody": task()}
    first, second, third = protocols.PROTOCOLS
    block_samples = all_protocols((0.05, 0.01, 0.012))
    for protocol, bias in ((first, 0.0), (second, 0.006), (third, 0.0)):
        block_samples += samples(protocol, bias=bias, known=True)
    (_, row, other) = ranking.rows(tasks, block_samples)
    assert row.accuracy is not None
    assert other.accuracy is not None
    assert row.accuracy.bias == pytest.approx(0.006, rel=0.01)
    assert row.accuracy.error < other.accuracy.error
    assert ranking.choose(ranking.rows(tasks, block_samples)) == {"short": third}


def test_protocols_are_compared_on_the_same_benchmarks() -> None:
    """One that skips the hard benchmark has no advantage of it."""
    tasks = {"nbody": task(), "hard": task("hard")}
    first, second, _ = protocols.PROTOCOLS
    block_samples = all_protocols((0.01, 0.01, 0.011))
    block_samples += samples(first, "hard", spread=0.3) + samples(second, "hard", spread=0.2)
    rows = ranking.rows(tasks, block_samples)
    assert [row.benchmarks for row in rows] == [("nbody",)] * 3
    assert ranking.choose(rows)["short"] == first


def test_a_protocol_that_fails_with_most_benchmarks_does_not_decide_for_the_others() -> None:
    names = ["a", "b", "c", "d"]
    tasks = {name: task(name) for name in [*names, "work"]}
    block_samples = [sample for name in names for sample in samples("lockstep", name, spread=0.02)]
    block_samples += [
        sample for name in names for sample in samples("sequential", name, spread=0.03)
    ]
    block_samples += samples("corun", "a", spread=0.001)
    for protocol in protocols.PROTOCOLS:
        block_samples += samples(protocol, "work", known=True)
    rows = {row.protocol: row for row in ranking.rows(tasks, block_samples)}
    assert rows["lockstep"].benchmarks == tuple(names)
    assert rows["lockstep"].known == ("work",)
    assert rows["corun"].accuracy is None
    assert "only 1 of 5 benchmarks" in rows["corun"].reason
    assert ranking.choose(rows.values()) == {"short": "lockstep"}


def test_a_protocol_that_refuses_a_class_says_why_and_the_others_are_compared() -> None:
    tasks = {"start": task("start", children=True), "other": task("other", children=True)}
    block_samples = samples("sequential", "start", spread=0.02) + samples("lockstep", "start")
    rows = {row.protocol: row for row in ranking.rows(tasks, block_samples)}
    assert rows["corun"].accuracy is None
    assert "starts processes" in rows["corun"].reason
    assert rows["lockstep"].benchmarks == ("start",)
    assert ranking.choose(rows.values()) == {"processes": "lockstep"}


def test_where_nothing_ran_against_itself_the_known_difference_tells_the_noise() -> None:
    tasks = {"work": task("work")}
    block_samples = [
        sample
        for protocol in protocols.PROTOCOLS
        for sample in samples(protocol, "work", known=True, spread=0.02)
    ]
    for row in ranking.rows(tasks, block_samples):
        assert row.accuracy is not None
        assert row.accuracy.error == pytest.approx(0.02)
        assert (row.benchmarks, row.known) == (("work",), ("work",))


def test_single_blocks_and_few_blocks_choose_nothing() -> None:
    tasks = {"nbody": task()}
    one = ranking.rows(tasks, all_protocols((0.1, 0.2, 0.3), blocks=1))
    assert [row.accuracy for row in one] == [None] * 3
    assert all("two or more blocks of only 0 of 1" in row.reason for row in one)
    few = ranking.rows(tasks, all_protocols((0.1, 0.2, 0.3), blocks=LEAST_BLOCKS - 1))
    assert all(row.accuracy is not None for row in few)
    enough = ranking.rows(tasks, all_protocols((0.1, 0.2, 0.3), blocks=LEAST_BLOCKS))
    assert [ranking.choose(rows) for rows in (one, few, enough)] == [
        {}, {}, {"short": next(iter(protocols.PROTOCOLS))},
    ]  # fmt: skip


def test_a_slow_protocol_needs_less_noise_to_win() -> None:
    tasks = {"nbody": task()}
    block_samples = all_protocols((0.5, 0.02, 0.03))
    _, second, third = protocols.PROTOCOLS
    slow = [
        Sample(**{**vars(sample), "seconds": 4.0}) if sample.protocol == second else sample
        for sample in block_samples
    ]
    assert ranking.choose(ranking.rows(tasks, block_samples)) == {"short": second}
    assert ranking.choose(ranking.rows(tasks, slow)) == {"short": third}
    row = ranking.rows(tasks, slow)[1]
    assert row.accuracy is not None
    assert row.accuracy.after == pytest.approx(0.02 * math.sqrt(4 / SPAN))


def test_false_calls_are_counted_by_our_own_verdicts_under_the_protocol_in_use() -> None:
    off = samples("lockstep", "off", spread=0.0001, bias=0.05)
    fine = samples("lockstep", "fine", spread=0.05)
    unused = samples("sequential", "fine", spread=0.0001, bias=0.5)
    known = samples("lockstep", "fine", known=True)
    single = samples("lockstep", "single", blocks=1, bias=3)
    used = {"off": "lockstep", "fine": "lockstep", "single": "lockstep"}
    block_samples = [*off, *fine, *unused, *known, *single]
    assert ranking.called_different(block_samples, used) == (1, 2)
    assert ranking.called_different(block_samples, {**used, "fine": "sequential"}) == (2, 2)
    assert ranking.called_different([], used) == (0, 0)


@given(st.integers(0, 2**32), st.sampled_from([0.003, 0.01, 0.05]))
def test_the_order_of_the_blocks_does_not_matter(seed: int, spread: float) -> None:
    tasks = {"nbody": task(), "float": task("float")}
    block_samples = all_protocols((spread, 0.01, 0.02)) + all_protocols(
        (0.01, spread, 0.02), "float"
    )
    shuffled = random.Random(seed).sample(block_samples, len(block_samples))
    assert ranking.choose(ranking.rows(tasks, shuffled)) == ranking.choose(
        ranking.rows(tasks, block_samples)
    )
