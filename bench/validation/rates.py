"""Simulated base against base and known effects: how often calls are wrong, and intervals right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.compare import MARGIN, SuiteComparison, compare_blocks
from bench.validation import peers
from bench.validation.findings import (
    COVERAGE,
    FALSE,
    HPT,
    HPT_PAPER,
    OURS,
    PYPERF,
    StudyFinding,
    rate,
)
from bench.validation.play import play
from bench.validation.simulate import Recording, Scenario, recorded, session

Step = Callable[[], None]
File = dict[str, list[list[float]]]

# The limits: of any call, of intervals after looking early, of plain ones.
ANY_CALL, LOOKING, PLAIN = 0.055, 0.935, (0.935, 0.965)
_COVERED = "intervals hold the truth after looking early, all hosts"
_FIXED = "the suite's 95% interval holds the truth: drift, bursts, skew, builds"
_EFFECT = 0.02


def sequential(
    name: str, scenario: Scenario, count: int, rng: np.random.Generator, step: Step
) -> list[StudyFinding]:
    """Base against base, looking early: any call, and whether the intervals at the end hold 1."""
    called = suites = covered = each = inside = 0
    for _ in range(count):
        ended = play(scenario, rng, margin=MARGIN).comparisons
        called += any(_is_call(one) for one in ended.comparisons)
        suites += ended.suite is not None and _is_call(ended.suite)
        covered += ended.suite is None or _holds(ended.suite.low, ended.suite.high, 1.0)
        each += len(ended.comparisons)
        inside += sum(_holds(one.low, one.high, 1.0) for one in ended.comparisons)
        step()
    any_call, suite_call, headlines = _calls(name, scenario)
    return [
        rate(FALSE, any_call, OURS, called, count, most=ANY_CALL, headline=headlines[0]),
        rate(FALSE, suite_call, OURS, suites, count, headline=headlines[1]),
        rate(
            COVERAGE,
            f"{name}, looking early: the suite's interval",
            OURS,
            covered,
            count,
            least=LOOKING,
            headline=_COVERED,
        ),
        rate(
            COVERAGE,
            f"{name}, looking early: each benchmark's interval",
            OURS,
            inside,
            each,
            least=LOOKING,
            exact=False,
            headline=_COVERED,
        ),
    ]


def fixed(
    name: str,
    scenario: Scenario,
    count: int,
    rng: np.random.Generator,
    step: Step,
    *,
    promised: bool,
) -> list[StudyFinding]:
    """All blocks, no look, an effect of 2%: whether the plain intervals hold it."""
    scenario = replace(scenario, benchmarks=20, effect=_EFFECT)
    covered = each = inside = 0
    for _ in range(count):
        found = compare_blocks(session(scenario, rng), margin=MARGIN)
        covered += found.suite is None or _holds_plainly(found.suite)
        inside += sum(_holds_plainly(one) for one in found.comparisons)
        each += len(found.comparisons)
        step()
    what = f"{name}, {scenario.blocks} blocks"
    suite = rate(COVERAGE, f"{what}: the suite's plain interval", OURS, covered, count)
    if promised:
        suite = replace(suite, least=PLAIN[0], most=PLAIN[1], headline=_FIXED)
    benchmark = f"{what}: each benchmark's plain interval"
    return [suite, rate(COVERAGE, benchmark, OURS, inside, each, exact=False)]


def of_peers(
    name: str, scenario: Scenario, count: int, rng: np.random.Generator, step: Step
) -> list[StudyFinding]:
    """What the peers call of base against base, measured their way, looking at the end alone."""
    each = anyone = 0
    likely = {HPT: 0, HPT_PAPER: 0}
    for _ in range(count):
        base, candidate = two_files(scenario, scenario.blocks, rng)
        calls = [peers.pyperf_calls(base[one], candidate[one]) for one in base]
        each, anyone = each + sum(calls), anyone + any(calls)
        for procedure, gate in ((HPT, None), (HPT_PAPER, peers.GATE)):
            chance = peers.hierarchical_test(base, candidate, gate=gate)
            likely[procedure] += peers.likely(chance)
        step()
    any_call, suite_call, headlines = _calls(name, scenario)
    all_of_them = count * scenario.benchmarks
    return [
        rate(FALSE, any_call, PYPERF, anyone, count, headline=headlines[0]),
        rate(FALSE, f"{name}: each benchmark", PYPERF, each, all_of_them, exact=False),
        *(
            rate(
                FALSE,
                suite_call,
                procedure,
                hits,
                count,
                headline=headlines[1] if procedure == HPT else "",
            )
            for procedure, hits in likely.items()
        ),
    ]


def two_files(scenario: Scenario, processes: int, rng: np.random.Generator) -> tuple[File, File]:
    """Two runs of pyperf, the base's and then the candidate's."""
    values = recorded(scenario, Recording(processes=processes), rng)
    base, candidate = (
        {f"b{number}": one for number, one in enumerate(side.tolist())} for side in values
    )
    return base, candidate


def _calls(name: str, scenario: Scenario) -> tuple[str, str, tuple[str, str]]:
    """What is counted: any benchmark, the suite; and the summary's rows for them."""
    calm = scenario == Scenario()
    count = scenario.benchmarks
    where = "a quiet host" if calm else "drift, bursts, skew, builds, kills, load"
    return (
        f"{name}: any of {count} benchmarks is called",
        f"{name}: the whole suite is called",
        (
            f"simulated base against base, {where}: any of {count} benchmarks is called",
            f"simulated base against base, {where}: the whole suite is called",
        ),
    )


def _is_call(one: SuiteComparison) -> bool:
    return one.verdict in ("faster", "slower")


def _holds_plainly(one: SuiteComparison) -> bool:
    return _holds(one.low95, one.high95, 1 + _EFFECT)


def _holds(low: float | None, high: float | None, truth: float) -> bool:
    """Whether an interval holds the truth; one without bounds holds everything."""
    return low is None or high is None or low <= truth <= high
