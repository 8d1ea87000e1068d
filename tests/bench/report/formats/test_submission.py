from __future__ import annotations

import json
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bench.report.formats import submission
from tests import golden
from tests.bench.report import example
from tests.bench.report.hostile import HOSTILE, hostile
from tests.bench.results.given import given
from tests.golden import changes

render = given(submission.render)

SHOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
# What would begin a block of its own, or what GitHub makes links of.
MORE = (
    "- a list",
    "1. a list",
    "1) a list",
    "+ a list",
    "===",
    "---",
    "www.example.org https://example.org ann@example.org",
    "org/repo#1 #2 @ann",
    "naïve ☃",
)


def specimen() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(golden.read("result.json"))
    return content


def tokens(text: str) -> list[Token]:
    found = []
    for token in SHOWN.parse(text):
        found += [token, *(token.children or ())]
    return found


def outline(text: str) -> list[tuple[str, str]]:
    """Everything in a document that is more than text, in order, with its HTML tag."""
    return [(one.type, one.tag) for one in tokens(text) if one.type != "text" and one.tag != "br"]


def test_the_submission_is_the_golden_one() -> None:
    assert render(specimen()) == golden.read("submission.md")


def test_it_says_what_the_mail_says() -> None:
    text = render(specimen())

    assert text.startswith("# CPython 3.13.5: fast-add: 1.05x faster (and 2 more)\n\n**fast-add")
    assert text.index("Limitations and warnings:") < text.index("| benchmark |")
    assert (
        "| nbody | 104.0 ms -\\> 83.2 ms | 0.8000 | 0.7900 to 0.8100 | + 1.25x faster | 12 |  |"
        in text
    )
    assert "- base, options of the evaluation function: `-O3 -march=x86-64`" in text
    assert "```\npatchbench --home HOME run specimen.toml --seed 7\n```" in text


def test_every_text_of_a_result_may_be_hostile() -> None:
    report = render(hostile(specimen()))

    assert outline(report) == outline(render(specimen()))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", report)


@pytest.mark.parametrize("text", [*example.HOSTILE, HOSTILE, *MORE])
def test_hostile_text_stays_text(text: str) -> None:
    report = render(example.result(name=text, benchmark=text, word=text))
    usual = render(example.result(name="usual", benchmark="usual", word="usual"))

    assert outline(report) == outline(usual)
    outside = re.sub(r"```.*?```|`[^`\n]*`", "", report, flags=re.DOTALL)
    # GitHub links these wherever they are rendered, escaped or not.
    assert not re.search(r"(?<![\\])[@#](?=\w)|\\[@#](?=\w)|(?<!\\)://|www\.\w", outside)


def test_the_submissions_of_changes_are_the_golden_ones() -> None:
    assert render(changes.commit()) == golden.read("commit-submission.md")
    assert render(changes.several()) == golden.read("several-submission.md")


def test_the_title_names_the_change_and_the_patch_is_folded() -> None:
    text = render(changes.commit())
    assert text.startswith("# bpo-37543: optimize pymalloc")
    assert text.splitlines()[0].endswith("against 3.9.0a0: 1.05x faster")
    assert text.index("Still Python?") < text.index("<details>") < text.index("-static int old;")


def test_a_hostile_change_stays_text() -> None:
    content, usual = changes.commit(), changes.commit()
    for one, text in ((content, HOSTILE), (usual, "usual")):
        one["candidates"][0]["change"] |= {
            "subject": text,
            "name": text,
            "steps": [{"name": text, "subject": text, "author": text, "date": text}] * 2,
            "patch": f"{text}\n```\n</details>\n# owned",
            "patch_file": text,
            "left_out": 3,
            "note": text,
        }
    assert outline(render(content)) == outline(render(usual))
