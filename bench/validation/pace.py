"""Simulated effects: whether they are seen within 20 blocks, and how soon."""

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
    """A true 2%, 0.7% between blocks, a margin of 1%, 20 blocks at most."""
    found = []
    for name, scenario in FAMILIES.items():
        hits = of = 0
        for _ in range(sessions(scenario, count)):
            rows = play(scenario, rng, margin=MARGIN).comparisons.comparisons
            changed = rows[: scenario.affected]
            hits += sum(one.verdict == "slower" for one in changed)
            of += len(changed)
            step()
        found.append(
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
    return found


def sessions(scenario: Scenario, count: int) -> int:
    """How many sessions give this many benchmarks with an effect."""
    return math.ceil(count / (scenario.affected or scenario.benchmarks))


def pace(
    host: str, scenario: Scenario, count: int, rng: np.random.Generator, step: Step
) -> list[StudyFinding]:
    """How soon each effect is decided, and what pyperf says of as many processes."""
    found = []
    for effect in EFFECTS:
        with_effect = replace(scenario, effect=effect)
        verdicts: list[str] = []
        blocks: list[int] = []
        for _ in range(count):
            ended = play(with_effect, rng, margin=MARGIN)
            verdicts += [one.verdict for one in ended.comparisons.comparisons]
            blocks += ended.blocks.values()
            step()
        needed = float(np.mean(blocks))
        # Rounded up: what is left of the last process is theirs.
        processes = max(math.ceil(needed), 2)
        condition = f"{effect:.1%} slower, {host}"
        calls = their_calls(with_effect, processes, count, rng)
        both = _answers(condition, effect, OURS, needed, verdicts)
        both += _answers(condition, effect, PYPERF, processes, calls)
        found += [_in_summary(one, host) if effect == _SHOWN else one for one in both]
    return found


def right(effect: float) -> frozenset[str]:
    """The verdicts that are true of a slowdown. Inside the margin it is equivalent as well."""
    found = {"slower"} if effect else set()
    return frozenset(found | {"equivalent"} if effect <= MARGIN else found)


def wrong(effect: float) -> frozenset[str]:
    """The verdicts that are not."""
    return frozenset({"faster", "slower", "equivalent"}) - right(effect)


def their_calls(
    scenario: Scenario, processes: int, count: int, rng: np.random.Generator
) -> list[str]:
    """What pyperf calls each benchmark of `count` pairs of runs; "" where it is not significant."""
    calls = []
    for _ in range(count):
        base, candidate = two_files(scenario, processes, rng)
        for name in base:
            significant = peers.pyperf_calls(base[name], candidate[name])
            slower = np.mean(candidate[name]) > np.mean(base[name])
            calls.append(("slower" if slower else "faster") if significant else "")
    return calls


def _answers(
    condition: str, effect: float, procedure: str, processes: float, said: Sequence[str]
) -> list[StudyFinding]:
    """Of one procedure: how many processes it took, how often it was right, and wrong."""
    theirs = procedure == PYPERF
    good, bad = (
        sum(one in verdicts for one in said) for verdicts in (right(effect), wrong(effect))
    )
    found = [
        StudyFinding(
            quantity=TIME,
            condition=condition,
            procedure=procedure,
            value=float(processes),
            unit=_UNIT,
            note="given, since it has no rule to stop" if theirs else "",
        ),
        rate(FALSE, f"wrong: {condition}", procedure, bad, len(said), exact=False),
    ]
    # Of a base against itself there is nothing that pyperf could be right about.
    if effect or not theirs:
        found.append(rate(POWER, f"right: {condition}", procedure, good, len(said), exact=False))
    return found


def _in_summary(one: StudyFinding, host: str) -> StudyFinding:
    return replace(one, headline=f"{_HEADLINES[one.quantity]}, {host}")
