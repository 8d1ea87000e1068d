"""The charts as SVG or PNG files, for slides and trackers; they show the same as the page's."""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bench.compare import SIGNS, spelled
from bench.report.charts import drawing, session
from bench.report.charts import scale as charts_scale
from bench.report.charts.drawing import Pen, Stroke, Style
from bench.report.charts.scale import Scale
from bench.report.model import Candidate, ReportRow, View
from bench.report.reading import view_of
from bench.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 10.0  # inches
_ROW = 0.27
_DPI = 160
_TITLE_WIDTH = 100  # characters in a line
_UNFIT = re.compile(r"[^A-Za-z0-9.-]+")
INK, SOFT, _BAND = "#182026", "#55616c", "#e3e9ee"
VERDICT_COLOURS = {
    "faster": "#0a6a9c",
    "slower": "#b4460f",
    "equivalent": "#4a5866",
    "undecided": "#7d6a1c",
}
_STYLES = {
    "margin": Style(colour=_BAND, filled=True, order=0),
    "one": Style(colour=SOFT),
    "placebo": Style(colour="#7d6a1c", dashes="dotted", order=1),
    "wide": Style(width=1.3, order=2),
    "plain": Style(width=3.5, order=3),
    "off": Style(width=1.3, order=2),
    "dot": Style(width=7, order=4),
    "hole": Style(colour="#ffffff", width=3.5, order=5),
    "range": Style(colour="#b6bec6", width=1.5, order=1),
    "cross": Style(colour="#a01c3a", width=1.2, order=3),
}


def _settings() -> None:
    import matplotlib as mpl

    mpl.rc("font", size=9.0)
    mpl.rc("axes", edgecolor=SOFT, labelcolor=INK)
    mpl.rc("xtick", color=SOFT)
    # A name with dollar signs in it is not a formula.
    mpl.rc("text", color=INK, parse_math=False)
    # Text stays text, for screen readers, search and copying; equal results give equal files.
    mpl.rc("svg", fonttype="none", hashsalt="patchbench")


def render(result: Result, kind: str) -> dict[str, str | bytes]:
    """All charts by file name; `kind` is svg (text) or png (bytes)."""
    view = view_of(result)
    return {
        f"charts/{name}.{kind}": file_content(figure, title, kind)
        for name, title, figure in _all(view)
    }


def _all(view: View) -> Iterator[tuple[str, str, Callable[[], Figure]]]:
    """The name and title of each chart, and the function that draws it."""
    for number, candidate in enumerate(view.candidates, 1):
        # Two names can become equal as file names; the number keeps them apart.
        name = f"{number}-{_UNFIT.sub('-', candidate.arm.name)[:60]}"
        if candidate.rows:
            title = _line(candidate.headline)
            yield f"ratios-{name}", title, partial(_ratios, candidate, view, title)
        if any(row.points for row in candidate.rows):
            title = _line(f"{candidate.arm.name}: the ratio of every block")
            yield f"blocks-{name}", title, partial(_blocks, candidate, view, title)
    if any(row.points for candidate in view.candidates for row in candidate.rows):
        title = "The session, block by block"
        yield "session", title, partial(_session, view, title)


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 2 * _TITLE_WIDTH else f"{flat[: 2 * _TITLE_WIDTH]}..."


def file_content(draw: Callable[[], Figure], title: str, kind: str) -> str | bytes:
    """Draw a figure and return its file's content; `kind` is svg (text) or png (bytes)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with drawing.default_settings(), warnings.catch_warnings():
        # A name may have letters that are in no font here: matplotlib warns, and draws boxes.
        warnings.simplefilter("ignore", UserWarning)
        _settings()
        figure = draw()
        stream = io.BytesIO()
        if kind == "svg":
            FigureCanvasSVG(figure)
            figure.savefig(stream, format=kind, metadata={"Title": title, "Date": None})
            return stream.getvalue().decode()
        FigureCanvasAgg(figure)
        figure.savefig(stream, format=kind, dpi=_DPI, metadata={"Title": title})
        return stream.getvalue()


def _style(stroke: Stroke) -> Style:
    style = _STYLES[stroke.mark]
    if stroke.mark not in ("wide", "plain", "off", "dot"):
        return style
    return replace(style, colour=VERDICT_COLOURS.get(stroke.verdict, SOFT))


def _small_style(stroke: Stroke) -> Style:
    """The style with small dots: there is one for each block."""
    style = _style(stroke)
    return replace(style, width=3, order=2) if stroke.mark == "dot" else style


def _sheet(rows: int, title: str, height: float = _ROW) -> tuple[Figure, Axes]:
    """A figure for `rows` rows of `height` inches each, with its title."""
    from matplotlib.figure import Figure

    heading = textwrap.wrap(title, _TITLE_WIDTH)
    above, below = 0.35 + 0.2 * len(heading), 0.55
    inches = rows * height + above + below
    figure = Figure(figsize=(_WIDTH, inches), facecolor="white")
    axes = figure.add_axes((0.2, below / inches, 0.5, rows * height / inches))
    axes.set_xlim(0, 1)
    axes.set_ylim(rows, 0)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    top = 1 - 0.15 / inches
    figure.text(0.02, top, "\n".join(heading), fontsize=10.5, fontweight="bold", va="top")
    return figure, axes


def _ratio_axis(axes: Axes, scale: Scale, label: str) -> None:
    ticks = scale.ticks(8)
    axes.set_xticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.set_xlabel(label)


def _ratios(candidate: Candidate, view: View, title: str) -> Figure:
    """The ratio plot, with its figures as text beside it."""
    rows = [*candidate.suites, *candidate.rows]
    figure, axes = _sheet(len(rows), title)
    scale = charts_scale.scale_of(rows, view.margins)
    strokes: list[Stroke] = []
    drawing.draw_frame(Pen(strokes=strokes), scale, view.margins, len(rows))
    for place, row in enumerate(rows):
        drawing.draw_row(Pen(strokes=strokes, row=place, verdict=row.verdict), row, scale, place)
        words = f"{row.ratio:.4f}  {spelled(row.ratio)}"
        axes.text(1.03, place + 0.5, words, va="center")
        verdict = f"{SIGNS.get(row.verdict, ' ')} {row.verdict}"
        axes.text(
            1.37, place + 0.5, verdict, va="center", color=VERDICT_COLOURS.get(row.verdict, INK)
        )
    drawing.paint(axes, strokes, _style)
    _names(axes, rows)
    band = f"band: the margin of {view.margin * 100:g}%"
    _ratio_axis(axes, scale, f"candidate time / base time (below 1 is faster; {band})")
    return figure


def _names(axes: Axes, rows: Sequence[ReportRow]) -> None:
    places = [place + 0.5 for place in range(len(rows))]
    axes.set_yticks(places, [_line(row.name)[:28] for row in rows], color=INK)


def _blocks(candidate: Candidate, view: View, title: str) -> Figure:
    """Every block of every benchmark; within a row, the first one measured is at the top."""
    rows = [row for row in candidate.rows if row.points]
    figure, axes = _sheet(len(rows), title, height=_ROW * 1.6)
    ratios = [point.ratio for row in rows for point in row.points]
    scale = charts_scale.scale_over([*ratios, *view.margins])
    strokes: list[Stroke] = []
    drawing.draw_frame(Pen(strokes=strokes), scale, view.margins, len(rows))
    for place, row in enumerate(rows):
        pen = Pen(strokes=strokes, row=place, verdict=row.verdict)
        for index, point in enumerate(row.points):
            y = place + 0.12 + 0.76 * (index + 0.5) / len(row.points)
            at = (scale.at(point.ratio), y)
            if point.disturbed:
                pen.draw("cross", *drawing.cross(*at, 0.006, 0.06))
            else:
                pen.dots("dot", [at])
        spread = f"{min(p.ratio for p in row.points):.3f} to {max(p.ratio for p in row.points):.3f}"
        axes.text(1.03, place + 0.5, f"{len(row.points)} blocks, {spread}", va="center")
    drawing.paint(axes, strokes, _small_style)
    _names(axes, rows)
    _ratio_axis(axes, scale, "ratio of a block; top to bottom in the order measured")
    return figure


def _session(view: View, title: str) -> Figure:
    """The drift of the base's times, and the spread of the ratios, block by block."""
    lanes = session.lanes_of(view)
    scale = session.lane_scale(lanes)
    figure, axes = _sheet(len(lanes), title, height=1.0)
    strokes: list[Stroke] = []
    for place, lane in enumerate(lanes):
        verdict = "equivalent" if lane.kind == "drift" else "faster"
        pen = Pen(strokes=strokes, row=place, verdict=verdict)
        session.draw_lane(pen, lane, scale, view.blocks, place)
        spread = f"spread {session.spread(lane) * 100:.1f}%"
        axes.text(1.03, place + 0.5, spread, va="center")
    drawing.paint(axes, strokes, _small_style)
    names = [f"{'time' if lane.kind == 'drift' else 'ratio'} of {lane.title}" for lane in lanes]
    axes.set_yticks(
        [place + 0.5 for place in range(len(lanes))], [_line(name)[:28] for name in names]
    )
    axes.set_xticks([])
    low, high = ((ratio - 1) * 100 for ratio in (scale.low, scale.high))
    axes.set_xlabel(f"blocks in the order measured; each lane from {low:+.0f}% to {high:+.0f}%")
    return figure
