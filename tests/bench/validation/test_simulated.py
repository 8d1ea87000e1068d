"""The second study in small: every figure is there, and means what it says."""

from __future__ import annotations

import pytest

from bench.validation import pace, simulated
from bench.validation.findings import COVERAGE, FALSE, HPT, OURS, POWER, PYPERF, TIME, Part


@pytest.fixture(scope="module")
def part() -> Part:
    tiny = simulated.Sizes(null=2, null_elsewhere=1, coverage=2, power=1, pace=1, peers=1)
    steps: list[int] = []
    part = simulated.study(tiny, seed=1, step=lambda: steps.append(1))
    assert len(steps) == tiny.total
    return part


def test_every_promise_of_the_simulations_is_held_to(part: Part) -> None:
    promised = [finding for finding in part.findings if finding.kept is not None]
    by_kind = {
        kind: [finding for finding in promised if finding.quantity == kind]
        for kind in (FALSE, COVERAGE, POWER)
    }
    assert all(finding.procedure == OURS for finding in promised)
    assert {finding.most for finding in by_kind[FALSE]} == {0.055}
    assert len(by_kind[FALSE]) == len(simulated.HOSTS)
    fixed = [finding for finding in by_kind[COVERAGE] if finding.most is not None]
    assert {(finding.least, finding.most) for finding in fixed} == {(0.935, 0.965)}
    assert len(fixed) == 4
    assert {finding.least for finding in by_kind[POWER]} == {0.9}


def test_peers_stand_beside_us(part: Part) -> None:
    rows: dict[str, set[str]] = {}
    for finding in part.findings:
        rows.setdefault(finding.condition, set()).add(finding.procedure)
    both = [procedures for procedures in rows.values() if {OURS, PYPERF} <= procedures]
    assert len(both) >= len(simulated.HOSTS) + len(pace.EFFECTS)
    assert any({OURS, HPT} <= procedures for procedures in rows.values())
    assert {finding.quantity for finding in part.findings} == {FALSE, COVERAGE, POWER, TIME}


@pytest.mark.slow
def test_the_promises_in_small() -> None:
    """Large enough that a wrong level or look would show; the whole study is a command."""
    sizes = simulated.Sizes(null=150, null_elsewhere=60, coverage=150, power=60, pace=2, peers=10)
    for finding in simulated.study(sizes, seed=3).findings:
        if finding.kept is None or finding.of is None:
            continue
        low, high = finding.bounds or (finding.figure, finding.figure)
        assert finding.most is None or low <= finding.most, finding
        assert finding.least is None or high >= finding.least, finding
