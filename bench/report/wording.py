"""Sentences, figures and labels that all formats share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.compare import Comparison, SuiteComparison, interval, spelled, times
from bench.results import ArmResult, CandidateResult, Concluded, FactsRecord, Result
from builder.builds import machine_code

# Control arms are marked, so that a reader does not take their ratio for a candidate's.
_ROLES = {"aa": " (A/A: the base against itself)", "placebo": " (placebo: changes nothing)"}

UNKNOWN = "unknown"


def fact_text(fact: object) -> str:
    """A fact in words: "unknown", and never "off", when the host does not report it (None)."""
    if fact is None:
        return UNKNOWN
    return ("off", "on")[fact] if isinstance(fact, bool) else str(fact)


def effect_text(facts: FactsRecord, name: str) -> str:
    """Whether "pgo" or "lto" is in effect in a build: on, off, or unknown and why."""
    text = fact_text(machine_code.in_effect(facts, name))
    reason = machine_code.reason_of(facts, name)
    return f"{text} ({reason})" if reason else text


def gotos_text(facts: FactsRecord) -> str:
    """Whether computed gotos are in effect in a build, and what dispatches instead of them."""
    kinds = machine_code.Dispatch
    kind = machine_code.dispatch_of(facts)
    if kind is kinds.UNKNOWN:
        reason = machine_code.reason_of(facts, "dispatch")
        return f"{UNKNOWN} ({reason})" if reason else UNKNOWN
    if kind is kinds.MERGED and facts.handlers:
        return f"in effect, but merged for {facts.handlers} handlers"
    return {kinds.SWITCH: "off", kinds.TAIL_CALLS: "off (tail calls)"}.get(kind, "in effect")


def functions_text(facts: FactsRecord) -> str:
    """The functions that interpret bytecode."""
    if machine_code.dispatch_of(facts) is machine_code.Dispatch.TAIL_CALLS:
        return f"{facts.eval_function} and {facts.handlers} functions of instructions"
    return facts.eval_function


def smt(active: bool | None, hypervisor: str) -> str:
    """SMT of a host. A guest cannot see whether its CPUs share cores with other guests."""
    return UNKNOWN if hypervisor and not active else fact_text(active)


def kind(arm: ArmResult | Concluded) -> str:
    """The kind of an arm: "candidate", "aa" or "placebo". Older results have only candidates."""
    return arm.kind or "candidate"


def main_candidates(result: Result) -> list[CandidateResult]:
    """The candidates of the experiment without its control arms (A/A and placebo).

    An experiment that has only control arms gives those.
    """
    arms = [arm for arm in result.candidates if kind(arm) == "candidate"]
    return arms or list(result.candidates)


def controls(result: Result, which: str) -> list[CandidateResult]:
    """The control arms of a kind, "aa" or "placebo": they change nothing and show the noise."""
    main = main_candidates(result)
    return [arm for arm in result.candidates if kind(arm) == which and arm not in main]


def headline(candidate: Concluded) -> str:
    """The verdict on a candidate in one sentence."""
    role = _ROLES.get(kind(candidate), "")
    name = f"{candidate.name}{role}"
    verdict, suite = candidate.verdict, candidate.suite
    if verdict == "broken":
        return f"{name} is broken: {broken_reason(candidate)}."
    if suite is None:
        return f"{name}: nothing could be compared."
    ratio = f"ratio {suite.ratio:.4f}, {interval(suite.low, suite.high)}"
    counts = tally(candidate.comparisons)
    if verdict in ("faster", "slower"):
        return f"{name} is {spelled(suite.ratio)} over the suite ({ratio}); {counts}."
    if verdict == "equivalent":
        return f"{name} is as fast as the base over the suite ({ratio}); {counts}."
    return f"{name}: the suite's ratio is undecided ({ratio}); {counts}."


def broken_reason(candidate: Concluded) -> str:
    """Why a candidate is broken."""
    if candidate.broken:
        return candidate.broken.splitlines()[0].rstrip(".")
    failing = candidate.gate.broken if candidate.gate is not None else ()
    return f"it fails {', '.join(failing)}, which the base passes"


def names_of(comparisons: Sequence[Comparison], *verdicts: str) -> list[str]:
    """The benchmarks that have one of these verdicts."""
    return [row.benchmark for row in comparisons if row.verdict in verdicts]


def tally(comparisons: Sequence[Comparison]) -> str:
    """How many benchmarks have which verdict."""
    verdicts = [row.verdict for row in comparisons]
    counted = [
        f"{verdicts.count(name)} {name}"
        for name in ("faster", "slower", "equivalent", "undecided")
        if name in verdicts
    ]
    return f"of {len(verdicts)} benchmarks {', '.join(counted)}" if verdicts else "no benchmarks"


def shown_ratio(ratio: float) -> str:
    """A ratio with its meaning: 0.9512 (1.05x faster)."""
    return f"{ratio:.4f} ({spelled(ratio)})"


def common_warnings(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """Warnings that every comparison has; a report prints them once."""
    if not comparisons:
        return ()
    shared = [
        warning
        for warning in comparisons[0].warnings
        if all(warning in row.warnings for row in comparisons)
    ]
    return tuple(shared)


def without_times(result: Result) -> Result:
    """The result as reports show it that leave absolute times out."""
    return replace(
        result,
        candidates=tuple(
            replace(candidate, comparisons=times.without_times(candidate.comparisons))
            for candidate in result.candidates
        ),
    )


def own_warnings(row: SuiteComparison, common: Sequence[str]) -> str:
    """A comparison's warnings that are not in `common`, on one line."""
    return "; ".join(warning for warning in row.warnings if warning not in common)
