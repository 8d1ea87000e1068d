from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.jobs.bisect.search import BAD, GOOD, SKIPPED, UNDECIDED, Search, side


def line(count: int) -> dict[str, list[str]]:
    """c1 to c`count` in a row; c0 is GOOD, which is left out."""
    return {f"c{n}": [f"c{n - 1}"] for n in range(1, count + 1)}


def leads_to(parents: Mapping[str, Sequence[str]], commit: str) -> set[str]:
    found = {commit}
    for parent in parents[commit]:
        if parent in parents:
            found |= leads_to(parents, parent)
    return found


def searched(
    parents: Mapping[str, Sequence[str]], bad: str, culprit: str, broken: frozenset[str]
) -> tuple[Search, int]:
    """A search to its end; every commit with the culprit in its history is bad."""
    search = Search(parents, bad)
    steps = 0
    while (commit := search.next()) is not None:
        assert commit in search.suspects
        assert commit not in search.judged
        steps += 1
        told = BAD if culprit in leads_to(parents, commit) else GOOD
        search.judge(commit, SKIPPED if commit in broken else told)
    return search, steps


@settings(max_examples=30)
@given(st.integers(1, 200), st.data())
def test_in_a_row_the_culprit_is_found_in_as_many_steps_as_it_takes(
    count: int, data: st.DataObject
) -> None:
    culprit = f"c{data.draw(st.integers(1, count))}"
    search, steps = searched(line(count), f"c{count}", culprit, frozenset())
    assert search.suspects == (culprit,)
    assert steps <= math.ceil(math.log2(count)) if count > 1 else steps == 0


@settings(max_examples=50)
@given(st.integers(2, 40), st.data())
def test_with_skipped_commits_the_culprit_is_among_the_suspects(
    count: int, data: st.DataObject
) -> None:
    parents = line(count)
    commits = list(parents)
    culprit = data.draw(st.sampled_from(commits))
    broken = frozenset(data.draw(st.lists(st.sampled_from(commits[:-1]), max_size=count)))
    search, _steps = searched(parents, commits[-1], culprit, broken)
    assert culprit in search.suspects
    # No wider than it has to be: the culprit, and the skipped ones that touch it.
    at = commits.index(culprit)
    first = at
    while first and commits[first - 1] in broken:
        first -= 1
    last = at
    while commits[last] in broken:
        last += 1
    assert search.suspects == tuple(commits[first : last + 1])


@settings(max_examples=30)
@given(st.integers(2, 20), st.data())
def test_in_a_history_with_merges_the_culprit_is_found(count: int, data: st.DataObject) -> None:
    parents: dict[str, list[str]] = {"c0": ["good"]}
    for n in range(1, count):
        some = st.lists(st.integers(0, n - 1), min_size=1, max_size=2, unique=True)
        parents[f"c{n}"] = [f"c{one}" for one in data.draw(some)]
    bad = f"c{count - 1}"
    culprit = data.draw(st.sampled_from(sorted(leads_to(parents, bad))))
    search, _steps = searched(parents, bad, culprit, frozenset())
    assert search.suspects == (culprit,)


def test_commits_that_do_not_lead_to_bad_are_not_suspected() -> None:
    parents = {"a": ["good"], "b": ["a"], "aside": ["a"]}
    assert Search(parents, "b").suspects == ("a", "b")


def test_a_skip_sends_the_search_elsewhere() -> None:
    search = Search(line(16), "c16")
    asked = []
    for _ in range(4):
        commit = search.next()
        assert commit is not None
        asked.append(commit)
        search.judge(commit, SKIPPED)
    assert asked == ["c8", "c4", "c12", "c2"]


def test_a_skip_aside_does_not_keep_the_search_from_halving() -> None:
    search = Search(line(16), "c16")
    search.judge("c8", SKIPPED)
    search.judge("c4", GOOD)
    # 12 are left, c8 among them, and the middle of them is open.
    assert search.next() == "c10"


def test_how_many_steps_are_left() -> None:
    search = Search(line(16), "c16")
    assert search.steps_left == 4
    search.judge("c8", BAD)
    assert search.open == tuple(f"c{n}" for n in range(1, 8))
    assert search.steps_left == 3


def test_thousands_of_commits_are_no_trouble() -> None:
    search, steps = Search(line(5000), "c5000"), 0
    while (commit := search.next()) is not None:
        search.judge(commit, BAD if int(commit[1:]) >= 3210 else GOOD)
        steps += 1
    assert search.suspects == ("c3210",)
    assert steps <= 13


@pytest.mark.parametrize(
    ("ratio", "low", "high", "change", "found"),
    [
        (1.00, 0.99, 1.01, 1.06, GOOD),
        (1.06, 1.05, 1.07, 1.06, BAD),
        (1.09, 1.08, 1.10, 1.06, BAD),
        (0.95, 0.94, 0.96, 1.06, GOOD),
        (1.03, 1.02, 1.04, 1.06, UNDECIDED),
        (1.00, 0.99, 1.01, 0.94, GOOD),
        (0.94, 0.93, 0.95, 0.94, BAD),
        (0.97, 0.96, 0.98, 0.94, UNDECIDED),
        (1.05, 1.04, 1.06, 0.94, GOOD),
        (1.05, None, None, 1.06, UNDECIDED),
        (None, None, None, 1.06, UNDECIDED),
    ],
)
def test_sides(
    ratio: float | None, low: float | None, high: float | None, change: float, found: str
) -> None:
    assert side(ratio, low, high, change=change) == found
