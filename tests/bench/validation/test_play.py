"""Simulated sessions follow the rules of real ones."""

from __future__ import annotations

import numpy as np
import pytest

from bench.validation.play import play
from bench.validation.simulate import Load, Scenario, draw


def test_what_is_plain_is_decided_at_the_first_look() -> None:
    scenario = Scenario(benchmarks=4, effect=0.3, spread=0.002)
    ended = play(scenario, np.random.default_rng(1), margin=0.01)
    assert [row.verdict for row in ended.comparisons.comparisons] == ["slower"] * 4
    assert set(ended.blocks.values()) == {5}
    assert list(ended.blocks) == ["b000", "b001", "b002", "b003"]


def test_what_cannot_be_decided_takes_all_blocks() -> None:
    scenario = Scenario(benchmarks=2, blocks=7, spread=0.3)
    ended = play(scenario, np.random.default_rng(2), margin=0.01)
    assert set(ended.blocks.values()) == {7}
    assert {row.verdict for row in ended.comparisons.comparisons} == {"undecided"}


def test_only_the_affected_are_called() -> None:
    scenario = Scenario(benchmarks=3, effect=0.1, affected=1, spread=0.004)
    ended = play(scenario, np.random.default_rng(3), margin=0.01)
    verdicts = [row.verdict for row in ended.comparisons.comparisons]
    assert verdicts[0] == "slower"
    assert set(verdicts[1:]) == {"equivalent"}


def test_replicas_are_labels() -> None:
    scenario = Scenario(benchmarks=2, blocks=6, replicas=3, build_spread=0.01, spread=0.2)
    ended = play(scenario, np.random.default_rng(4), margin=0.01)
    assert {row.builds for row in ended.comparisons.comparisons} == {3}


def test_marked_blocks_are_measured_again_as_far_as_allowed() -> None:
    """All are marked: a fifth of the planned ones is measured again, the others count and warn."""
    load = Load(share=0.0, mistaken=1.0)
    scenario = Scenario(benchmarks=1, blocks=20, spread=0.3, load=load)
    ended = play(scenario, np.random.default_rng(5), margin=0.01)
    assert ended.blocks == {"b000": 20}
    (row,) = ended.comparisons.comparisons
    (disturbed,) = [warning for warning in row.warnings if warning.startswith("disturbed-blocks")]
    assert "16 of 20 blocks" in disturbed
    drawn = draw(scenario, np.random.default_rng(5))
    kept = np.log(drawn.times[:, 0, 1] / drawn.times[:, 0, 0]).mean()
    assert np.log(row.ratio) != pytest.approx(kept, abs=1e-6)


def test_the_same_seed_gives_the_same_session() -> None:
    first, second = (
        play(Scenario(benchmarks=3), np.random.default_rng(6), margin=0.01) for _ in range(2)
    )
    assert first == second
