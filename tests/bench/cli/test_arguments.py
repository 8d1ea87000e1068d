"""The converters of command line arguments."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from bench.cli import arguments
from bench.cli.parser import command_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gotos", ("gotos",)),
        ("gotos,series", ("gotos", "series")),
        (" gotos, series ,", ("gotos", "series")),
        ("b,a,b", ("b", "a")),
    ],
)
def test_names_have_commas_and_may_have_spaces(text: str, expected: tuple[str, ...]) -> None:
    assert arguments.names(text) == expected


@pytest.mark.parametrize(
    ("text", "why"), [(" ", "must not be empty"), (" , ,", "at least one name")]
)
def test_without_a_name_the_option_is_refused(text: str, why: str) -> None:
    with pytest.raises(ArgumentTypeError, match=why):
        arguments.names(text)


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("ladder --branch 2.7 --steps", "steps"),
        ("ladder --branch 2.7 --suite", "suite"),
        ("run --base 2.7 --suite", "suite"),
        ("bisect a b --benchmark", "benchmark"),
        ("calibrate --benchmarks", "benchmarks"),
    ],
)
def test_every_list_of_names_is_read_alike(line: str, option: str) -> None:
    parsed = command_line().parse_args([*line.split(), "one, other"])
    assert getattr(parsed, option) == ("one", "other")


def test_a_suite_is_read_as_in_an_experiment_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parsed = command_line().parse_args(
        ["run", "x.toml", "--suite", "micro/MANIFEST, list_count", "--suite=-nbody,list_count"]
    )
    assert parsed.suite == (str(tmp_path / "micro/MANIFEST"), "list_count", "-nbody")
    with pytest.raises(ArgumentTypeError, match="at least one name"):
        arguments.suite(" , ")


def test_steps_and_suite_of_a_ladder_have_defaults() -> None:
    parsed = command_line().parse_args(["ladder", "--branch", "2.7"])
    assert parsed.steps[0] == "switch"
    assert parsed.suite == ("kernels", "quick")
