"""The order of a session, and what it does to error rates, without a process."""

from __future__ import annotations

import collections
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.compare.comparison import Comparisons
from bench.session.record import BlockRecord, SessionRecord
from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.stopping import Judge as AnyJudge
from bench.session.stopping import Rules, settled
from bench.session.verdicts import conclude
from bench.stats import estimates
from tests.bench.made_up import Judge, measured, record

NAMES = ("a", "b", "c", "d")
RULES = Rules(blocks=20, margin=0.01, seed=7, watched=("fast",))
NEVER = Judge(lambda task, count: "undecided")


@dataclass
class Driven:
    """A schedule that is answered: `answer` makes each block, None where it cannot be measured."""

    schedule: Schedule
    answer: Callable[[ScheduledBlock], BlockRecord | None]
    repeats: Callable[[ScheduledBlock], bool] = lambda turn: False
    turns: list[ScheduledBlock] = field(default_factory=list)
    records: list[BlockRecord] = field(default_factory=list)

    def run(self) -> Driven:
        for turn in self.schedule.turns():
            self.turns.append(turn)
            made = self.answer(turn)
            if made is None:
                self.schedule.drop(turn.task, 1.0)
            elif not turn.again and self.repeats(turn):
                self.schedule.repeat(made)
            else:
                self.schedule.add(made)
                self.records.append(made)
        return self

    def counts(self) -> dict[str, int]:
        return dict(collections.Counter(record.task for record in self.records))


def driven(
    judge: AnyJudge, rules: Rules = RULES, tasks: Sequence[str] = NAMES, seconds: float = 1.0
) -> Driven:
    def answer(turn: ScheduledBlock) -> BlockRecord:
        return record(turn.task, turn.number, 0.001 * (turn.number % 2), seconds=seconds)

    return Driven(Schedule(tasks, rules, judge), answer).run()


def test_all_blocks_of_all_in_rounds_of_random_order() -> None:
    done = driven(NEVER, replace(RULES, sequential=False))

    rounds = [list(group) for _, group in itertools.groupby(done.turns, lambda one: one.number)]
    assert [of_round[0].number for of_round in rounds] == list(range(20))
    orders = {tuple(turn.task for turn in of_round) for of_round in rounds}
    assert all(sorted(order) == list(NAMES) for order in orders)
    assert len(orders) > 5
    assert driven(NEVER, replace(RULES, sequential=False, seed=8)).turns != done.turns


def test_looks_are_taken_at_the_counts_of_the_plan_and_nowhere_else() -> None:
    judge = Judge(lambda task, count: "undecided")
    done = driven(judge)

    assert done.counts() == dict.fromkeys(NAMES, 20)
    looked = [{len(looks) for looks in seen.looks.values()} for _, seen in judge.asked]
    assert looked == [{1}, {2}, {3}, {4}, {5}]
    assert done.schedule.looks == 5


def test_who_is_decided_is_left_and_the_rest_goes_on() -> None:
    done = driven(Judge(lambda task, count: "slower" if task != "b" else "undecided"))
    assert done.counts() == {"a": 5, "b": 20, "c": 5, "d": 5}


def test_a_session_ends_when_all_are_decided() -> None:
    done = driven(Judge(lambda task, count: "slower" if count >= 10 else "undecided"))
    assert done.counts() == dict.fromkeys(NAMES, 10)


def test_all_are_measured_until_the_suite_is_decided() -> None:
    def rule(task: str, count: int) -> str:
        return "slower" if task in NAMES[:3] or count >= 10 else "undecided"

    assert driven(Judge(rule)).counts() == dict.fromkeys(NAMES, 10)


def test_who_is_no_longer_decided_is_measured_on() -> None:
    """The levels of the others have moved: `a` was decided at 5 blocks, and was not at 5 later."""
    looks = itertools.count()

    def rule(task: str, count: int) -> str:
        if task == "a":
            return "undecided" if next(looks) == 2 else "slower"
        return "slower" if task == "" or count >= 14 else "undecided"

    done = driven(Judge(rule), tasks=("a", "b"))
    assert done.counts() == {"a": 7, "b": 14}


def test_what_is_lost_is_lost_alone() -> None:
    def answer(turn: ScheduledBlock) -> BlockRecord | None:
        return None if (turn.task, turn.number) == ("b", 6) else record(turn.task, turn.number)

    judge = Judge(lambda task, count: "undecided")
    done = Driven(Schedule(NAMES, RULES, judge), answer).run()

    assert done.counts() == {"a": 20, "b": 6, "c": 20, "d": 20}
    assert done.turns[-1].task != "b"
    assert set(judge.asked[-1][1].looks) == {"a", "c", "d"}


def test_when_all_is_lost_it_ends() -> None:
    done = Driven(Schedule(NAMES, RULES, NEVER), lambda turn: None).run()
    assert len(done.turns) == 4


def test_a_disturbed_block_comes_again_at_the_end_of_its_round_and_only_once() -> None:
    done = Driven(
        Schedule(NAMES, replace(RULES, sequential=False), NEVER),
        lambda turn: record(turn.task, turn.number),
        repeats=lambda turn: turn.number == 3 and turn.task in "ac",
    ).run()

    third = [turn for turn in done.turns if turn.number == 3]
    assert [turn.again for turn in third] == [False] * 4 + [True] * 2
    assert done.turns.index(third[-1]) - done.turns.index(third[0]) == 5
    assert done.schedule.repeated == 2
    assert done.schedule.spent == 82


# -- the budget ----------------------------------------------------------------------------------


def test_a_budget_leaves_each_benchmark_two_blocks_or_one_of_each_build() -> None:
    for replicas, least in ((1, 2), (3, 3)):
        rules = replace(RULES, budget=0.5, replicas=replicas)
        assert driven(NEVER, rules).counts() == dict.fromkeys(NAMES, least)


def test_when_the_budget_is_short_the_cheapest_to_decide_come_first() -> None:
    """Of 28 s, 20 are gone at the first look. `a` is expected to need 5 more, and so is `b`."""

    def answer(turn: ScheduledBlock) -> BlockRecord:
        spread = {"a": 0.004, "b": 0.004, "c": 0.012, "d": 0.05}[turn.task]
        off = spread * (-1) ** turn.number
        return record(turn.task, turn.number, off, seconds=1.0)

    judge = Judge(lambda task, count: "slower" if task == "" or count == 10 else "undecided")
    done = Driven(Schedule(NAMES, replace(RULES, budget=28.0), judge), answer).run()

    assert done.counts() == {"a": 10, "b": 8, "c": 5, "d": 5}


def test_the_suite_holds_decided_ones_back_for_half_of_the_budget_only() -> None:
    judge = Judge(lambda task, count: "slower" if task in ("a", "b") else "undecided")
    assert driven(judge, replace(RULES, budget=40.0)).counts()["a"] == 5
    assert driven(judge, replace(RULES, budget=60.0)).counts()["a"] == 10
    # When all others are decided, nothing is lost by going on.
    only_suite = Judge(lambda task, count: "slower" if task else "undecided")
    assert driven(only_suite, replace(RULES, budget=40.0)).counts()["a"] == 10


def test_what_is_expected_to_come_is_no_more_than_the_budget_allows() -> None:
    schedule = Schedule(NAMES, replace(RULES, budget=50.0), NEVER)
    assert schedule.expected() == 80
    for turn in itertools.islice(schedule.turns(), 10):
        schedule.add(record(turn.task, turn.number, seconds=2.0))
    assert schedule.expected() == 15


# -- whatever happens ----------------------------------------------------------------------------


@st.composite
def sessions(draw: st.DrawFn) -> Callable[[], Driven]:
    """A session in which verdicts, failures and disturbances come as they like."""
    seed = draw(st.integers(0, 10_000))
    replicas = draw(st.integers(1, 3))
    rules = Rules(
        blocks=draw(st.integers(max(2, replicas), 20)),
        replicas=replicas,
        budget=draw(st.none() | st.floats(0, 120)),
        margin=0.01,
        seed=seed,
        watched=("fast",),
        sequential=draw(st.booleans()),
    )
    tasks = NAMES[: draw(st.integers(1, 4))]

    def chance(*what: object) -> float:
        return random.Random(f"{seed} {what}").random()

    def answer(turn: ScheduledBlock) -> BlockRecord | None:
        if chance("lost", turn) < 0.01:
            return None
        return record(
            turn.task,
            turn.number,
            chance("ratio", turn) / 50,
            seconds=0.5 + chance("seconds", turn),
            replica=turn.number % replicas,
        )

    def make() -> Driven:
        judge = Judge(lambda task, count: "slower" if chance(task, count) < 0.3 else "undecided")
        return Driven(
            Schedule(tasks, rules, judge),
            answer,
            repeats=lambda turn: chance("again", turn) < 0.05,
        )

    return make


@given(sessions())
@settings(max_examples=60, deadline=None)
def test_every_benchmark_gets_its_blocks_one_after_the_other(make: Callable[[], Driven]) -> None:
    done = make().run()
    rules = done.schedule.rules
    lost = {turn.task for turn in done.turns} - {
        task for task in done.counts() if done.schedule.count(task)
    }
    for task, count in done.counts().items():
        numbers = [record.number for record in done.records if record.task == task]
        assert numbers == list(range(count))
        assert count <= rules.blocks
        if task not in lost:
            assert count >= min(max(2, rules.replicas), rules.blocks)
            if not rules.sequential and rules.budget is None:
                assert count == rules.blocks


@given(sessions())
@settings(max_examples=60, deadline=None)
def test_no_turn_but_repeats_and_first_blocks_comes_when_the_budget_is_spent(
    make: Callable[[], Driven],
) -> None:
    driving = make()
    budget = driving.schedule.rules.budget
    for turn in driving.schedule.turns():
        least = max(2, driving.schedule.rules.replicas)
        if budget is not None and driving.schedule.spent >= budget:
            assert turn.again or turn.number < least
        made = driving.answer(turn)
        if made is None:
            driving.schedule.drop(turn.task, 1.0)
        elif not turn.again and driving.repeats(turn):
            driving.schedule.repeat(made)
        else:
            driving.schedule.add(made)


@given(sessions())
@settings(max_examples=30, deadline=None)
def test_the_same_answers_give_the_same_turns(make: Callable[[], Driven]) -> None:
    """So that a session that was killed goes on as it would have gone on."""
    assert make().run().turns == make().run().turns


# -- error rates ---------------------------------------------------------------------------------


def simulated(
    rng: np.random.Generator, effects: Sequence[float], spread: float, **rules: float | None
) -> tuple[SessionRecord, Comparisons]:
    """A session until all is decided, or its budget spent."""
    names = [f"b{number}" for number in range(len(effects))]
    agreed = replace(RULES, **rules)  # type: ignore[arg-type]

    def answer(turn: ScheduledBlock) -> BlockRecord:
        noise = float(rng.normal()) * spread
        return record(turn.task, turn.number, effects[names.index(turn.task)] + noise)

    done = Driven(Schedule(names, agreed, conclude), answer).run()
    session = settled(measured(*done.records), agreed, conclude)
    return session, conclude(session, "fast", margin=agreed.margin)


@pytest.mark.parametrize("budget", [None, 45.0])
def test_looking_early_does_not_raise_the_rate_of_false_calls(budget: float | None) -> None:
    rng = np.random.default_rng(11)
    count = 40
    called = 0
    for _ in range(count):
        _, compared = simulated(rng, [0.0] * 6, 0.01, budget=budget)
        called += any(row.verdict in ("faster", "slower") for row in compared.comparisons)
    assert estimates.proportion_bounds(called, count, 0.001)[0] <= 0.055


def test_intervals_hold_the_truth_though_each_stops_when_it_is_decided() -> None:
    """At an effect near the margin, where stopping by luck is most tempting."""
    rng = np.random.default_rng(12)
    count, effect = 40, 0.008
    suites = benchmarks = left = 0
    for _ in range(count):
        session, compared = simulated(rng, [effect] * 6, 0.007)
        truth = np.exp(effect)
        assert compared.suite is not None
        suites += (compared.suite.low or 0) <= truth <= (compared.suite.high or 0)
        benchmarks += sum((o.low or 0) <= truth <= (o.high or 0) for o in compared.comparisons)
        left += len(session.blocks) < 6 * 20
    assert left > 0.9 * count
    assert estimates.proportion_bounds(suites, count, 0.001)[1] >= 0.935
    assert benchmarks >= 0.935 * 6 * count
