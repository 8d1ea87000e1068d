"""Rates of wrong calls for base against base, and coverage of intervals, in simulations."""

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

# Targets: for any call, for coverage after early looks, for coverage of plain intervals.
ANY_CALL, LOOKING, PLAIN = 0.055, 0.935, (0.935, 0.965)
_COVERED = "intervals hold the truth after looking early, all hosts"
_FIXED = "the suite's 95% interval holds the truth: drift, bursts, skew, builds"
_EFFECT = 0.02


def sequential(
    name: str, scenario: Scenario, count: int, rng: np.random.Generator, step: Step
) -> list[StudyFinding]:
    """Base against base with early looks: rate of any call, and coverage of the intervals."""
    called = suites = covered = compared = inside = 0
    for _ in range(count):
        ended = play(scenario, rng, margin=MARGIN).comparisons
        called += any(_is_call(row) for row in ended.comparisons)
        suites += ended.suite is not None and _is_call(ended.suite)
        covered += ended.suite is None or _covers(ended.suite.low, ended.suite.high, 1.0)
        compared += len(ended.comparisons)
        inside += sum(_covers(row.low, row.high, 1.0) for row in ended.comparisons)
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
            compared,
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
    """All blocks, no early look, an effect of 2%: coverage of the plain intervals."""
    scenario = replace(scenario, benchmarks=20, effect=_EFFECT)
    covered = compared = inside = 0
    for _ in range(count):
        comparisons = compare_blocks(session(scenario, rng), margin=MARGIN)
        covered += comparisons.suite is None or _plain_interval_covers(comparisons.suite)
        inside += sum(_plain_interval_covers(row) for row in comparisons.comparisons)
        compared += len(comparisons.comparisons)
        step()
    condition = f"{name}, {scenario.blocks} blocks"
    suite = rate(COVERAGE, f"{condition}: the suite's plain interval", OURS, covered, count)
    if promised:
        suite = replace(suite, least=PLAIN[0], most=PLAIN[1], headline=_FIXED)
    benchmark = f"{condition}: each benchmark's plain interval"
    return [suite, rate(COVERAGE, benchmark, OURS, inside, compared, exact=False)]


def of_peers(
    name: str, scenario: Scenario, count: int, rng: np.random.Generator, step: Step
) -> list[StudyFinding]:
    """The calls of the peers for base against base, measured their way, with a single look."""
    benchmark_calls = any_calls = 0
    likely = {HPT: 0, HPT_PAPER: 0}
    for _ in range(count):
        base, candidate = two_files(scenario, scenario.blocks, rng)
        calls = [peers.pyperf_calls(base[benchmark], candidate[benchmark]) for benchmark in base]
        benchmark_calls, any_calls = benchmark_calls + sum(calls), any_calls + any(calls)
        for procedure, gate in ((HPT, None), (HPT_PAPER, peers.GATE)):
            chance = peers.hierarchical_test(base, candidate, gate=gate)
            likely[procedure] += peers.likely(chance)
        step()
    any_call, suite_call, headlines = _calls(name, scenario)
    comparisons = count * scenario.benchmarks
    return [
        rate(FALSE, any_call, PYPERF, any_calls, count, headline=headlines[0]),
        rate(FALSE, f"{name}: each benchmark", PYPERF, benchmark_calls, comparisons, exact=False),
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
        {f"b{number}": benchmark for number, benchmark in enumerate(side.tolist())}
        for side in values
    )
    return base, candidate


def _calls(name: str, scenario: Scenario) -> tuple[str, str, tuple[str, str]]:
    """The conditions (any benchmark, the suite), and the summary's rows for them."""
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


def _is_call(row: SuiteComparison) -> bool:
    return row.verdict in ("faster", "slower")


def _plain_interval_covers(row: SuiteComparison) -> bool:
    return _covers(row.low95, row.high95, 1 + _EFFECT)


def _covers(low: float | None, high: float | None, truth: float) -> bool:
    """Whether an interval covers the truth; one without bounds covers everything."""
    return low is None or high is None or low <= truth <= high
