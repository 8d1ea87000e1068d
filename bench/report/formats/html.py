"""report.html: one file that holds all it shows, and asks nothing of any network.

Every text of a result goes through Jinja's autoescape into text or a quoted attribute; none goes
into a script, a style or an address. The script and the style sheet are the same for every report,
and a content security policy lets their hashes run and nothing else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bench.compare import SIGNS, spelled
from bench.report.charts import Piece, session
from bench.report.charts import page as charts_page
from bench.report.model import KINDS, VERDICTS, ReportRow, View
from bench.report.reading import view_of

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent / "templates"
# More rows than this are laid out only where they are looked at.
_LARGE = 150


@dataclass(frozen=True, kw_only=True)
class OverviewLine:
    """One line of an overview: an arm, a rung or a report. Without a row there is no ratio."""

    name: str
    note: str
    href: str
    verdict: str
    row: ReportRow | None
    piece: Piece | None = None


def render(result: Mapping[str, Any]) -> str:
    """The report as a page. Shapes: docs/result-schema.md."""
    view = view_of(result)
    drawn = [charts_page.candidate_charts(one, view.margins) for one in view.candidates]
    arms_frame, arms_lines = overview(_arm_lines(view), view.margins)
    ladder_frame, ladder_lines = overview(_rung_lines(view), view.margins)
    methods = [one.method for one in view.candidates if one.method]
    return page(
        "report.html.jinja",
        view=view,
        candidates=list(zip(view.candidates, drawn, strict=True)),
        arms=[view.base, *(one.arm for one in view.candidates)],
        kinds=KINDS,
        lanes=charts_page.lane_charts(view),
        is_large=sum(len(one.rows) for one in view.candidates) > _LARGE,
        is_long=view.blocks > session.LONG,
        lane_columns=session.COLUMNS,
        method=methods[0] if methods else "",
        has_placebo=any(row.placebo for one in view.candidates for row in one.suites + one.rows),
        overview_frame=arms_frame,
        overview_lines=arms_lines,
        ladder_frame=ladder_frame,
        ladder_lines=ladder_lines,
    )


@dataclass(frozen=True, kw_only=True)
class Assets:
    """Where templates lie, and the style sheets and scripts of their pages, in order."""

    folders: tuple[Path, ...] = (_TEMPLATES,)
    styles: tuple[str, ...] = ("page.css",)
    scripts: tuple[str, ...] = ("page.js",)

    def beside(self, folder: Path, *, styles: tuple[str, ...], scripts: tuple[str, ...]) -> Assets:
        """These with more style sheets, of another folder, and other scripts."""
        return Assets(
            folders=(folder, *self.folders), styles=(*self.styles, *styles), scripts=scripts
        )


REPORT = Assets()


def page(template: str, assets: Assets = REPORT, **values: Any) -> str:
    """A page of ours: the template's content, with the style sheet and script that all share."""
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
    style, script = (_joined(assets, names) for names in (assets.styles, assets.scripts))
    environment.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        "style_hash": _hash(style),
        "script_hash": _hash(script),
    }
    return environment


def _joined(assets: Assets, names: Iterable[str]) -> str:
    found = (
        next(path for folder in assets.folders if (path := folder / name).is_file())
        for name in names
    )
    return "".join(path.read_text(encoding="utf-8") for path in found)


def _hash(text: str) -> str:
    """How a content security policy names a script or style sheet."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _kind(verdict: str) -> str:
    """The class of a verdict: one that the style sheet knows, whatever the result says."""
    return verdict if verdict in (*VERDICTS, "broken") else ""


def overview(
    lines: Iterable[OverviewLine], margins: tuple[float, float]
) -> tuple[Piece | None, Sequence[OverviewLine]]:
    """The lines with their drawings on one axis, and that axis; None where there is no ratio."""
    lines = list(lines)
    rows = [line.row for line in lines if line.row is not None]
    if not rows:
        return None, ()
    frame, pieces = charts_page.ratio_pieces(rows, margins)
    left = iter(pieces)
    return frame, [
        line
        if line.row is None
        else OverviewLine(
            name=line.name,
            note=line.note,
            href=line.href,
            verdict=line.verdict,
            row=line.row,
            piece=next(left),
        )
        for line in lines
    ]


def _arm_lines(view: View) -> Iterator[OverviewLine]:
    for number, one in enumerate(view.candidates, 1):
        note = "" if one.kind == "candidate" else KINDS.get(one.kind, one.kind)
        yield OverviewLine(
            name=one.arm.name, note=note, href=f"#c{number}", verdict=one.verdict, row=one.suite
        )


def _rung_lines(view: View) -> Iterator[OverviewLine]:
    for rung in view.ladder:
        row = rung.row
        yield OverviewLine(name=row.name, note=rung.title, href="", verdict=row.verdict, row=row)
