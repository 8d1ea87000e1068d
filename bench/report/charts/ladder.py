"""The picture of a ladder: a panel for each group of benchmarks, a row for each rung.

A dot is the geometric mean of the ratios to the ladder's base, with its interval, on a logarithmic
axis; faint dots are the benchmarks. A line connects the rungs of the chain; single steps are open
dots below it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.compare import spelled
from bench.report.charts import scale as charts_scale
from bench.report.charts.files import INK, SOFT, VERDICT_COLOURS, file_content
from bench.report.charts.scale import Scale
from bench.report.rungs import Group, RungLine, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 0.36
_WIDTH = 11.0
_MARGIN = 1.01


def picture(groups: Sequence[Group], title: str, kind: str = "svg") -> str | bytes:
    """The content of the picture's file: text of an SVG, bytes of a PNG."""
    return file_content(lambda: _figure(groups, title), title, kind)


def _figure(groups: Sequence[Group], title: str) -> Figure:
    from matplotlib.figure import Figure

    rows = [len(group.lines) for group in groups]
    above, below, between = 0.5, 0.55, 0.85
    inches = above + sum(rows) * _ROW + below + between * (len(groups) - 1)
    figure = Figure(figsize=(_WIDTH, inches), facecolor="white")
    figure.text(0.02, 1 - 0.15 / inches, title, fontsize=11, fontweight="bold", va="top")
    scale = charts_scale.scale_over([1 / _MARGIN, _MARGIN, *_all(groups)])
    top = inches - above
    for group, count in zip(groups, rows, strict=True):
        height = count * _ROW
        axes = figure.add_axes((0.25, (top - height) / inches, 0.5, height / inches))
        _panel(axes, group, scale)
        top -= height + between
    return figure


def _all(groups: Sequence[Group]) -> list[float]:
    """Every ratio and bound that is drawn."""
    ratios = []
    for line in (line for group in groups for line in group.lines):
        if line.whole is not None:
            ratios += [end for end in (line.whole.low, line.whole.high) if end is not None]
            ratios.append(line.whole.ratio)
        ratios += [cell.whole.ratio for cell in line.cells.values() if cell.whole is not None]
    return ratios


def _panel(axes: Axes, group: Group, scale: Scale) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(len(group.lines), 0)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.axvline(scale.at(1), color=SOFT, linewidth=1, zorder=0)
    for place, line in enumerate(group.lines):
        _row(axes, line, scale, place + 0.5)
    _chain(axes, group, scale)
    names = [line.title for line in group.lines]
    axes.set_yticks([place + 0.5 for place in range(len(names))], names, color=INK)
    ticks = scale.ticks(8)
    axes.set_xticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.set_xlabel(
        f"{group.name}: time / time of {group.lines[0].title} (below 1 is faster; faint: "
        f"{counted(len(group.tasks))})"
    )


def _row(axes: Axes, line: RungLine, scale: Scale, y: float) -> None:
    for cell in line.cells.values():
        if cell.whole is not None:
            axes.plot([scale.at(cell.whole.ratio)], [y], ".", color="#b6bec6", zorder=1)
    if line.whole is None:
        words = "the ladder's base" if line.is_base else f"missing: {line.reason}"
        axes.text(1.02, y, textwrap.shorten(words, 42), va="center", color=SOFT)
        return
    colour = VERDICT_COLOURS.get(line.whole.verdict, SOFT)
    if line.whole.low is not None and line.whole.high is not None:
        ends = [scale.at(line.whole.low), scale.at(line.whole.high)]
        axes.plot(ends, [y, y], color=colour, linewidth=2.5, zorder=3)
    filled = colour if line.in_chain else "white"
    axes.plot([scale.at(line.whole.ratio)], [y], "o", color=colour, mfc=filled, ms=7, zorder=4)
    added = f"; to {line.on} {line.step.ratio:.3f}" if line.step is not None and line.on else ""
    axes.text(1.02, y, f"{line.whole.ratio:.3f}  {spelled(line.whole.ratio)}{added}", va="center")


def _chain(axes: Axes, group: Group, scale: Scale) -> None:
    """Draw the line that connects the rungs of the chain."""
    xs, ys = [], []
    for place, line in enumerate(group.lines):
        if line.in_chain and (line.whole is not None or line.is_base):
            xs.append(scale.at(line.whole.ratio if line.whole is not None else 1.0))
            ys.append(place + 0.5)
    axes.plot(xs, ys, color=SOFT, linewidth=1, zorder=2, alpha=0.6)
