"""report.md: the result for trackers and pull requests."""

from __future__ import annotations

import re
from pathlib import Path

from bench.compare import SIGNS, interval
from bench.report import wording
from bench.results import Result
from bench.util import harmless

_TEMPLATES = Path(__file__).parent / "templates"
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
# GitHub looks for @names and #numbers in what was rendered, where no backslash is left.
_CALLS = re.compile(r"([@#])(?=\w)")
# What begins a list or an underlined heading, where it begins a line.
_OPENING = re.compile(r"^(\d*)([-+=.)])")


def plain(text: object) -> str:
    """Text of unknown origin as text: no markup, no link, no mention, no second line."""
    flat = " ".join(harmless(str(text)).split())
    return _SPECIAL.sub(r"\\\1", _CALLS.sub("\\1\u2060", flat))


def opening(text: object) -> str:
    """`plain` text where it begins a paragraph or the item of a list."""
    return _OPENING.sub(r"\1\\\2", plain(text))


def code(text: object) -> str:
    """Text of unknown origin inside a code span: it cannot end it, nor can an empty line in it."""
    return " ".join(fenced(text).split())


def fenced(text: object) -> str:
    """Text of unknown origin inside a code block: it cannot end it."""
    return harmless(str(text)).replace("`", "'")


def render(result: Result) -> str:
    """The report as Markdown. Shapes: docs/result-schema.md."""
    return filled("report.md.jinja", result=result)


def filled(template: str, **values: object) -> str:
    """A template of Markdown, filled in."""
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
        shown_ratio=wording.shown_ratio,
        common_warnings=wording.common_warnings,
        own_warnings=wording.own_warnings,
        signs=SIGNS,
        told=wording.told,
        smt=wording.smt,
        warmup=record.describe_warmup,
    )
    environment.filters["code"] = lambda text: _Raw(code(text))
    environment.filters["fenced"] = lambda text: _Raw(fenced(text))
    text = environment.get_template(template).render(**values)
    # What is not there leaves its empty lines behind.
    return re.sub(r"\n{3,}", "\n\n", text)


class _Raw(str):
    """Text that went through `code` or `fenced` already."""

    __slots__ = ()


def _escaped(value: object) -> str:
    return value if isinstance(value, _Raw) else plain(value)
