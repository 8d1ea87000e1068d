"""report.md, and helpers to escape text in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.compare import SIGNS, interval, times
from bench.report import wording
from bench.report.answers import answers, correctness
from bench.report.change import report_change, title_of
from bench.report.objections import objections
from bench.report.wording import main_candidates
from bench.results import Result
from bench.util import harmless

_TEMPLATES = Path(__file__).parent / "templates"
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
# GitHub looks for @names and #numbers in the rendered text, where no backslash is left.
_MENTIONS = re.compile(r"([@#])(?=\w)")
# At the beginning of a line these begin a list or underline a heading.
_OPENING = re.compile(r"^(\d*)([-+=.)])")

_MOST_LINES, _MOST_CHARACTERS = 400, 20_000


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


def patch_lines(text: str, left_out: int, place: str) -> Iterator[str]:
    """The lines of a folded block with a patch of unknown origin.

    `left_out` lines follow in the patch; `place` says where the whole is. The fence is longer than
    any row of backticks in the patch, which is shown as it is.
    """
    clean = harmless(text).splitlines()
    shown = _limited(clean)
    left_out += len(clean) - len(shown)
    longest = max((len(run) for run in re.findall("`+", "\n".join(shown))), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"<details><summary>The patch, {len(shown)} lines</summary>"
    yield ""
    yield f"{fence}diff"
    yield from shown
    yield fence
    yield ""
    if left_out:
        yield f"{left_out} more lines are left out. {plain(place)}".rstrip()
        yield ""
    yield "</details>"


def _limited(lines: Sequence[str]) -> list[str]:
    """The first lines, no more than a tracker takes."""
    size, shown = 0, []
    for line in lines[:_MOST_LINES]:
        size += len(line) + 1
        if size > _MOST_CHARACTERS:
            break
        shown.append(line)
    return shown


def render(result: Result) -> str:
    """The report as Markdown. Shapes: docs/result-schema.md."""
    changes = [
        (arm.name, arm.change, report_change(arm.change))
        for arm in main_candidates(result)
        if arm.change is not None
    ]
    return filled(
        "report.md.jinja",
        result=result,
        title=title_of(result),
        answers=answers(result),
        objections=objections(result),
        changes=changes,
        correctness=correctness,
    )


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
    environment.globals["patch"] = lambda change: _Raw(
        "\n".join(patch_lines(change.patch, change.left_out, change.place))
    )
    environment.filters["opening"] = lambda text: _Raw(opening(text))
    environment.filters["fenced"] = lambda text: _Raw(fenced(text))
    text = environment.get_template(template).render(**values)
    # Sections without content leave their empty lines behind.
    return re.sub(r"\n{3,}", "\n\n", text)


class _Raw(str):
    """Text that `code` or `fenced` has made safe."""

    __slots__ = ()


def _escaped(value: object) -> str:
    return value if isinstance(value, _Raw) else plain(value)
