"""What does not need a block: protocols' tests have the rest."""

from __future__ import annotations

import os

import pytest

from bench.measure import worker


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """Where this process was sent, in turn, on a machine with four cores."""
    sent = [{0, 1, 2, 3}]
    monkeypatch.setattr(worker, "_run_on", lambda cores: sent.append(set(cores)))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: sent[-1])
    return sent


def test_this_process_keeps_off_the_cores_of_all_who_measure(places: list[set[int]]) -> None:
    first, second = worker.apart(2), worker.apart(3)
    with first:
        assert places[-1] == {0, 1, 3}
        second.__enter__()
        assert places[-1] == {0, 1}
    assert places[-1] == {0, 1, 2}
    second.__exit__(None, None, None)
    assert places[-1] == {0, 1, 2, 3}


def test_one_core_may_be_measured_on_by_two(places: list[set[int]]) -> None:
    with worker.apart(1):
        with worker.apart(1):
            pass
        assert places[-1] == {0, 2, 3}
    assert places[-1] == {0, 1, 2, 3}


def test_it_stays_where_there_is_no_other_core(places: list[set[int]]) -> None:
    places.append({1})
    with worker.apart(1):
        assert places[-1] == {1}
    assert places[-1] == {1}


def test_without_a_core_it_is_not_moved(places: list[set[int]]) -> None:
    with worker.apart(None):
        assert len(places) == 1
