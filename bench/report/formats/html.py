"""report.html: one self-contained file that makes no network requests.

Every text of a result goes through Jinja's autoescape into text or a quoted attribute; none goes
into a script, a style or an address. The script and the style sheet are the same for every report,
and a content security policy allows only their hashes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bench.compare import SIGNS, spelled, times
from bench.report.charts import Piece, session
from bench.report.charts import page as page_charts
from bench.report.model import KINDS, VERDICTS, ReportRow, View
from bench.report.objections import first_sentence
from bench.report.reading import view_of
from bench.results import Result

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent / "templates"
# With more rows than this, those outside the window are not laid out (content-visibility).
_LARGE = 150


@dataclass(frozen=True, kw_only=True)
class OverviewLine:
    """One line of an overview: an arm, a rung or a report. `row` is None when there is no ratio."""

    name: str
    note: str
    href: str
    verdict: str
    row: ReportRow | None
    piece: Piece | None = None


def render(result: Result) -> str:
    """The report as a page. Shapes: docs/result-schema.md."""
    view = view_of(result)
    drawn = [page_charts.candidate_charts(candidate, view.margins) for candidate in view.candidates]
    arms_frame, arms_lines = overview(_arm_lines(view), view.margins)
    ladder_frame, ladder_lines = overview(_rung_lines(view), view.margins)
    methods = [candidate.method for candidate in view.candidates if candidate.method]
    return page(
        "report.html.jinja",
        view=view,
        candidates=list(zip(view.candidates, drawn, strict=True)),
        arms=[view.base, *(candidate.arm for candidate in view.candidates)],
        kinds=KINDS,
        lanes=page_charts.lane_charts(view),
        is_large=sum(len(candidate.rows) for candidate in view.candidates) > _LARGE,
        is_long=view.blocks > session.LONG,
        lane_columns=session.COLUMNS,
        method=methods[0] if methods else "",
        has_placebo=any(
            row.placebo
            for candidate in view.candidates
            for row in candidate.suites + candidate.rows
        ),
        overview_frame=arms_frame,
        overview_lines=arms_lines,
        ladder_frame=ladder_frame,
        ladder_lines=ladder_lines,
    )


@dataclass(frozen=True, kw_only=True)
class Assets:
    """The folders of templates, and the style sheets and scripts of their pages, in order."""

    folders: tuple[Path, ...] = (_TEMPLATES,)
    styles: tuple[str, ...] = ("page.css",)
    scripts: tuple[str, ...] = ("page.js",)

    def beside(self, folder: Path, *, styles: tuple[str, ...], scripts: tuple[str, ...]) -> Assets:
        """These assets with more style sheets, from another folder, and other scripts."""
        return Assets(
            folders=(folder, *self.folders), styles=(*self.styles, *styles), scripts=scripts
        )


REPORT = Assets()


def page(template: str, assets: Assets = REPORT, **values: Any) -> str:
    """Render a template as a page with the style sheets and scripts of `assets`."""
    return _environment(assets).get_template(template).render(**values)


@functools.cache
def _environment(assets: Assets) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(assets.folders),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["kind"] = _kind
    environment.filters["sign"] = lambda verdict: SIGNS.get(verdict, "?")
    environment.filters["spelled"] = spelled
    environment.filters["first_sentence"] = first_sentence
    environment.globals |= {
        "have_times": times.have_times,
        "shown_times": _shown_times,
        "times_title": times.title_of,
        "times_legend": times.legend,
    }
    style, script = (_joined(assets, names) for names in (assets.styles, assets.scripts))
    environment.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        "style_hash": _hash(style),
        "script_hash": _hash(script),
    }
    return environment


def _shown_times(row: ReportRow) -> str:
    return times.times(row, is_short=True).replace("->", "\u2192")


def _joined(assets: Assets, names: Iterable[str]) -> str:
    paths = (
        next(path for folder in assets.folders if (path := folder / name).is_file())
        for name in names
    )
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def _hash(text: str) -> str:
    """The hash of a script or style sheet, as in a content security policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _kind(verdict: str) -> str:
    """The CSS class of a verdict; empty for a text that is no verdict."""
    return verdict if verdict in (*VERDICTS, "broken") else ""


def overview(
    lines: Iterable[OverviewLine], margins: tuple[float, float]
) -> tuple[Piece | None, Sequence[OverviewLine]]:
    """The axis of the drawings, and the lines with their drawings; None without any ratio."""
    lines = list(lines)
    rows = [line.row for line in lines if line.row is not None]
    if not rows:
        return None, ()
    frame, pieces = page_charts.ratio_pieces(rows, margins)
    remaining = iter(pieces)
    return frame, [
        line
        if line.row is None
        else OverviewLine(
            name=line.name,
            note=line.note,
            href=line.href,
            verdict=line.verdict,
            row=line.row,
            piece=next(remaining),
        )
        for line in lines
    ]


def _arm_lines(view: View) -> Iterator[OverviewLine]:
    for number, candidate in enumerate(view.candidates, 1):
        kind = candidate.kind
        yield OverviewLine(
            name=candidate.arm.name,
            note="" if kind == "candidate" else KINDS.get(kind, kind),
            href=f"#c{number}",
            verdict=candidate.verdict,
            row=candidate.suite,
        )


def _rung_lines(view: View) -> Iterator[OverviewLine]:
    for rung in view.ladder:
        row = rung.row
        yield OverviewLine(name=row.name, note=rung.title, href="", verdict=row.verdict, row=row)
