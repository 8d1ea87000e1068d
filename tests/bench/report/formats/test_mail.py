from __future__ import annotations

import copy
import json
from email import message_from_string
from typing import Any

import pytest

from bench.report.formats import mail
from bench.util.text import COLUMNS
from tests import golden
from tests.bench.report import example
from tests.bench.report.hostile import HOSTILE, hostile
from tests.bench.results.given import given

render = given(mail.render)

LONG = "x" * 200
# What a mail program or server would take for something of its own.
MAIL = (
    "a\nBcc: everyone@example.org\n\nbody",
    "a\r\n.\r\nMAIL FROM:<x>",
    "From nobody Mon Jan  1 00:00:00 2001",
    ".",
    "-- ",
    "=?utf-8?q?encoded?=",
    "naïve ☃ 日本語 \u202e\u2028\u0000",
    LONG,
    f"{LONG} {LONG}",
    "it's 'quoted' \"twice\" \\ and `more` $(x)",
)


def specimen() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(golden.read("result.json"))
    return content


def check(text: str) -> list[str]:
    """What holds for every mail; its lines."""
    lines = text.split("\n")
    assert max(map(len, lines)) <= COLUMNS
    assert text.isascii()
    assert all(line.isprintable() for line in lines)
    assert not [line for line in lines if line.startswith("From ") or line in (".", "--")]
    parsed = message_from_string(text)
    assert parsed.keys() == ["Subject"]
    assert not parsed.defects
    assert lines[1] == ""
    return lines


def test_the_mail_is_the_golden_one() -> None:
    assert render(specimen()) == golden.read("mail.txt")


def test_subject_verdict_objections_and_table_come_in_this_order() -> None:
    text = render(example.result())
    lines = check(text)

    assert lines[0] == "Subject: [patchbench] CPython 2.7.18: fast-paths is 1.09x faster"
    assert lines[2] == "fast-paths is 1.09x faster over the suite (ratio 0.9142, 0.9051 to 0.9233);"
    order = [
        "Slower: richards 1.02x",
        "Limitations and warnings",
        "One build of each arm",
        "nbody  ",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_rows_are_aligned_and_hold_every_figure() -> None:
    lines = check(render(example.result(benchmark="n" * 27)))

    (row,) = [line for line in lines if line.startswith("n" * 27)]
    assert row == f"{'n' * 27}  0.7074  0.7003 to 0.7145  + 1.41x faster     12"
    assert len(row) == COLUMNS
    (mean,) = [line for line in lines if line.startswith("geometric mean  ")]
    assert mean.index("0.9142") == row.index("0.7074")


def test_a_name_too_long_for_its_column_has_lines_of_its_own() -> None:
    lines = check(render(example.result(benchmark=LONG)))

    at = next(at for at, line in enumerate(lines) if line.strip().startswith("0.7074"))
    assert set(lines[at - 1]) == {"x"}
    assert lines[at].index("0.7074") == 29


def test_a_reader_finds_what_they_ask_first() -> None:
    text = " ".join(render(specimen()).split())

    for expected in (
        "base, compiler: gcc 12.2.0; in the binary: GNU C11 12.2.0",
        "base, PGO, LTO: PGO off, LTO off",
        "base, configure: --prefix=PREFIX CC=gcc",
        "base, options of the evaluation function: -O3 -march=x86-64",
        "firmware: turbo unknown, SMT on, microcode 0x1",
        "ASLR: on",
        "frequency: governor unknown, current frequency not readable",
        "OS: Debian GNU/Linux 12 (bookworm), kernel 6.1.0, glibc 2.36",
        "commit 0123456789abcdef0123456789abcdef01234567",
        "suite: pyperformance 1.14.0: json_dumps,",
        "fast-add, indirect jumps: 230 -> 3",
        "intervals of fast-add: +-0.3% to +-4.9% by benchmark, median +-1.5%",
        "wrong-add: 71 test files of CPython (core) that the base passes; fails test_dis",
        "patchbench --home HOME run specimen.toml --seed 7",
    ):
        assert expected in text


def test_controls_are_noise_and_no_claims() -> None:
    content = specimen()
    control = copy.deepcopy(content["candidates"][0]) | {"name": "again", "kind": "aa"}
    content["candidates"].append(control)
    content["placebo_band"] = {"suite": [0.94, 1.01], "benchmarks": {}}
    content["session"]["false_calls"] = {"called": 3, "of": 200, "upper": 0.0382, "origin": "here"}
    text = " ".join(render(content).split())

    assert "A/A, the base against itself: suite 0.9512 (0.9472 to 0.9552), faster; 2 of 5" in text
    assert "placebos (layout alone): suite 0.9400 to 1.0100" in text
    assert "called different 3 of 200 times by this procedure, at most 3.8% (95%); here" in text
    assert "and 2 more" in text
    assert "again is" not in text


def test_protocols_of_each_benchmark_are_told() -> None:
    content = specimen()
    content["session"]["protocols"] = {"nbody": "corun", "pickle": "lockstep", "go": "corun"}

    assert "protocol: corun for go, nbody; lockstep for pickle" in render(content)


@pytest.mark.parametrize("text", [*MAIL, *example.HOSTILE, HOSTILE])
def test_hostile_text_stays_text(text: str) -> None:
    check(render(example.result(name=text, benchmark=text, word=text)))


@pytest.mark.parametrize("before", ["", "From ", ".\n"])
def test_every_text_of_a_result_may_be_hostile(before: str) -> None:
    def begun(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: begun(item) for key, item in value.items()}
        if isinstance(value, list):
            return [begun(item) for item in value]
        return before + value if isinstance(value, str) else value

    content = begun(hostile(specimen()))
    for one in (content, content["base"], *content["candidates"]):
        if "verdict" in one:
            one["verdict"] = one["verdict"].removeprefix(before)
        for row in one.get("comparisons", ()):
            row["clock"] = row["clock"].removeprefix(before)
    check(render(content))


def test_nothing_was_measured() -> None:
    content = specimen()
    content["candidates"] = content["candidates"][2:]
    del content["session"]["seconds"], content["session"]["missing"]
    text = render(content)

    check(text)
    assert text.startswith("Subject: [patchbench] CPython 3.13.5: lto: broken\n")
    assert "lto: did not build" in text
    assert "ratio is candidate" not in text
    assert render(content) == text
