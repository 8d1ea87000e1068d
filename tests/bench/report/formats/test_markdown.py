from __future__ import annotations

import json
import re

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bench.report.formats import markdown
from bench.report.formats.markdown import code, fenced, plain
from bench.util import harmless
from tests import golden
from tests.bench.report import example
from tests.bench.report.example import result
from tests.bench.report.hostile import HOSTILE, hostile
from tests.bench.results.given import given
from tests.golden import changes
from tests.golden.specimen import specimen

render = given(markdown.render)

# What trackers show: CommonMark with HTML and tables.
SHOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def tokens(text: str) -> list[Token]:
    found = []
    for token in SHOWN.parse(text):
        found += [token, *(token.children or ())]
    return found


def outline(text: str) -> list[tuple[str, str]]:
    """Everything in a document that is more than text, in order, with its HTML tag."""
    return [(one.type, one.tag) for one in tokens(text) if one.type != "text" and one.tag != "br"]


def test_the_report_is_the_golden_one() -> None:
    assert render(specimen()) == golden.read("report.md")


def test_a_result_read_back_gives_the_same_report() -> None:
    assert render(json.loads(golden.read("result.json"))) == golden.read("report.md")


def test_every_row_of_a_table_has_all_its_cells() -> None:
    for text in (render(specimen()), render(hostile())):
        rows: list[int] = []
        for token in tokens(text):
            if token.type == "tr_open":
                rows.append(0)
            elif token.type in ("td_open", "th_open"):
                rows[-1] += 1
        assert rows == [8] * 7 + [3] * 3


def test_hostile_text_stays_text() -> None:
    report = render(hostile())
    kinds = [one.type for one in tokens(report)]

    assert not {"html_block", "html_inline", "link_open", "image"} & set(kinds)
    assert outline(report) == outline(render(specimen()))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", report)
    assert "<script>alert(1)</script>" not in SHOWN.render(report)
    assert SHOWN.render(report).count("owned") > 20  # it is all there, as text


def test_plain_text_is_one_line_without_markup() -> None:
    shown = plain(HOSTILE)

    assert "\n" not in shown
    (paragraph,) = [one for one in SHOWN.parse(shown) if one.type == "inline"]
    assert {one.type for one in paragraph.children or ()} <= {"text", "text_special"}


def test_code_cannot_be_ended() -> None:
    assert SHOWN.render(f"`{code(HOSTILE)}`").count("<code>") == 1
    assert "\n" not in code(HOSTILE)
    block = SHOWN.parse(f"```\n{fenced(HOSTILE)}\n```\n")
    assert [one.type for one in block] == ["fence"]


def test_a_result_without_any_measurement_is_rendered() -> None:
    content = specimen()
    content["candidates"] = content["candidates"][2:]
    del content["session"]["seconds"], content["session"]["missing"]
    report = render(content)

    assert "lto is broken" in report
    assert "Method" not in report
    assert "Timing took" not in report


def test_the_verdict_leads_and_every_row_is_there() -> None:
    text = render(result())
    lines = text.splitlines()
    assert lines[0] == "# some"
    assert "**fast-paths is 1.09x faster over the suite (ratio 0.9142" in lines[2]
    assert "| nbody | 0.7074 (1.41x faster) | 0.7003 to 0.7145 |" in text
    assert "| richards | 1.0200 (1.02x slower) | no interval |" in text
    assert "geometric mean** | **0.9142 (1.09x faster)**" in text
    assert "- Missing: go: some" in text
    assert "gate (core) passed: 62 test files, 0 differ" in text
    assert "| indirect jumps | 93 | 203 |" in text
    assert "patchbench run some --seed 7" in text
    # A warning that all rows share is told once, above the table.
    assert text.count("One build of each arm") == 1
    assert text.index("One build of each arm") < text.index("| nbody")


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
    assert r"gate (core) failed: 62 test files, 1 differ: test\_int" in text


def test_no_gate_is_said_loudly() -> None:
    content = result()
    content["candidates"][0]["gate"] = None
    text = render(content)
    assert text.count("no gate: CPython's own tests were not run, so it may be incorrect") == 1


@pytest.mark.parametrize("text", example.HOSTILE)
def test_a_hostile_name_stays_text(text: str) -> None:
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


# -- changes -------------------------------------------------------------------------------------


def patched(text: str, **more: object) -> str:
    content = changes.commit()
    content["candidates"][0]["change"] |= {"patch": text, **more}
    return render(content)


def test_the_reports_of_changes_are_the_golden_ones() -> None:
    assert render(changes.commit()) == golden.read("commit-report.md")
    assert render(changes.several()) == golden.read("several-report.md")


@pytest.mark.parametrize(
    "text",
    [HOSTILE, "```\n</details>\n# owned", "`" * 50 + "\n<b>", "</pre></details><script>x</script>"],
)
def test_a_patch_is_one_block_of_code_and_shown_as_it_is(text: str) -> None:
    tokens_of_it = tokens(patched(text))
    (block,) = [one for one in tokens_of_it if one.type == "fence" and one.info == "diff"]
    assert block.content.splitlines() == harmless(text).splitlines()
    # The two ends of <details>, with text of ours.
    blocks = [one.content for one in tokens_of_it if one.type == "html_block"]
    assert [one.split()[0].split(">")[0] for one in blocks] == ["<details", "</details"]


def test_a_hostile_change_stays_text() -> None:
    content, usual = changes.commit(), changes.commit()
    for one, text in ((content, HOSTILE), (usual, "usual")):
        one["candidates"][0]["change"] |= {
            "subject": text,
            "name": text,
            "steps": [{"name": text, "subject": text, "author": text, "date": text}] * 2,
            "files": [{"path": text, "kind": text}],
            "patch_file": text,
            "left_out": 3,
            "note": text,
        }
    assert outline(render(content)) == outline(render(usual))


@pytest.mark.parametrize(
    ("lines", "left_out", "said"),
    [(3, 0, None), (500, 0, "100 more lines"), (500, 1234, "1334 more lines")],
)
def test_a_long_patch_is_cut_and_says_by_how_much(
    lines: int, left_out: int, said: str | None
) -> None:
    text = patched("+x\n" * lines, left_out=left_out)
    shown = f"{said} are left out. The whole patch: changes/fb26504d14.diff in the results folder."
    assert (shown in text) == (said is not None)
    assert text.count("+x\n") == min(lines, 400)
    assert len(patched("y" * 99_999)) < 20_000
