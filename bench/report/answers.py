"""The first screen of a report: whether to take the change.

In this order: what it is, what it gains and loses, what it costs, whether Python still is Python.
What is not known follows in `bench.report.objections`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.compare import TIME, Comparison, interval, spelled
from bench.report.change import about, line_count
from bench.report.wording import main_candidates
from bench.results import ArmResult, CandidateResult, Result

NO_GATE = (
    "no gate: CPython's own tests were not run, so it may be incorrect; a patch that leaves out "
    "necessary work is fast too"
)
# A difference of less than this share is told in bytes.
_NOTABLE = 0.001
_FASTER_SHOWN, _SLOWER_SHOWN = 6, 12


@dataclass(frozen=True, kw_only=True)
class ReportAnswer:
    """A question's label, and its answer in lines."""

    label: str
    lines: tuple[str, ...]


def answers(result: Result) -> tuple[ReportAnswer, ...]:
    """The answers that the result has, in the order in which a reader asks."""
    asked = (
        ReportAnswer(label="What it is", lines=tuple(about(result))),
        ReportAnswer(label="Faster", lines=_each(result, _gains)),
        ReportAnswer(label="Slower", lines=_each(result, _losses)),
        ReportAnswer(label="Costs", lines=_costs(result)),
        ReportAnswer(label="Still Python?", lines=_merged(result, correctness)),
    )
    return tuple(answer for answer in asked if answer.lines)


def _each(result: Result, question: Callable[[CandidateResult], str]) -> tuple[str, ...]:
    arms = main_candidates(result)
    prefixed = [(f"{arm.name}: " if len(arms) > 1 else "", question(arm)) for arm in arms]
    return tuple(f"{prefix}{text}" for prefix, text in prefixed if text)


def _merged(result: Result, question: Callable[[CandidateResult], str]) -> tuple[str, ...]:
    """The answers, each once with the names of the arms that share it."""
    arms = main_candidates(result)
    names: dict[str, list[str]] = {}
    for arm in arms:
        names.setdefault(question(arm), []).append(arm.name)
    return tuple(
        f"{', '.join(own)}: {text}" if len(arms) > 1 else text
        for text, own in names.items()
        if text
    )


# -- gains and losses -----------------------------------------------------------------------------


def _gains(arm: CandidateResult) -> str:
    rows = sorted(_with(arm, "faster"), key=lambda row: row.ratio)
    if not arm.comparisons:
        return ""
    of = _of(rows, arm.comparisons)
    return f"{of}: {_listed(rows, _FASTER_SHOWN)}" if rows else of


def _losses(arm: CandidateResult) -> str:
    """The slower benchmarks by name with their intervals, the worst first."""
    rows = sorted(_with(arm, "slower"), key=lambda row: -row.ratio)
    if not arm.comparisons:
        return ""
    open_ = len(_with(arm, "undecided"))
    undecided = f"; {open_} undecided" if open_ else ""
    if not rows:
        return f"{_of(rows, arm.comparisons)}{undecided}"
    return f"{_of(rows, arm.comparisons)}: {_listed(rows, _SLOWER_SHOWN, bounds=True)}{undecided}"


def _with(arm: CandidateResult, verdict: str) -> list[Comparison]:
    return [row for row in arm.comparisons if row.verdict == verdict]


def _of(rows: Sequence[Comparison], among: Sequence[Comparison]) -> str:
    return f"{len(rows) or 'none'} of {len(among)} benchmark{'s' if len(among) != 1 else ''}"


def _listed(rows: Sequence[Comparison], most: int, *, bounds: bool = False) -> str:
    shown = ", ".join(_named(row, bounds=bounds) for row in rows[:most])
    return shown if len(rows) <= most else f"{shown} and {len(rows) - most} more"


def _named(row: Comparison, *, bounds: bool) -> str:
    metric = "" if row.metric == TIME else f" ({row.metric})"
    effect = spelled(row.ratio).partition(" ")[0]
    limits = f" ({interval(row.low, row.high)})" if bounds else ""
    return f"{row.benchmark}{metric} {effect}{limits}"


# -- costs ----------------------------------------------------------------------------------------


def _costs(result: Result) -> tuple[str, ...]:
    """What each change costs: lines, machine code, memory. That memory was not measured is said
    once.
    """
    arms = main_candidates(result)
    lines = _each(result, lambda arm: "; ".join(_costs_of(result.base, arm)))
    if not any(arm.comparisons for arm in arms) or any(_memory(arm) for arm in arms):
        return lines
    not_measured = "memory not measured"
    return (
        (f"{lines[0]}; {not_measured}",) if len(arms) == len(lines) == 1 else (*lines, not_measured)
    )


def _costs_of(base: ArmResult, arm: CandidateResult) -> Iterator[str]:
    if arm.change is not None and arm.change.count.files:
        yield line_count(arm.change.count)
    if base.build is not None and arm.build is not None:
        old, new = base.build.facts, arm.build.facts
        if old.eval_bytes and new.eval_bytes:
            yield f"evaluation function {_bytes(old.eval_bytes, new.eval_bytes)}"
        if base.build.code_bytes and arm.build.code_bytes:
            yield f"machine code {_bytes(base.build.code_bytes, arm.build.code_bytes)}"
    yield from _memory(arm)


def _bytes(old: int, new: int) -> str:
    if old == new:
        return f"{old:,} bytes as before"
    share = (new - old) / old
    by = f"{share:+.1%}" if abs(share) >= _NOTABLE else f"{new - old:+,}"
    return f"{old:,} -> {new:,} bytes ({by})"


def _memory(arm: CandidateResult) -> list[str]:
    return [
        f"{suite.metric} {suite.ratio:.4f} times the base's"
        for suite in arm.suites
        if "mem" in suite.metric.lower()
    ]


# -- correctness ----------------------------------------------------------------------------------


def correctness(arm: CandidateResult) -> str:
    """Whether the arm passes CPython's own tests, with their number."""
    gate = arm.gate
    if arm.runtime:
        return "not built here, and not tested"
    if gate is None:
        return "it did not build" if arm.broken else NO_GATE
    files = f"{gate.tests} test file{'s' if gate.tests != 1 else ''}"
    if gate.broken:
        text = f"gate ({gate.selection}) failed: {files}, {len(gate.broken)} differ: "
        text += _cut(gate.broken)
    else:
        text = f"gate ({gate.selection}) passed: {files}, 0 differ"
    if gate.flaky:
        text += f"; failed once, and not again: {_cut(gate.flaky)}"
    if gate.base_failed:
        text += f"; fail on the base too: {_cut(gate.base_failed)}"
    return text


def _cut(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
