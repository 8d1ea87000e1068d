"""How often calls are wrong and intervals right, on simulations whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.validation import rates
from bench.validation.findings import COVERAGE, FALSE, HPT, HPT_PAPER, OURS, PYPERF, StudyFinding
from bench.validation.simulate import Scenario

QUIET = Scenario(benchmarks=3, blocks=5, spread=0.001)


def no_step() -> None:
    pass


def by_procedure(found: list[StudyFinding]) -> dict[str, list[StudyFinding]]:
    kept: dict[str, list[StudyFinding]] = {}
    for one in found:
        kept.setdefault(one.procedure, []).append(one)
    return kept


def test_base_against_base_is_counted_by_session_and_by_benchmark() -> None:
    steps: list[int] = []
    found = rates.sequential("a host", QUIET, 4, np.random.default_rng(1), lambda: steps.append(1))
    assert len(steps) == 4
    any_call, suite_call, suite, each = found
    assert (any_call.quantity, any_call.of, any_call.most) == (FALSE, 4, rates.ANY_CALL)
    assert (suite_call.quantity, suite_call.of, suite_call.kept) == (FALSE, 4, None)
    assert (suite.quantity, suite.of, suite.least) == (COVERAGE, 4, rates.LOOKING)
    # The benchmarks of one session are not independent of each other.
    assert (each.of, each.exact, each.bounds) == (12, False, None)
    assert {one.procedure for one in found} == {OURS}


def test_an_effect_that_nobody_expects_is_called() -> None:
    """The rate of calls counts them: a true effect must not read as a quiet host."""
    changed = replace(QUIET, effect=0.2)
    any_call, suite_call, suite, each = rates.sequential(
        "a host", changed, 2, np.random.default_rng(1), no_step
    )
    assert any_call.figure == suite_call.figure == 1
    assert suite.figure == each.figure == 0


@pytest.mark.parametrize("promised", [True, False])
def test_intervals_of_all_blocks_are_held_to_their_limits_where_promised(promised: bool) -> None:
    suite, each = rates.fixed(
        "a host", QUIET, 2, np.random.default_rng(1), no_step, promised=promised
    )
    assert (suite.least, suite.most) == (rates.PLAIN if promised else (None, None))
    assert bool(suite.headline) is promised
    assert (suite.of, each.of) == (2, 2 * 20)
    assert f"a host, {QUIET.blocks} blocks" in suite.condition


def test_the_peers_are_asked_about_the_same_host() -> None:
    found = by_procedure(rates.of_peers("a host", QUIET, 2, np.random.default_rng(1), no_step))
    assert set(found) == {PYPERF, HPT, HPT_PAPER}
    anyone, each = found[PYPERF]
    assert (anyone.of, each.of) == (2, 6)
    assert anyone.hits is not None
    assert each.hits is not None
    assert anyone.hits <= each.hits
    # One row of the summary for a procedure: its paper's own gate stays out of it.
    assert found[HPT][0].headline
    assert not found[HPT_PAPER][0].headline


def test_a_quiet_host_has_rows_of_its_own_in_the_summary() -> None:
    calm = rates.sequential("q", Scenario(), 1, np.random.default_rng(1), no_step)
    busy = rates.sequential("b", QUIET, 1, np.random.default_rng(1), no_step)
    assert "a quiet host" in calm[0].headline
    assert "drift, bursts" in busy[0].headline


def test_two_files_are_two_runs_of_each_benchmark() -> None:
    base, candidate = rates.two_files(replace(QUIET, effect=1.0), 4, np.random.default_rng(1))
    assert list(base) == list(candidate) == ["b0", "b1", "b2"]
    assert len(base["b0"]) == 4
    assert np.mean(candidate["b0"]) / np.mean(base["b0"]) == pytest.approx(2, rel=0.05)
