"""report.md, and helpers to escape text in Markdown."""

from __future__ import annotations

import re
from pathlib import Path

from bench.compare import SIGNS, interval, times
from bench.report import wording
from bench.results import Result
from bench.util import harmless

_TEMPLATES = Path(__file__).parent / "templates"
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
# GitHub looks for @names and #numbers in the rendered text, where no backslash is left.
_MENTIONS = re.compile(r"([@#])(?=\w)")
# At the beginning of a line these begin a list or underline a heading.
_OPENING = re.compile(r"^(\d*)([-+=.)])")


def plain(text: object) -> str:
    """Escape text of unknown origin: no markup, no link, no mention, no second line."""
    flat = " ".join(harmless(str(text)).split())
    return _SPECIAL.sub(r"\\\1", _MENTIONS.sub("\\1\u2060", flat))


def opening(text: object) -> str:
    """Escape text that begins a paragraph or a list item, as `plain` does."""
    return _OPENING.sub(r"\1\\\2", plain(text))


def code(text: object) -> str:
    """Make text of unknown origin safe in a code span: no backtick and no line break."""
    return " ".join(fenced(text).split())


def fenced(text: object) -> str:
    """Make text of unknown origin safe in a code block: no backtick."""
    return harmless(str(text)).replace("`", "'")


def render(result: Result) -> str:
    """The report as Markdown. Shapes: docs/result-schema.md."""
    return filled("report.md.jinja", result=result)


def filled(template: str, **values: object) -> str:
    """Render a Markdown template; values are escaped but for those of `code` and `fenced`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from bench.session import record

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown, not HTML: every value goes through `plain` or `code`
        finalize=_escaped,
    )
    environment.globals.update(
        headline=wording.headline,
        interval=interval,
        times=times,
        shown_ratio=wording.shown_ratio,
        common_warnings=wording.common_warnings,
        own_warnings=wording.own_warnings,
        signs=SIGNS,
        fact_text=wording.fact_text,
        smt=wording.smt,
        warmup=record.describe_warmup,
    )
    environment.filters["code"] = lambda text: _Raw(code(text))
    environment.filters["fenced"] = lambda text: _Raw(fenced(text))
    text = environment.get_template(template).render(**values)
    # Sections without content leave their empty lines behind.
    return re.sub(r"\n{3,}", "\n\n", text)


class _Raw(str):
    """Text that `code` or `fenced` has made safe."""

    __slots__ = ()


def _escaped(value: object) -> str:
    return value if isinstance(value, _Raw) else plain(value)
