"""Simulated effects: how often they are detected within 20 blocks, and how soon."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench.compare import MARGIN
from bench.validation import peers
from bench.validation.findings import FALSE, OURS, POWER, PYPERF, TIME, StudyFinding, rate
from bench.validation.play import play
from bench.validation.rates import two_files
from bench.validation.simulate import Scenario

Step = Callable[[], None]

FAMILIES: Mapping[str, Scenario] = {
    "alone": Scenario(benchmarks=1, effect=0.02, affected=1),
    "the only one of 40": Scenario(effect=0.02, affected=1),
    "as one of 40 alike": Scenario(effect=0.02),
}
_SHARED = Scenario(drift=0.03, burst_share=0.1)
HOSTS: Mapping[str, Scenario] = {
    "quiet host": Scenario(),
    "drift and bursts": _SHARED,
    "drift and bursts, the arms of a block together": replace(_SHARED, in_turn=False),
}
EFFECTS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05)
_SHOWN = 0.02
_UNIT = "processes a side"
_HEADLINES = {
    TIME: "a true 2%: processes a side",
    POWER: "a true 2%: called slower",
    FALSE: "a true 2%: called faster or equivalent",
}


def power(count: int, rng: np.random.Generator, step: Step) -> list[StudyFinding]:
    """The power for a true 2%: 0.7% between blocks, a margin of 1%, at most 20 blocks."""
    findings = []
    for name, scenario in FAMILIES.items():
        hits = of = 0
        for _ in range(sessions(scenario, count)):
            rows = play(scenario, rng, margin=MARGIN).comparisons.comparisons
            changed = rows[: scenario.affected]
            hits += sum(row.verdict == "slower" for row in changed)
            of += len(changed)
            step()
        findings.append(
            rate(
                POWER,
                f"a true 2% within 20 blocks, {name}",
                OURS,
                hits,
                of,
                least=0.9,
                exact=scenario.affected == 1,
                headline="a true 2% (margin 1%, 0.7% between blocks) is called within 20 blocks",
            )
        )
    return findings


def sessions(scenario: Scenario, count: int) -> int:
    """The number of sessions that has at least `count` benchmarks with an effect."""
    return math.ceil(count / (scenario.affected or scenario.benchmarks))


def pace(
    host: str, scenario: Scenario, count: int, rng: np.random.Generator, step: Step
) -> list[StudyFinding]:
    """How soon each effect is decided, and the answers of pyperf for as many processes."""
    findings = []
    for effect in EFFECTS:
        with_effect = replace(scenario, effect=effect)
        verdicts: list[str] = []
        blocks: list[int] = []
        for _ in range(count):
            ended = play(with_effect, rng, margin=MARGIN)
            verdicts += [row.verdict for row in ended.comparisons.comparisons]
            blocks += ended.blocks.values()
            step()
        needed = float(np.mean(blocks))
        # Rounded up, in favour of pyperf.
        processes = max(math.ceil(needed), 2)
        condition = f"{effect:.1%} slower, {host}"
        calls = their_calls(with_effect, processes, count, rng)
        both = _answers(condition, effect, OURS, needed, verdicts)
        both += _answers(condition, effect, PYPERF, processes, calls)
        findings += [
            _in_summary(finding, host) if effect == _SHOWN else finding for finding in both
        ]
    return findings


def right(effect: float) -> frozenset[str]:
    """The correct verdicts for a slowdown: within the margin, equivalent as well."""
    verdicts = {"slower"} if effect else set()
    return frozenset(verdicts | {"equivalent"} if effect <= MARGIN else verdicts)


def wrong(effect: float) -> frozenset[str]:
    """The wrong verdicts for a slowdown."""
    return frozenset({"faster", "slower", "equivalent"}) - right(effect)


def their_calls(
    scenario: Scenario, processes: int, count: int, rng: np.random.Generator
) -> list[str]:
    """The call of pyperf for each benchmark of `count` pairs of runs; "" if not significant."""
    calls = []
    for _ in range(count):
        base, candidate = two_files(scenario, processes, rng)
        for name in base:
            significant = peers.pyperf_calls(base[name], candidate[name])
            slower = np.mean(candidate[name]) > np.mean(base[name])
            calls.append(("slower" if slower else "faster") if significant else "")
    return calls


def _answers(
    condition: str, effect: float, procedure: str, processes: float, calls: Sequence[str]
) -> list[StudyFinding]:
    """The findings on one procedure: its processes, and how often it was right and wrong."""
    theirs = procedure == PYPERF
    good, bad = (
        sum(call in verdicts for call in calls) for verdicts in (right(effect), wrong(effect))
    )
    findings = [
        StudyFinding(
            quantity=TIME,
            condition=condition,
            procedure=procedure,
            value=float(processes),
            unit=_UNIT,
            note="given, since it has no rule to stop" if theirs else "",
        ),
        rate(FALSE, f"wrong: {condition}", procedure, bad, len(calls), exact=False),
    ]
    # pyperf has no verdict that would be right for a base against itself.
    if effect or not theirs:
        findings.append(
            rate(POWER, f"right: {condition}", procedure, good, len(calls), exact=False)
        )
    return findings


def _in_summary(finding: StudyFinding, host: str) -> StudyFinding:
    return replace(finding, headline=f"{_HEADLINES[finding.quantity]}, {host}")
