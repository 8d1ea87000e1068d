from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from bench.report.formats import html
from tests import golden
from tests.bench.report.big import big
from tests.bench.report.hostile import hostile
from tests.bench.results.given import given
from tests.golden import changes
from tests.golden.specimen import specimen

render = given(html.render)

VOID = {"meta", "link", "input"}
# What makes a browser ask for something, or run something.
REACHING = {"src", "srcset", "action", "formaction", "background", "poster", "data", "ping"}


class Page(HTMLParser):
    """A page taken apart: tags with their attributes, texts, and whether all that opens closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self.inside: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("script", "style"):
            self.inside[self._open[-1]] = self.inside.get(self._open[-1], "") + data
        else:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str, kind: str = "") -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and (not kind or kind in attributes.get("class", "").split())
        ]


def shape(page: Page) -> list[tuple[str, str, str]]:
    """What hostile text must not change: the tags, their classes and their roles."""
    # What is long gets a line of its own: a matter of length, not of content.
    return [
        (tag, a.get("class", "").replace("wide", ""), a.get("role", "")) for tag, a in page.tags
    ]


@functools.cache
def of_the_specimen() -> Page:
    return Page(render(specimen()))


def test_the_verdict_comes_first_then_objections_then_the_tables() -> None:
    page = of_the_specimen()
    places = [
        page.text.index(text)
        for text in (
            "fast-add is 1.05x faster over the suite",
            "Limitations and warnings",
            "All arms, over the suite",
            "Correctness",
            "What differs between the builds",
            "The session, block by block",
            "How it was measured",
            "patchbench --home HOME run specimen.toml --seed 7",
        )
    ]
    assert places == sorted(places)


def test_every_comparison_is_a_row_with_all_its_cells() -> None:
    page = of_the_specimen()
    bodies = page.all("tbody", "benchmark")
    names = [one["data-name"] for one in bodies]

    assert names == ["nbody", "spectral_norm", "json_dumps", "regex_v8", "pickle"]
    assert bodies[1]["data-interval"] == "Infinity"
    for text in ("0.7900 to 0.8100", "1.25x faster", "no interval", "1.0004", "outliers"):
        assert text in page.text
    assert "tornado_http : fast-add was killed by SIGSEGV (boom)" in page.text
    assert "gate (core) passed: 71 test files, 0 differ" in page.text
    assert "wrong-add is broken: it fails test_dis, test_int" in page.text
    assert "not asked for" in page.text


def test_colour_is_never_the_only_sign() -> None:
    page = render(specimen())
    badges = re.findall(r'<span class="badge (\w*)"><span class="sign"[^>]*>(.)</span> (\w+)', page)
    assert {(kind, sign, word) for kind, sign, word in badges} == {
        ("faster", "+", "faster"),
        ("slower", "-", "slower"),
        ("equivalent", "=", "equivalent"),
        ("undecided", "?", "undecided"),
        ("broken", "!", "broken"),
    }


def test_nothing_is_fetched_and_only_our_own_script_runs() -> None:
    page = of_the_specimen()
    policies = [a["content"] for a in page.all("meta") if "http-equiv" in a]
    assert len(page.all("script")) == len(page.all("style")) == 1
    expected = {
        name: base64.b64encode(hashlib.sha256(page.inside[name].encode()).digest()).decode()
        for name in ("script", "style")
    }
    assert policies == [
        "default-src 'none'; img-src data:; "
        f"style-src 'sha256-{expected['style']}'; script-src 'sha256-{expected['script']}'; "
        "base-uri 'none'; form-action 'none'"
    ]
    for tag, attributes in page.tags:
        assert not REACHING & attributes.keys()
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("href", "#").startswith(("#", "data:,")), tag
    assert "url(" not in page.inside["style"]
    assert "@import" not in page.inside["style"]


def test_hostile_text_stays_text() -> None:
    content = hostile()
    for mine, theirs in zip(content["candidates"], specimen()["candidates"], strict=True):
        mine["kind"] = theirs["kind"]  # one of ours, and no text of anybody's
    page, plain = Page(render(content)), of_the_specimen()

    assert shape(page) == shape(plain)
    assert page.inside == plain.inside
    assert page.comments == []
    assert page.text.count("<script>alert(1)</script>") > 30
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", "".join(page.texts))
    assert all(a.get("href", "#").startswith(("#", "data:,")) for _, a in page.tags)


@pytest.mark.parametrize("text", ['"><img src=x onerror=alert(1)>', "' onclick='x", "</table>"])
def test_names_and_verdicts_of_anybodys_choice_stay_text(text: str) -> None:
    content = specimen()
    content["experiment"]["name"] = text
    for candidate in content["candidates"]:
        candidate["name"] = candidate["verdict"] = candidate["kind"] = text
        for one in candidate["comparisons"]:
            one["verdict"] = one["benchmark"] = text
    page = Page(render(content))

    assert text in page.text
    assert not page.all("img")
    assert not [a for _, a in page.tags if "onclick" in a or "onerror" in a]


def test_a_result_read_back_gives_the_same_page() -> None:
    assert render(json.loads(golden.read("result.json"))) == render(specimen())


def test_a_result_without_any_measurement_is_rendered() -> None:
    content = specimen()
    content["candidates"] = content["candidates"][2:]
    content["blocks"] = []
    del content["session"]["seconds"], content["session"]["missing"]
    page = Page(render(content))

    assert "lto is broken" in page.text
    assert page.all("svg") == []
    assert "block by block" not in page.text


def test_no_gate_is_said() -> None:
    content = specimen()
    content["candidates"][0]["gate"] = None
    page = render(content)
    assert page.count("no gate: CPython&#39;s own tests were not run, so it may be incorrect") == 1


def test_controls_the_ladder_and_placebos_have_their_places() -> None:
    content = big(benchmarks=2, blocks=4, arms=3, replicas=2)
    content["ladder"] = [
        {"name": "switch", "title": "no computed gotos", "ratio": 1.1, "verdict": "slower"},
        {"name": "plain", "ratio": 1.0},
    ]
    page = Page(render(content))

    assert "The ladder" in page.text
    assert "no computed gotos" in page.text
    assert "placebo: changes nothing a program can observe" in page.text
    assert "the placebo band" in page.text
    assert len([a for a in page.all("path") if a["class"] == "placebo"]) == 3 * 3 * 1 + 3
    assert "The ladder" not in Page(render(big(benchmarks=2, blocks=4, arms=3))).text


def test_several_metrics_are_told_apart() -> None:
    content: dict[str, Any] = specimen()
    candidate = content["candidates"][0]
    memory = candidate["comparisons"][1] | {"metric": "memory", "ratio": 1.25, "verdict": "slower"}
    candidate["comparisons"].append(memory)
    candidate["suites"] = [candidate["suite"] | {"metric": "memory", "verdict": "slower"}]
    page = Page(render(content))

    assert "nbody (memory)" in page.text
    assert "nbody (time)" in page.text
    assert "geometric mean (memory)" in page.text


def test_everything_that_can_be_read_aloud_has_a_name() -> None:
    page = Page(render(big(benchmarks=2, blocks=4, arms=1)))
    identifiers = [a["id"] for _, a in page.tags if "id" in a]

    assert len(identifiers) == len(set(identifiers))
    for _, attributes in page.tags:
        for reference in ("aria-controls", "aria-labelledby"):
            assert attributes.get(reference, identifiers[0]) in identifiers
    for drawing in page.all("svg"):
        assert drawing.get("role") == "img" or drawing.get("aria-hidden") == "true"
    assert len(page.all("svg", "panel")) == len(page.all("title")) - 1
    assert all("aria-expanded" in one for one in page.all("button", "open"))
    assert all("aria-pressed" in one for one in page.all("button", "filter"))
    assert len([a for a in page.all("th") if a.get("aria-sort") == "ascending"]) == 1


# -- the change and the first screen -------------------------------------------------------------


def test_the_title_names_the_change() -> None:
    page = Page(render(changes.commit()))
    title = "bpo-37543: optimize pymalloc (#14674) (fb26504d14) against 3.9.0a0"
    assert page.text.count(title) == 2  # <title> and the heading
    assert "adhoc" not in page.text


def test_the_first_screen_has_its_order_and_the_rest_is_folded() -> None:
    text = render(changes.commit())
    order = [
        "<h1>bpo-37543",
        'class="verdict-line faster"',
        "<dt>What it is</dt>",
        "<dt>Faster</dt>",
        "<dt>Slower</dt>",
        "<dt>Costs</dt>",
        "<dt>Still Python?</dt>",
        ">Limitations and warnings</h2>",
        'data-name="nbody"',
        "<h3>The change</h3>",
        "<summary>The patch</summary>",
        "-static int old;",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_what_is_left_out_of_a_change_is_said() -> None:
    content = changes.commit()
    content["candidates"][0]["change"] |= {
        "left_out": 1234,
        "commits": 155,
        "count": {"files": 1002, "added": 1, "removed": 1},
    }
    text = Page(render(content)).text
    for expected in (
        "The patch, without its last 1234 lines",
        "1234 more lines are left out. The whole patch: changes/fb26504d14.diff in the results",
        "and 154 more",
        "1002 files",
        "and 1000 more files",
    ):
        assert expected in text


def test_a_hostile_change_makes_no_tag() -> None:
    content, usual = changes.commit(), changes.commit()
    evil = "</pre></details><script>alert(1)</script><img src=x>"
    for one, text in ((content, evil), (usual, "usual")):
        one["candidates"][0]["change"] |= {
            "subject": text,
            "name": text,
            "steps": [{"name": text, "subject": text, "author": text, "date": text}] * 2,
            "files": [{"path": text, "kind": text}],
            "patch": text,
            "patch_file": text,
            "left_out": 3,
            "note": text,
        }
    tags = [[name for name, _ in Page(render(one)).tags] for one in (content, usual)]
    assert tags[0] == tags[1]
