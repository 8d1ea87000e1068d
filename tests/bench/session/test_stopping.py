from __future__ import annotations

from bench.compare.comparison import Comparisons
from bench.session.record import BlockRecord, SessionRecord, without
from bench.session.stopping import Rules, look, settled
from bench.session.verdicts import among, conclude
from tests.bench.made_up import Judge, measured, record

RULES = Rules(blocks=20, margin=0.01, seed=1, watched=("fast",))


def blocks(task: str, count: int, log_ratio: float = 0.0) -> list[BlockRecord]:
    return [record(task, number, log_ratio) for number in range(count)]


def test_a_look_pays_for_the_looks_before_it() -> None:
    judge = Judge(lambda task, count: "undecided")
    look([*blocks("a", 5), *blocks("b", 10)], RULES, judge)

    ((candidate, seen),) = judge.asked
    assert candidate == "fast"
    assert seen.looks == {"a": (0.25,), "b": (0.25, 0.35, 0.5)}
    assert seen.suite_looks == (0.25,)


def test_each_watched_arm_must_be_decided() -> None:
    rules = Rules(blocks=20, margin=0.01, seed=1, watched=("fast", "slow"))
    some = [
        record(task, number, 0.001 * (number % 2), candidates=("fast", "slow"))
        for task in "ab"
        for number in range(5)
    ]

    def split(session: SessionRecord, candidate: str, *, margin: float) -> Comparisons:
        other = "slower" if candidate == "slow" else "undecided"
        judge = Judge(lambda task, count: "slower" if task == "a" else other)
        return judge(session, candidate, margin=margin)

    standing = look(some, rules, split)
    assert standing.decided == {"a"}
    assert standing.open == ("b",)
    assert standing.needed == {"b": 7}
    # The suite is undecided for `fast`.
    assert not standing.suite_decided


def test_settled_gives_the_undecided_what_is_left() -> None:
    judge = Judge(lambda task, count: "slower" if task in ("a", "") else "undecided")
    done = settled(measured(*blocks("a", 7), *blocks("b", 10), *blocks("c", 12)), RULES, judge)

    assert done.looks == {
        "a": (0.25, 0.35),
        "b": (0.25, 0.35, 1.0),
        "c": (0.25, 0.35, 0.5, 1.0),
    }
    assert done.suite_looks == (0.25, 0.35)


def test_settled_where_the_suite_is_not_decided() -> None:
    judge = Judge(lambda task, count: "slower" if task else "undecided")
    done = settled(measured(*blocks("a", 7), *blocks("b", 7)), RULES, judge)

    assert done.looks == {"a": (0.25, 0.35), "b": (0.25, 0.35)}
    assert done.suite_looks == (0.25, 1.0)


def test_where_nobody_looks_there_are_no_looks() -> None:
    some = measured(*blocks("a", 3))
    for rules in (
        Rules(blocks=20, margin=0.01, seed=1, watched=("fast",), sequential=False),
        Rules(blocks=20, margin=0.01, seed=1, watched=()),
    ):
        assert rules.plan == ()
        assert settled(some, rules, conclude) is some
    assert settled(measured(), RULES, conclude) == measured()


def test_settling_changes_nothing_the_second_time() -> None:
    some = measured(*blocks("a", 7, 0.1), *blocks("b", 7, 0.005))
    once = settled(some, RULES, conclude)
    assert settled(once, RULES, conclude) == once


def test_an_arm_that_lacks_a_benchmark_keeps_nobody_waiting() -> None:
    rules = Rules(blocks=20, margin=0.01, seed=1, watched=("fast", "slow"))
    some = [
        without(record(task, number, candidates=("fast", "slow")), ("slow",) if task == "a" else ())
        for task in "ab"
        for number in range(5)
    ]

    def judge(session: SessionRecord, candidate: str, *, margin: float) -> Comparisons:
        asked = Judge(lambda task, count: "slower" if task != "b" else "undecided")
        return asked(among(session, "b" if candidate == "slow" else "ab"), candidate, margin=margin)

    standing = look(some, rules, judge)
    assert standing.decided == {"a"}
    assert standing.open == ("b",)
    assert standing.needed["b"] is not None


def test_an_arm_without_any_benchmark_is_not_waited_for() -> None:
    rules = Rules(blocks=20, margin=0.01, seed=1, watched=("fast", "slow"))
    some = [without(record("a", n, candidates=("fast", "slow")), ("slow",)) for n in range(5)]

    def judge(session: SessionRecord, candidate: str, *, margin: float) -> Comparisons:
        asked = Judge(lambda task, count: "slower")
        return asked(among(session, "" if candidate == "slow" else "a"), candidate, margin=margin)

    standing = look(some, rules, judge)
    assert standing.decided == {"a"}
    assert standing.suite_decided
