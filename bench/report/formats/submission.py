"""submission.md: the mail in GitHub Markdown, for a tracker's issue or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.answers import ReportAnswer
from bench.report.change import report_change
from bench.report.formats.markdown import code, fenced, opening, patch_lines, plain
from bench.report.sections import Fact, FactSection
from bench.report.statement import Statement, StatementRow, Table, state
from bench.results import CandidateResult, Result

_TITLES = ("ratio", "interval", "verdict", "blocks", "notes")


def render(result: Result) -> str:
    """The submission. Shapes: docs/result-schema.md."""
    statement = state(result)
    parts = [
        [f"# {plain(f'{statement.subjects[0]}: {statement.result}')}"],
        *([f"**{plain(verdict)}**"] for verdict in statement.verdicts),
        [line for answer in statement.answers for line in _answer(answer)],
        [*_objections(statement)],
        *([*_table(table)] for table in statement.tables),
        [plain(statement.reading)] if statement.tables else [],
        *([*_patch(arm)] for arm in statement.patches),
        *([*_section(section)] for section in statement.sections),
        [
            "## To reproduce",
            "",
            "```",
            *(_one_line(command) for command in statement.commands),
            "```",
        ],
        [plain(statement.made)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _objections(statement: Statement) -> Iterator[str]:
    if statement.objections:
        yield "Limitations and warnings:"
        yield ""
        yield from (f"- {opening(text)}" for text in statement.objections)


def _answer(answer: ReportAnswer) -> Iterator[str]:
    first, *more = answer.lines
    yield f"- **{plain(answer.label)}** {plain(first)}"
    yield from (f"  - {opening(line)}" for line in more)


def _patch(arm: CandidateResult) -> Iterator[str]:
    assert arm.change is not None
    shown = report_change(arm.change)
    yield f"## The change of {plain(arm.name)}"
    yield ""
    yield from patch_lines(shown.patch, shown.left_out, shown.place)


def _one_line(text: str) -> str:
    return " ".join(fenced(text).split())


def _table(table: Table) -> Iterator[str]:
    yield f"## {plain(table.title)}"
    yield ""
    yield f"against {plain(table.against)}"
    yield ""
    timed = bool(table.times_title)
    titles = ("benchmark", *([table.times_title] if timed else []), *_TITLES)
    yield f"| {' | '.join(titles)} |"
    yield f"| --- |{' --- |' if timed else ''} --- | --- | --- | ---: | --- |"
    for row in table.rows:
        yield _row(row, plain(row.name), timed=timed)
    if table.suite is not None:
        yield _row(table.suite, f"**{plain(table.suite.name)}**", timed=timed)
    if timed:
        yield ""
        yield plain(table.times_legend)


def _row(row: StatementRow, name: str, *, timed: bool) -> str:
    shown = (row.times,) if timed else ()
    cells = (*shown, row.ratio, row.interval, row.verdict, row.blocks, row.notes)
    return f"| {name} | {' | '.join(plain(cell) for cell in cells)} |"


def _section(section: FactSection) -> Iterator[str]:
    yield f"## {plain(section.title)}"
    yield ""
    for fact in section.facts:
        yield f"- {opening(fact.label)}: {_text(fact)}"


def _text(fact: Fact) -> str:
    return f"`{code(fact.text)}`" if fact.exact and code(fact.text) else plain(fact.text)
