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
from tests.golden import changes

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

    assert lines[0] == "Subject: [patchbench] CPython 2.7.18: fast-paths: 1.09x faster"
    assert lines[2] == "fast-paths is 1.09x faster over the suite (ratio 0.9142, 0.9051 to 0.9233);"
    order = [
        "What it is",
        "Faster: 1 of 2 benchmarks: nbody 1.41x",
        "Slower: 1 of 2 benchmarks: richards 1.02x",
        "Costs: evaluation function",
        "Still Python? gate (core) passed: 62 test files, 0 differ",
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


# -- above the fold ------------------------------------------------------------------------------


def above(text: str) -> list[str]:
    """The lines above the fold."""
    lines = check(text)
    return lines[: lines.index(mail.FOLD_LINE)]


def many(benchmarks: int, candidates: int, commits: int = 1) -> dict[str, Any]:
    """As much as an experiment may have, with long names and warnings."""
    content = changes.commit()
    (first,) = content["candidates"]
    row = first["comparisons"][0]
    first["comparisons"] = [
        row | {"benchmark": f"benchmark_{n}", "ratio": 1.5, "verdict": "slower", "warnings": [LONG]}
        for n in range(benchmarks)
    ]
    first["change"]["commits"] = commits
    first["change"]["steps"] = first["change"]["steps"] * min(commits, 20)
    first["warnings"] = [f"warning-{n}: {LONG} and more" for n in range(30)]
    content["candidates"] = [
        copy.deepcopy(first) | {"name": f"candidate-{n}"} for n in range(candidates)
    ]
    return content


@pytest.mark.parametrize("content", [changes.commit(), changes.several(), specimen()])
def test_what_decides_is_above_the_fold(content: dict[str, Any]) -> None:
    lines = above(render(content))
    assert len(lines) <= mail.FOLD
    for label in ("What it is", "Faster", "Slower", "Costs", "Still Python?", "Limitations"):
        assert sum(line.startswith(label) for line in lines) == 1, label


@pytest.mark.parametrize(
    ("benchmarks", "candidates", "commits"), [(155, 1, 1), (8, 12, 3), (155, 20, 155), (1, 1, 155)]
)
def test_never_more_than_sixty_lines_are_above_the_fold(
    benchmarks: int, candidates: int, commits: int
) -> None:
    text = render(many(benchmarks, candidates, commits))
    lines = above(text)
    assert len(lines) <= mail.FOLD
    # One line for one warning; what was cut is in full below.
    warnings = lines[lines.index("Limitations and warnings") + 1 :]
    warnings = warnings[: warnings.index("")]
    assert len(warnings) > 5
    assert all(line.startswith(("  * ", "  ... ")) for line in warnings)
    assert " ".join(text.split()).count("warning-29: ") == 1


def test_a_small_table_is_above_the_fold_and_a_large_one_below() -> None:
    assert any(line.startswith("nbody  ") for line in above(render(changes.commit())))
    text = render(many(155, 1))
    assert not any(line.startswith("benchmark_0  ") for line in above(text))
    assert "benchmark_154  " in text


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Short", "Subject: [patchbench] Short (fb26504d14) against 3.9.0a0: 1.05x faster"),
        (LONG, f"Subject: [patchbench] {'x' * 37}...: 1.05x faster"),
        ("a\nBcc: all@example.org", "Subject: [patchbench] a Bcc: all@example.org against 3.9"),
        ("Optimise pymalloc", "Subject: [patchbench] Optimise pymalloc against 3.9.0a0: 1.05x"),
        ("optimize " * 4, "Subject: [patchbench] optimize optimize optimize optimize: 1.05x"),
    ],
)
def test_the_subject_names_the_change_and_never_loses_the_result(
    subject: str, expected: str
) -> None:
    content = changes.commit()
    content["candidates"][0]["change"]["subject"] = subject
    first = check(render(content))[0]
    assert first.startswith(expected)
    assert first.endswith(": 1.05x faster")


def test_the_mails_of_changes_are_the_golden_ones() -> None:
    assert render(changes.commit()) == golden.read("commit-mail.txt")
    assert render(changes.several()) == golden.read("several-mail.txt")


@pytest.mark.parametrize("text", MAIL)
def test_a_hostile_change_stays_text(text: str) -> None:
    content = changes.commit()
    content["candidates"][0]["change"] |= {
        "subject": text,
        "name": text,
        "steps": [{"name": text, "subject": text, "author": text, "date": text}] * 2,
        "patch": text,
        "note": text,
        "files": [{"path": text, "kind": text}],
    }
    above(render(content))
