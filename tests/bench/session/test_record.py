"""The values that a session leaves, and the warm-up of each process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.session.record import BlockRecord, describe_warmup, warmup_of, warmups_by_task, without
from tests.bench.made_up import record


def result(
    warmups: list[tuple[int, float]], values: list[float], inner: int = 1
) -> dict[str, object]:
    run = {"warmups": warmups, "values": values, "metadata": {"inner_loops": inner}}
    return {"benchmarks": [{"runs": [run]}]}


def test_a_warm_up_lasts_until_the_last_slow_value() -> None:
    slow = [(10, 1.0), (10, 0.3), (10, 0.1), (10, 0.2), (10, 0.1)]
    warmup = warmup_of(result(slow, [0.1, 0.1]))
    assert warmup["first"] == pytest.approx(10)
    assert warmup["seconds"] == pytest.approx(10 * (1.0 + 0.3 + 0.1 + 0.2))
    assert warmup_of(result(slow, [0.1], inner=5))["seconds"] == pytest.approx(5 * 16)


def test_what_is_warm_from_the_start_took_no_time() -> None:
    assert warmup_of(result([(1, 0.105)], [0.1])) == {"first": pytest.approx(1.05), "seconds": 0}


def test_without_warm_ups_there_is_nothing_to_tell() -> None:
    assert warmup_of(result([], [0.1])) == {}
    assert warmup_of(result([(1, 0.1)], [])) == {}


def block(number: int, **warmups: dict[str, float]) -> BlockRecord:
    one = record("nbody", number)
    return BlockRecord(**{**vars(one), "warmups": warmups})


def test_the_medians_of_an_arm_are_told() -> None:
    blocks = [
        block(number, pypy={"first": first, "seconds": 1.0})
        for number, first in enumerate((2, 9, 5))
    ]
    assert warmups_by_task(blocks, "pypy") == {"nbody": {"first": 5, "seconds": 1.0}}
    assert warmups_by_task(blocks, "base") == {}
    assert "5x as long" in describe_warmup({"first": 5.0, "seconds": 1.0})


def test_a_record_without_an_arm_has_nothing_of_it() -> None:
    one = replace(
        record("nbody", 1, candidates=("fast", "slow")),
        positions={"base": 0, "fast": 1, "slow": 2},
        values={"base": 3, "fast": 3, "slow": 3},
        warmups={"slow": {"first": 2.0, "seconds": 1.0}},
    )
    left = without(one, ("slow", "unknown"))
    assert set(left.means) == set(left.positions) == set(left.values) == {"base", "fast"}
    assert left.warmups == {}
    assert without(one, ()) == one
