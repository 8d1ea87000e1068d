"""ladder.md, ladder.html and ladder.svg: the ladder of a result as one table and one picture."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from bench.compare import SIGNS
from bench.compare import interval as ratio_interval
from bench.report import wording
from bench.report.charts import ladder
from bench.report.formats import html, markdown
from bench.report.reading import view_of
from bench.report.rungs import Group, RungCell, RungRatio, counted, groups
from bench.results import Result

_TEMPLATES = Path(__file__).parent / "templates"


def render(result: Result) -> dict[str, str]:
    """The files by name; none when the result has no ladder."""
    ladders = groups(result)
    if not ladders:
        return {}
    title = f"The ladder from {view_of(result).base.title} up"
    picture = str(ladder.picture(ladders, title))
    return {
        "ladder.svg": picture,
        "ladder.md": _markdown(result, ladders),
        "ladder.html": _page(result, ladders, picture),
    }


def reasons_of(group: Group) -> tuple[str, ...]:
    """The reasons for missing cells, without duplicates; tables number them in this order."""
    reasons = (
        cell.reason for line in group.lines for cell in line.cells.values() if not line.is_base
    )
    return tuple(dict.fromkeys(reason for reason in reasons if reason))


def interval(ratio: RungRatio) -> str:
    """The interval as text: 0.9472 to 0.9552."""
    return ratio_interval(ratio.low, ratio.high)


def cell_text(cell: RungCell, reasons: tuple[str, ...]) -> str:
    """A benchmark on a rung: the ratio and the verdict's sign, or the number of the reason."""
    if cell.whole is None:
        return f"missing ({reasons.index(cell.reason) + 1})" if cell.reason in reasons else ""
    return f"{cell.whole.ratio:.3f} {SIGNS.get(cell.whole.verdict, '')}".rstrip()


def _markdown(result: Result, ladders: tuple[Group, ...]) -> str:
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
    return template.render(result=result, groups=ladders, **_helpers())


def _page(result: Result, ladders: tuple[Group, ...], picture: str) -> str:
    return html.page(
        "ladder.html.jinja",
        view=view_of(result),
        groups=ladders,
        picture=base64.b64encode(picture.encode()).decode(),
        **_helpers(),
    )


def _helpers() -> dict[str, Any]:
    return {
        "reasons_of": reasons_of,
        "interval_of": interval,
        "cell_text": cell_text,
        "signs": SIGNS,
        "counted": counted,
        "shown": wording.shown_ratio,
    }
