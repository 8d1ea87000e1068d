"""The content of a submission, whatever its format: the same for a mail and for a tracker.

A reader of python-dev asks first whether to take the change (`answers`), then which compiler, PGO
or not, how noisy, and why. Texts of the result are not escaped here: each format escapes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.compare import SIGNS, SuiteComparison, interval, spelled, times
from bench.report.answers import ReportAnswer, answers
from bench.report.change import arm_subject, base_label
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
    """A submission: verdicts, answers, objections, tables, and how they were measured.

    `subjects` name the change, each shorter than the one before, and `result` is what came out, so
    that a format with little room loses none of it. `patches` are the arms whose change has a
    patch.
    """

    subjects: tuple[str, ...]
    result: str
    verdicts: tuple[str, ...]
    answers: tuple[ReportAnswer, ...]
    objections: tuple[str, ...]
    tables: tuple[Table, ...]
    reading: str
    sections: tuple[FactSection, ...]
    commands: tuple[str, ...]
    made: str
    patches: tuple[CandidateResult, ...] = ()


def state(result: Result) -> Statement:
    """The statement of a result. Shapes: docs/result-schema.md."""
    return Statement(
        subjects=tuple(_subjects(result)),
        result=_result(result),
        verdicts=tuple(headline(candidate) for candidate in main_candidates(result)),
        answers=answers(result),
        objections=objections(result),
        tables=tuple(
            _table(result, candidate)
            for candidate in main_candidates(result)
            if candidate.comparisons
        ),
        reading=READING.format(margin=result.session.margin * 100),
        sections=sections(result),
        commands=result.commands,
        patches=tuple(
            arm for arm in main_candidates(result) if arm.change is not None and arm.change.patch
        ),
        made=f"Made by patchbench {result.patchbench}, {result.when}.",
    )


def _subjects(result: Result) -> Iterator[str]:
    """What was changed: the first candidate, by its change where that is known."""
    first, base = main_candidates(result)[0], result.base
    if first.change is None:
        what_base = base.title if base.runtime else f"CPython {base.revision.version}"
        yield f"{what_base}: {first.name}"
        return
    yield f"{arm_subject(first)} against {base_label(base)}"
    yield f"{first.change.subject} against {base_label(base)}"
    yield first.change.subject


def _result(result: Result) -> str:
    candidates = main_candidates(result)
    first = candidates[0]
    more = f" (and {len(candidates) - 1} more)" if len(candidates) > 1 else ""
    if first.verdict in ("faster", "slower") and first.suite is not None:
        return f"{spelled(first.suite.ratio)}{more}"
    return f"{first.verdict}{more}"


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
