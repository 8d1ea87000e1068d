"""What starts a new epoch, and what does not."""

from __future__ import annotations

import pytest

from bench.history.epochs import FACTS, Epoch, FactChange, epochs, number, of_host

SAME = dict.fromkeys(FACTS, "x")


@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_starts_an_epoch_and_so_does_its_return(fact: str) -> None:
    other = SAME | {fact: "y"}
    assert number([SAME, dict(SAME), other, other, SAME]) == [0, 0, 1, 1, 2]
    whole = epochs([SAME, dict(SAME), other])
    change = FactChange(fact=fact, before="x", after="y")
    assert whole == (
        Epoch(number=0, first=0, last=1),
        Epoch(number=1, first=2, last=2, changes=(change,)),
    )


def test_a_fact_that_is_missing_is_a_change() -> None:
    assert number([{"kernel": "6"}, {}, {"kernel": ""}]) == [0, 1, 1]
    assert epochs([]) == ()


def test_the_facts_of_a_session() -> None:
    host = {"cpu": "C", "cpus": 2, "cores": None, "memory": 8 * 2**30 - 5000, "microcode": None}
    assert of_host(host, compiler="gcc 12", suite="s 1") == {
        "cpu": "C",
        "cores": "2 CPUs, unknown cores",
        "memory": "8 GiB",
        "compiler": "gcc 12",
        "suite": "s 1",
    }
