"""ladder.md, ladder.html and ladder.svg: the ladder of a result as one table and one picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.compare import SIGNS
from bench.compare import interval as ratio_interval
from bench.report import wording
from bench.report.charts import ladder
from bench.report.formats import html, markdown
from bench.report.reading import view_of
from bench.report.rungs import Group, RungCell, RungRatio, counted, groups

_TEMPLATES = Path(__file__).parent / "templates"


def render(result: Mapping[str, Any]) -> dict[str, str]:
    """The files by name; none where the result has no ladder. Errors as `viewing.view_of`."""
    found = groups(result)
    if not found:
        return {}
    title = f"The ladder: {view_of(result).base.title} and up"
    picture = str(ladder.picture(found, title))
    return {
        "ladder.svg": picture,
        "ladder.md": _markdown(result, found),
        "ladder.html": _page(result, found, picture),
    }


def reasons_of(group: Group) -> tuple[str, ...]:
    """Why cells are missing, each reason once: they are numbered from 1 in this order."""
    told = (cell.reason for line in group.lines for cell in line.cells.values() if not line.is_base)
    return tuple(dict.fromkeys(reason for reason in told if reason))


def interval(one: RungRatio) -> str:
    """The interval in figures."""
    return ratio_interval(one.low, one.high)


def cell_text(cell: RungCell, reasons: tuple[str, ...]) -> str:
    """A benchmark on a rung: its ratio and verdict's sign, or the number of the reason."""
    if cell.whole is None:
        return f"missing ({reasons.index(cell.reason) + 1})" if cell.reason in reasons else ""
    return f"{cell.whole.ratio:.3f} {SIGNS.get(cell.whole.verdict, '')}".rstrip()


def _markdown(result: Mapping[str, Any], found: tuple[Group, ...]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown: every value goes through `plain`
        finalize=markdown.plain,
    )
    template = environment.get_template("ladder.md.jinja")
    return template.render(result=result, groups=found, **_words())


def _page(result: Mapping[str, Any], found: tuple[Group, ...], picture: str) -> str:
    return html.page(
        "ladder.html.jinja",
        view=view_of(result),
        groups=found,
        picture=base64.b64encode(picture.encode()).decode(),
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {
        "reasons_of": reasons_of,
        "interval_of": interval,
        "cell_text": cell_text,
        "signs": SIGNS,
        "counted": counted,
        "shown": wording.shown_ratio,
    }
