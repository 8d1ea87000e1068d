"""Render docs/validation.md from the findings of the studies. Pure: parts in, Markdown out.

The page depends on the parts only, so that it is the same whenever it is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bench.validation.findings import (
    HPT,
    OURS,
    PARTS,
    PYPERF,
    QUANTITIES,
    Part,
    StudyFinding,
    broken_promises,
)

TARGET = "target for patchbench"
MARKS = "<!-- validation -->", "<!-- /validation -->"

_TITLES = {
    "recorded": "Recorded results of one binary",
    "simulated": "Simulated sessions",
    "real": "One binary against itself, for real",
}
_INTRODUCTION = """\
# How often the verdicts are right

Written by `patchbench study`; every figure comes from validation.json beside this page, which the
studies write. To repeat them: `make study-recorded`, `make study-simulated` and `make study-real`.

pyperf's answers come from its own code (`pyperf compare_to`). bench_runner's test is hierarchical
performance testing (Chen and others, "Statistical performance comparisons of computers", HPCA
2012), computed by its formula: it ranks the benchmarks' differences of medians, in seconds, and
gives the probability that the candidate is faster; 95% for faster or for slower counts as a call.
The test's gate should set a difference to zero if a rank-sum test does not find it; as bench_runner
ships it, the gate lets everything through. The variant with the paper's gate is shown as well.
Neither pyperf nor the test gives an interval, so they have no coverage.
"""


def render(parts: Sequence[Part]) -> str:
    """The whole page. `parts` in any order; the page names the studies that are not in it."""
    by_name = {part.name: part for part in parts}
    ordered = [by_name[name] for name in PARTS if name in by_name]
    missing = [name for name in PARTS if name not in by_name]
    sections = [_INTRODUCTION, summary(ordered), _promises(ordered)]
    if missing:
        sections.append(f"Not done yet: {', '.join(f'`study {name}`' for name in missing)}.\n")
    sections += [_section(part) for part in ordered]
    return "\n".join(sections)


def summary(parts: Sequence[Part]) -> str:
    """The table that docs/method.md shows."""
    findings = [finding for part in parts for finding in part.findings if finding.headline]
    rows = [["", OURS, PYPERF, HPT, TARGET]]
    for headline in dict.fromkeys(finding.headline for finding in findings):
        row = [finding for finding in findings if finding.headline == headline]
        cells = [
            _span([finding for finding in row if finding.procedure == name])
            for name in (OURS, PYPERF, HPT)
        ]
        rows.append([headline, *cells, _target(row)])
    return _table(rows)


def with_target(finding: StudyFinding) -> str:
    """A figure and its target."""
    return f"{_figure(finding)}, target {_bound(finding)}"


def put_into(page: str, table: str) -> str:
    """`page` with the table between its MARKS; unchanged if it has none."""
    first, last = MARKS
    head, begins, rest = page.partition(first)
    _, ends, tail = rest.partition(last)
    return f"{head}{first}\n{table}{last}{tail}" if begins and ends else page


def _promises(parts: Sequence[Part]) -> str:
    promised = [finding for part in parts for finding in part.findings if finding.kept is not None]
    broken = broken_promises(parts)
    if not broken:
        return f"All {len(promised)} figures with a target meet it.\n"
    lines = [f"- {finding.condition}: {with_target(finding)}" for finding in broken]
    counted = f"Of {len(promised)} figures with a target, {len(broken)} miss it:\n"
    return "\n".join([counted, *lines, ""])


def _section(part: Part) -> str:
    lines = [f"## {_TITLES[part.name]}\n", *(f"- {line}" for line in part.setup), ""]
    for quantity in QUANTITIES:
        findings = [finding for finding in part.findings if finding.quantity == quantity]
        if findings:
            lines += [f"### {quantity[0].upper()}{quantity[1:]}\n", _detail(findings)]
    return "\n".join(lines)


def _detail(findings: Sequence[StudyFinding]) -> str:
    procedures = list(dict.fromkeys(finding.procedure for finding in findings))
    promised = any(finding.kept is not None for finding in findings)
    rows = [["", *procedures, *([TARGET] if promised else [])]]
    for condition in dict.fromkeys(finding.condition for finding in findings):
        row = {finding.procedure: finding for finding in findings if finding.condition == condition}
        cells = [_cell(row[name]) if name in row else "" for name in procedures]
        rows.append([condition, *cells, *([_target(row.values())] if promised else [])])
    return _table(rows)


def _cell(finding: StudyFinding) -> str:
    text = _figure(finding)
    if finding.hits is not None:
        text += f" ({finding.hits} of {finding.of}"
        bounds = finding.bounds
        text += f"; {_percent(bounds[0])} to {_percent(bounds[1])})" if bounds else ")"
    return f"{text}, {finding.note}" if finding.note else text


def _figure(finding: StudyFinding) -> str:
    if finding.hits is not None:
        return _percent(finding.figure) if finding.of else "none"
    return f"{finding.figure:.3g} {finding.unit}".strip()


def _span(findings: Sequence[StudyFinding]) -> str:
    """One figure, or the smallest and the largest of several."""
    figures = [_figure(finding) for finding in sorted(findings, key=lambda finding: finding.figure)]
    if len(set(figures)) < 2:
        return figures[0] if figures else ""
    return f"{figures[0]} to {figures[-1]}"


def _target(findings: Iterable[StudyFinding]) -> str:
    """The distinct targets, each marked if a figure misses it."""
    met: dict[str, bool] = {}
    for finding in findings:
        if _bound(finding):
            met[_bound(finding)] = met.get(_bound(finding), True) and finding.kept is True
    return "; ".join(bound if is_met else f"{bound} **missed**" for bound, is_met in met.items())


def _bound(finding: StudyFinding) -> str:
    def shown(bound: float) -> str:
        return f"{bound:.3g} {finding.unit}".strip() if finding.hits is None else _percent(bound)

    if finding.least is not None and finding.most is not None:
        return f"{shown(finding.least)} to {shown(finding.most)}"
    if finding.least is not None:
        return f"at least {shown(finding.least)}"
    return "" if finding.most is None else f"at most {shown(finding.most)}"


def _percent(share: float) -> str:
    if math.isnan(share):
        return "none"
    percent = 100 * share
    if percent in (0, 100):
        return f"{percent:.0f}%"
    # Rates near 0 or 100 are not rounded to them.
    return f"{percent:.2f}%" if min(percent, 100 - percent) < 1 else f"{percent:.1f}%"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in lines)
