"""The content of a submission, whatever its format: the same for a mail and for a tracker.

A reader of python-dev asks which compiler, PGO or not, how noisy, which benchmarks got slower, and
why. Texts of the result are not escaped here: each format escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.compare import SIGNS, SuiteComparison, interval, spelled, times
from bench.report.objections import objections
from bench.report.sections import FactSection, sections
from bench.report.wording import common_warnings, headline, main_candidates
from bench.results import CandidateResult, Result

READING = (
    "A ratio is candidate time / base time: below 1 is faster. The interval is adjusted for the "
    "number of benchmarks; inside the margin of {margin:g}% it is equivalent, else faster or "
    "slower when it excludes 1, else undecided."
)


@dataclass(frozen=True, kw_only=True)
class StatementRow:
    """One row of a table as text; `notes` are the warnings of this row alone. `times` as in
    `bench.compare.times`, "" where there are none.
    """

    name: str
    ratio: str
    interval: str
    verdict: str
    blocks: str
    notes: str = ""
    times: str = ""
    times_short: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One candidate against the base; `suite` is None when nothing could be compared.

    `times_title` is the head of the column of times, "" for a table without one.
    """

    title: str
    against: str
    rows: tuple[StatementRow, ...]
    suite: StatementRow | None
    times_title: str = ""
    times_legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A submission: verdicts, objections, tables, and how they were measured."""

    subject: str
    verdicts: tuple[str, ...]
    slower: str
    objections: tuple[str, ...]
    tables: tuple[Table, ...]
    reading: str
    sections: tuple[FactSection, ...]
    commands: tuple[str, ...]
    made: str


def state(result: Result) -> Statement:
    """The statement of a result. Shapes: docs/result-schema.md."""
    return Statement(
        subject=_subject(result),
        verdicts=tuple(headline(candidate) for candidate in main_candidates(result)),
        slower=_slower(result),
        objections=objections(result),
        tables=tuple(
            _table(result, candidate)
            for candidate in main_candidates(result)
            if candidate.comparisons
        ),
        reading=READING.format(margin=result.session.margin * 100),
        sections=sections(result),
        commands=result.commands,
        made=f"Made by patchbench {result.patchbench}, {result.when}.",
    )


def _subject(result: Result) -> str:
    base = result.base
    what_base = base.title if base.runtime else f"CPython {base.revision.version}"
    candidates = main_candidates(result)
    first = candidates[0]
    if first.verdict in ("faster", "slower") and first.suite is not None:
        what = f"{first.name} is {spelled(first.suite.ratio)}"
    else:
        what = f"{first.name}: {first.verdict}"
    more = f" (and {len(candidates) - 1} more)" if len(candidates) > 1 else ""
    return f"{what_base}: {what}{more}"


def _slower(result: Result) -> str:
    """The benchmarks that got slower, in one sentence."""
    several = len(main_candidates(result)) > 1
    slower = [
        f"{row.benchmark} {row.ratio:.2f}x ({interval(row.low, row.high)}"
        + (f", {candidate.name})" if several else ")")
        for candidate in main_candidates(result)
        for row in candidate.comparisons
        if row.verdict == "slower"
    ]
    if slower:
        return f"Slower: {'; '.join(slower)}."
    return "No benchmark was found to be slower." if _measured(result) else ""


def _measured(result: Result) -> bool:
    return any(candidate.comparisons for candidate in main_candidates(result))


# -- tables ---------------------------------------------------------------------------------------


def _table(result: Result, candidate: CandidateResult) -> Table:
    rows = candidate.comparisons
    common = common_warnings(rows)
    several = len({row.metric for row in rows}) > 1
    suite = candidate.suite
    return Table(
        title=candidate.title,
        against=result.base.title,
        rows=tuple(
            _row(
                f"{row.benchmark} ({row.metric})" if several else row.benchmark,
                row,
                "; ".join(text for text in row.warnings if text not in common),
            )
            for row in rows
        ),
        suite=_row("geometric mean", suite, _suite_notes(suite)) if suite else None,
        times_title=times.title_of(rows) if times.have_times(rows) else "",
        times_legend=times.legend(rows),
    )


def _suite_notes(suite: SuiteComparison) -> str:
    """The suite's warnings without `one-build`, which is among the objections."""
    return "; ".join(text for text in suite.warnings if not text.startswith("one-build"))


def _row(name: str, compared: SuiteComparison, notes: str = "") -> StatementRow:
    decided = compared.verdict in ("faster", "slower")
    effect = spelled(compared.ratio) if decided else compared.verdict
    return StatementRow(
        name=name,
        ratio=f"{compared.ratio:.4f}",
        interval=interval(compared.low, compared.high),
        verdict=f"{SIGNS.get(compared.verdict, ' ')} {effect}",
        blocks=str(compared.blocks),
        notes=notes,
        times=times.times(compared),
        times_short=times.times(compared, is_short=True),
    )
