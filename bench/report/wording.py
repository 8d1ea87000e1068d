"""Sentences and figures that all formats share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.compare import interval, spelled

# Arms that are no candidates: nobody is to take what they show for what was asked.
_ROLES = {"aa": " (A/A: the base against itself)", "placebo": " (placebo: changes nothing)"}


UNKNOWN = "unknown"


def told(fact: object) -> str:
    """A fact of the host; "unknown", and never "off", where the host does not say."""
    if fact is None:
        return UNKNOWN
    return ("off", "on")[fact] if isinstance(fact, bool) else str(fact)


def smt(active: bool | None, hypervisor: str) -> str:
    """SMT of a host. A guest is not shown whether its CPUs are halves of cores that others use."""
    return UNKNOWN if hypervisor and not active else told(active)


def kind(arm: Mapping[str, Any]) -> str:
    """What an arm is for: "candidate", "aa" or "placebo". Older results have candidates alone."""
    return str(arm.get("kind") or "candidate")


def claims(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The candidates that the experiment asks about, without what stands there for control.

    An experiment that has no candidate asks about its controls.
    """
    own = [one for one in result["candidates"] if kind(one) == "candidate"]
    return own or list(result["candidates"])


def controls(result: Mapping[str, Any], which: str) -> list[Mapping[str, Any]]:
    """The arms of a kind that should show nothing, and tell what nothing looks like here."""
    asked = claims(result)
    return [one for one in result["candidates"] if kind(one) == which and one not in asked]


def headline(candidate: Mapping[str, Any]) -> str:
    """The verdict on a candidate in one sentence."""
    role = _ROLES.get(kind(candidate), "")
    name = f"{candidate['name']}{role}"
    verdict, suite = candidate["verdict"], candidate["suite"]
    if verdict == "broken":
        return f"{name} is broken: {broken_reason(candidate)}."
    if suite is None:
        return f"{name}: nothing could be compared."
    ratio = f"ratio {suite['ratio']:.4f}, {interval(suite['low'], suite['high'])}"
    counts = tally(candidate["comparisons"])
    if verdict in ("faster", "slower"):
        return f"{name} is {spelled(suite['ratio'])} over the suite ({ratio}); {counts}."
    if verdict == "equivalent":
        return f"{name} is as fast as the base over the suite ({ratio}); {counts}."
    return f"{name}: the suite's ratio is undecided ({ratio}); {counts}."


def broken_reason(candidate: Mapping[str, Any]) -> str:
    """Why a candidate is broken."""
    if candidate["broken"]:
        return str(candidate["broken"]).splitlines()[0].rstrip(".")
    return f"it fails {', '.join(candidate['gate']['broken'])}, which the base passes"


def names_of(comparisons: Sequence[Mapping[str, Any]], *verdicts: str) -> list[str]:
    """The benchmarks that have one of these verdicts."""
    return [str(one["benchmark"]) for one in comparisons if one["verdict"] in verdicts]


def tally(comparisons: Sequence[Mapping[str, Any]]) -> str:
    """How many benchmarks have which verdict."""
    verdicts = [one["verdict"] for one in comparisons]
    counted = [
        f"{verdicts.count(name)} {name}"
        for name in ("faster", "slower", "equivalent", "undecided")
        if name in verdicts
    ]
    return f"of {len(verdicts)} benchmarks {', '.join(counted)}" if verdicts else "no benchmarks"


def shown_ratio(ratio: float) -> str:
    """The ratio and what it means."""
    return f"{ratio:.4f} ({spelled(ratio)})"


def common_warnings(comparisons: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Warnings that stand on every comparison: told once."""
    if not comparisons:
        return ()
    shared = [
        warning
        for warning in comparisons[0]["warnings"]
        if all(warning in one["warnings"] for one in comparisons)
    ]
    return tuple(shared)


def own_warnings(one: Mapping[str, Any], common: Sequence[str]) -> str:
    """A comparison's other warnings, in short."""
    return "; ".join(warning for warning in one["warnings"] if warning not in common)
