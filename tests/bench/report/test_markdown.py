from __future__ import annotations

import re

import pytest

from bench.report.markdown import plain, render
from tests.bench.report.example import HOSTILE, result


def test_the_verdict_leads_and_every_row_is_there() -> None:
    text = render(result())
    lines = text.splitlines()
    assert lines[0] == "# some"
    assert "**fast-paths is 1.09x faster over the suite (ratio 0.9142" in lines[2]
    assert "| nbody | 0.7074 (1.41x faster) | 0.7003 to 0.7145 |" in text
    assert "| richards | 1.0200 (1.02x slower) | no interval |" in text
    assert "geometric mean** | **0.9142 (1.09x faster)**" in text
    assert "- Missing: go: some" in text
    assert "62 test files that the base passes;\nthe candidate passes them all." in text
    assert "| indirect jumps | 93 | 203 |" in text
    assert "patchbench run some --seed 7" in text
    # A warning that all rows share is told once, above the table.
    assert text.count("one-build") == 1
    assert text.index("one-build") < text.index("| nbody")


def test_a_broken_candidate_says_why() -> None:
    content = result()
    content["candidates"][0] |= {
        "verdict": "broken",
        "suite": None,
        "comparisons": [],
        "gate": {
            "selection": "core",
            "tests": 62,
            "broken": ["test_int"],
            "flaky": [],
            "base_failed": [],
        },
    }
    text = render(content)
    assert r"fast-paths is broken: it fails test\_int, which the base passes." in text
    assert r"the candidate fails test\_int." in text


def test_no_gate_is_said_loudly() -> None:
    content = result()
    content["candidates"][0]["gate"] = None
    assert "**No gate:" in render(content)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    report = render(result(name=text, benchmark=text, word=text))
    unescaped = re.sub(r"\\.", "", report)
    outside = "".join(unescaped.split("```")[::2])
    spans = re.sub(r"`[^`\n]*`", "", outside)
    assert "<script" not in spans
    assert "](" not in spans
    assert "@everyone" not in spans
    assert "\x1b" not in report
    assert "\x9b" not in report
    # One fenced block, of the commands; no text ends it or begins another.
    assert report.count("```") == 2
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert widths == {8, 4}
    assert [line for line in report.splitlines() if line.startswith("#")][1:] != []
    assert not any(line.strip() == "# heading" for line in outside.splitlines())


def test_plain_is_one_line() -> None:
    assert plain(" a\n\n b\t<c> ") == r"a b \<c\>"
