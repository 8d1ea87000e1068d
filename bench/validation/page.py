"""docs/validation.md out of what the studies found. Pure: parts in, Markdown out.

All that it says is data of the parts, so that it is the same whenever it is written.
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

MARKS = "<!-- validation -->", "<!-- /validation -->"

_TITLES = {
    "recorded": "Recorded results of one binary",
    "simulated": "Simulated sessions",
    "real": "One binary against itself, for real",
}
_INTRODUCTION = """\
# How often the verdicts are right

Written by `patchbench study`; every figure comes from validation.json beside this page, which the
studies write. Again: `make study-recorded`, `make study-simulated` and `make study-real`.

pyperf is asked through its own code (`pyperf compare_to`). bench_runner's test is hierarchical
performance testing (Chen and others, "Statistical performance comparisons of computers", HPCA
2012), computed by its formula: the benchmarks' differences of medians, in seconds, ranked, with a
chance that the candidate is faster; 95% either way is taken for a call. As bench_runner ships it,
the test's gate, which should set differences that a rank-sum test does not find to nothing, lets
everything through; the variant with the paper's gate is shown as well. Neither pyperf nor the
test gives an interval, so that they have no coverage.
"""


def render(parts: Sequence[Part]) -> str:
    """The whole page. `parts` in any order; those that were not done yet are named."""
    done = {part.name: part for part in parts}
    ordered = [done[name] for name in PARTS if name in done]
    missing = [name for name in PARTS if name not in done]
    sections = [_INTRODUCTION, summary(ordered), _promises(ordered)]
    if missing:
        sections.append(f"Not done yet: {', '.join(f'`study {name}`' for name in missing)}.\n")
    sections += [_section(part) for part in ordered]
    return "\n".join(sections)


def summary(parts: Sequence[Part]) -> str:
    """The table that docs/method.md shows."""
    found = [one for part in parts for one in part.findings if one.headline]
    rows = [["", OURS, PYPERF, HPT, "wanted of ours"]]
    for headline in dict.fromkeys(one.headline for one in found):
        of_row = [one for one in found if one.headline == headline]
        cells = [
            _span([one for one in of_row if one.procedure == name]) for name in (OURS, PYPERF, HPT)
        ]
        rows.append([headline, *cells, _wanted(of_row)])
    return _table(rows)


def told(one: StudyFinding) -> str:
    """A figure and what is wanted of it."""
    return f"{_figure(one)}, wanted {_bound(one)}"


def put_into(page: str, table: str) -> str:
    """`page` with the table between the marks; unchanged where it has none."""
    first, last = MARKS
    head, begins, rest = page.partition(first)
    _, ends, tail = rest.partition(last)
    return f"{head}{first}\n{table}{last}{tail}" if begins and ends else page


def _promises(parts: Sequence[Part]) -> str:
    promised = [one for part in parts for one in part.findings if one.kept is not None]
    broken = broken_promises(parts)
    if not broken:
        return f"All {len(promised)} figures that something is promised of keep the promise.\n"
    lines = [f"- {one.condition}: {told(one)}" for one in broken]
    counted = f"Of {len(promised)} figures that something is promised of, {len(broken)} do not keep"
    return "\n".join([f"{counted} the promise:\n", *lines, ""])


def _section(part: Part) -> str:
    lines = [f"## {_TITLES[part.name]}\n", *(f"- {line}" for line in part.setup), ""]
    for quantity in QUANTITIES:
        found = [one for one in part.findings if one.quantity == quantity]
        if found:
            lines += [f"### {quantity[0].upper()}{quantity[1:]}\n", _detail(found)]
    return "\n".join(lines)


def _detail(found: Sequence[StudyFinding]) -> str:
    procedures = list(dict.fromkeys(one.procedure for one in found))
    promised = any(one.kept is not None for one in found)
    rows = [["", *procedures, *(["wanted of ours"] if promised else [])]]
    for condition in dict.fromkeys(one.condition for one in found):
        of_row = {one.procedure: one for one in found if one.condition == condition}
        cells = [_cell(of_row[name]) if name in of_row else "" for name in procedures]
        rows.append([condition, *cells, *([_wanted(of_row.values())] if promised else [])])
    return _table(rows)


def _cell(one: StudyFinding) -> str:
    text = _figure(one)
    if one.hits is not None:
        text += f" ({one.hits} of {one.of}"
        bounds = one.bounds
        text += f"; {_percent(bounds[0])} to {_percent(bounds[1])})" if bounds else ")"
    return f"{text}, {one.note}" if one.note else text


def _figure(one: StudyFinding) -> str:
    if one.hits is not None:
        return _percent(one.figure) if one.of else "none"
    return f"{one.figure:.3g} {one.unit}".strip()


def _span(found: Sequence[StudyFinding]) -> str:
    """One figure, or the least and the greatest of several."""
    figures = [_figure(one) for one in sorted(found, key=lambda one: one.figure)]
    if len(set(figures)) < 2:
        return figures[0] if figures else ""
    return f"{figures[0]} to {figures[-1]}"


def _wanted(found: Iterable[StudyFinding]) -> str:
    """Each bound once, and whether any figure breaks it."""
    kept: dict[str, bool] = {}
    for one in found:
        if _bound(one):
            kept[_bound(one)] = kept.get(_bound(one), True) and one.kept is True
    return "; ".join(bound if held else f"{bound} **not kept**" for bound, held in kept.items())


def _bound(one: StudyFinding) -> str:
    def shown(bound: float) -> str:
        return f"{bound:.3g} {one.unit}".strip() if one.hits is None else _percent(bound)

    if one.least is not None and one.most is not None:
        return f"{shown(one.least)} to {shown(one.most)}"
    if one.least is not None:
        return f"at least {shown(one.least)}"
    return "" if one.most is None else f"at most {shown(one.most)}"


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
