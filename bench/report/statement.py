"""What a submission says, before it has a form: the same for a mail and for a tracker.

A reader of python-dev asks which compiler, PGO or not, how noisy, which benchmarks got slower, and
why. Text of the result is handed through as it is: each format escapes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.compare import SIGNS, SuiteComparison, interval, spelled
from bench.report.objections import objections
from bench.report.sections import FactSection, sections
from bench.report.wording import claims, common_warnings, headline
from bench.results import CandidateResult, Result

READING = (
    "A ratio is candidate time / base time: below 1 is faster. The interval is adjusted for the "
    "number of benchmarks; inside the margin of {margin:g}% it is equivalent, else faster or "
    "slower when it excludes 1, else undecided."
)


@dataclass(frozen=True, kw_only=True)
class StatementRow:
    """One line of a table, in words and figures; `notes` are the row's own warnings."""

    name: str
    ratio: str
    interval: str
    verdict: str
    blocks: str
    notes: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One candidate against the base; `suite` is None where nothing could be compared."""

    title: str
    against: str
    rows: tuple[StatementRow, ...]
    suite: StatementRow | None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A submission: verdicts, what speaks against them, tables, and how it all came about."""

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
        verdicts=tuple(headline(one) for one in claims(result)),
        slower=_slower(result),
        objections=objections(result),
        tables=tuple(_table(result, one) for one in claims(result) if one.comparisons),
        reading=READING.format(margin=result.session.margin * 100),
        sections=sections(result),
        commands=result.commands,
        made=f"Made by patchbench {result.patchbench}, {result.when}.",
    )


def _subject(result: Result) -> str:
    base = result.base
    what_base = base.title if base.runtime else f"CPython {base.revision.version}"
    found = claims(result)
    first = found[0]
    if first.verdict in ("faster", "slower") and first.suite is not None:
        what = f"{first.name} is {spelled(first.suite.ratio)}"
    else:
        what = f"{first.name}: {first.verdict}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{what_base}: {what}{more}"


def _slower(result: Result) -> str:
    """The question that comes first: which benchmarks got slower."""
    several = len(claims(result)) > 1
    found = [
        f"{row.benchmark} {row.ratio:.2f}x ({interval(row.low, row.high)}"
        + (f", {one.name})" if several else ")")
        for one in claims(result)
        for row in one.comparisons
        if row.verdict == "slower"
    ]
    if found:
        return f"Slower: {'; '.join(found)}."
    return "No benchmark was found to be slower." if _measured(result) else ""


def _measured(result: Result) -> bool:
    return any(one.comparisons for one in claims(result))


# -- tables ---------------------------------------------------------------------------------------


def _table(result: Result, candidate: CandidateResult) -> Table:
    rows = candidate.comparisons
    common = common_warnings(rows)
    several = len({one.metric for one in rows}) > 1
    suite = candidate.suite
    return Table(
        title=candidate.title,
        against=result.base.title,
        rows=tuple(
            _row(
                f"{one.benchmark} ({one.metric})" if several else one.benchmark,
                one,
                "; ".join(text for text in one.warnings if text not in common),
            )
            for one in rows
        ),
        suite=_row("geometric mean", suite, _of_suite(suite)) if suite else None,
    )


def _of_suite(suite: SuiteComparison) -> str:
    """The suite's own warnings; that there is one build is said above."""
    return "; ".join(text for text in suite.warnings if not text.startswith("one-build"))


def _row(name: str, one: SuiteComparison, notes: str = "") -> StatementRow:
    decided = one.verdict in ("faster", "slower")
    said = spelled(one.ratio) if decided else one.verdict
    return StatementRow(
        name=name,
        ratio=f"{one.ratio:.4f}",
        interval=interval(one.low, one.high),
        verdict=f"{SIGNS.get(one.verdict, ' ')} {said}",
        blocks=str(one.blocks),
        notes=notes,
    )
