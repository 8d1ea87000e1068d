"""TOML documents read key by key: values, and where each complaint points."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.util.toml import Keys, as_name, kind_of, seconds_of
from builder.errors import ExperimentError

TEXT = """\
base = "3.13"
blocks = 7
share = 0.5
quick = true
list = ["a", "b"]
time = "10m"

[[candidate]]
name = "one"
[[candidate]]
name = "two"
[candidate.flavor]
pgo = false
"""
TABLE = tomllib.loads(TEXT)
KEYS = Keys(file="x.toml", text=TEXT, folder=Path("/"))


def refusal(read: Callable[[], object]) -> ExperimentError:
    with pytest.raises(ExperimentError) as caught:
        read()
    return caught.value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 m ", 120), ("168h", 604800)],
)
def test_times(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1s", "0s", "1d", "169h", "1e3s"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is the user's
        seconds_of(text)


def test_values_and_their_defaults() -> None:
    assert KEYS.string(TABLE, "", "base", "x") == "3.13"
    assert KEYS.string(TABLE, "", "none", "x") == "x"
    assert KEYS.strings(TABLE, "", "list") == ("a", "b")
    assert KEYS.strings(TABLE, "", "base") == ("3.13",)
    assert KEYS.strings(TABLE, "", "none") == ()
    assert KEYS.boolean(TABLE, "", "quick", False) is True
    assert KEYS.integer(TABLE, "", "blocks", 1, low=1, high=7) == 7
    assert KEYS.number(TABLE, "", "share", 0.0, low=0, high=1) == 0.5
    assert KEYS.duration(TABLE, "", "time") == 600
    assert KEYS.duration(TABLE, "", "none") is None
    assert KEYS.choice(TABLE, "", "none", ("a", "b"), "b") == "b"


@pytest.mark.parametrize(
    ("read", "problem", "line"),
    [
        (lambda: KEYS.string(TABLE, "", "blocks", ""), "blocks is a number (7).", 2),
        (lambda: KEYS.strings({"list": ["a", ""]}, "", "list"), "list is a list.", 5),
        (lambda: KEYS.boolean(TABLE, "", "blocks", True), "blocks is a number (7).", 2),
        (lambda: KEYS.integer(TABLE, "", "quick", 1, low=0, high=9), "quick is true.", 4),
        (lambda: KEYS.integer(TABLE, "", "share", 1, low=0, high=9), "share is a number", 3),
        (lambda: KEYS.integer(TABLE, "", "blocks", 1, low=8, high=9), "blocks is 7.", 2),
        (lambda: KEYS.number(TABLE, "", "quick", 1, low=0, high=9), "quick is true.", 4),
        (lambda: KEYS.number(TABLE, "", "share", 1, low=1, high=9), "share is 0.5.", 3),
        (lambda: KEYS.duration(TABLE, "", "blocks"), "blocks is 7.", 2),
        (lambda: KEYS.choice(TABLE, "", "base", ("a",), "a"), "base is '3.13'.", 1),
        (lambda: KEYS.name({"name": "a/b"}, "candidate[2]", ""), "candidate[2].name is 'a/b'.", 11),
        (
            lambda: KEYS.boolean({"pgo": 1}, "candidate[2].flavor", "pgo", True),
            "candidate[2].flavor.pgo is a number (1).",
            13,
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_line(
    read: Callable[[], object], problem: str, line: int
) -> None:
    error = refusal(read)
    assert error.what.startswith(problem)
    assert error.where == f"x.toml, line {line}"
    assert error.hint.startswith("Right would be: ")


@pytest.mark.parametrize("text", ["a\nb", "a\0b"])
def test_text_is_of_one_line(text: str) -> None:
    assert "one line of text" in refusal(lambda: KEYS.string({"x": text}, "", "x", "")).hint


def test_an_unknown_key_has_the_nearest_known_one_named() -> None:
    error = refusal(lambda: KEYS.reject_unknown({"nmae": 1}, "candidate[1]", ("name", "why")))
    assert error.what == "candidate[1].nmae is not a key that patchbench knows."
    assert "name (did you mean that?), or one of: name, why" in error.hint
    assert error.where == "x.toml, line 8"  # that of the table, since no line gives the key
    assert "did you mean" not in refusal(lambda: KEYS.reject_unknown({"q": 1}, "", ("name",))).hint
    KEYS.reject_unknown({"name": 1}, "", ("name", "why"))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "true"),
        (1.5, "a number (1.5)"),
        ("x" * 100, "text ('" + "x" * 79 + "...)"),
        ([], "a list"),
        ({}, "a table"),
        (None, "NoneType"),
    ],
)
def test_what_a_value_is(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("text", "name"),
    [("my patch.diff", "my-patch.diff"), ("-/.", "arm"), ("x" * 99, "x" * 64), ("é", "arm")],
)
def test_names_of_arms(text: str, name: str) -> None:
    assert as_name(text) == name


def test_a_number_that_python_refuses_to_print_can_be_named() -> None:
    assert kind_of(10**5000) == "a number (a number far too large)"
