"""The command line: its help texts, exit codes and code."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from bench.cli import main
from bench.cli.parser import EXIT_CODES, command_line
from builder import errors
from builder.errors import PatchbenchError

# The commands that other programs may rely on; their words are those of docs/glossary.md.
FIXED = (
    "doctor sources series build builds run compare calibrate ladder hot runtimes report bundle "
    "verify reproduce nightly bisect gc"
).split()
WITH_DATA = (
    *("doctor", "sources", "series", "build", "builds", "run", "compare"),
    *("bundle", "verify", "reproduce", "calibrate", "nightly", "bisect"),
    *("runtimes", "hot", "ladder", "history", "study"),
)


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = command_line(complete=True)._subparsers
    assert actions is not None
    (group,) = actions._group_actions
    choices: Any = group.choices
    return dict(choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.option_strings}


def families(of: type[PatchbenchError] = PatchbenchError) -> Iterator[type[PatchbenchError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from families(kind)


def ending(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main.main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_commands_are_those_that_were_agreed_on() -> None:
    assert set(commands()) <= {*FIXED, "study", "history"}
    assert set(commands()) >= {*WITH_DATA, "report", "gc"}


def test_help_tells_every_command_and_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(["--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for name in commands():
        assert re.search(rf"^    {name} +[a-z]{{2,}}|^    {name}\n +[a-z]{{2,}}", out, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending([name, "--help"]) == 0
    out, _err = capsys.readouterr()
    parser = commands()[name]
    assert parser.description
    assert out.startswith(f"usage: patchbench {name}")
    assert {"--home", "--quiet", "--verbose"} <= options(parser)
    assert ("--json" in options(parser)) == (name in WITH_DATA)


@pytest.mark.parametrize("name", ["", *sorted(commands())])
def test_every_option_says_what_it_is(name: str) -> None:
    parser = commands()[name] if name else command_line()
    for action in parser._actions:
        is_command = isinstance(action, argparse._SubParsersAction)
        assert is_command or action.help, action.dest


def test_help_lists_the_exit_codes_that_there_are() -> None:
    text = EXIT_CODES
    listed = [int(code) for code in re.findall(r"^  (\d+) ", text, re.MULTILINE)]
    assert listed == sorted(set(listed))
    codes = {kind.exit_code for kind in families()}
    codes |= {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert set(listed) | {errors.EXIT_TERMINATED} == codes | {0}
    assert str(errors.EXIT_TERMINATED) in text


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    kinds = [kind for kind in families() if kind.__bases__ == (PatchbenchError,)]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    # Others say more, and end as the kind they belong to.
    assert {kind.exit_code for kind in families()} == set(codes)
    assert PatchbenchError.exit_code not in codes


@pytest.mark.parametrize(
    "line",
    [
        "--home H --quiet --verbose builds",
        "builds --home H --quiet --verbose",
        "--home H -q builds -v",
        "--home H builds --home H -qv",
    ],
)
def test_global_options_stand_before_and_after_the_command(line: str) -> None:
    read = command_line().parse_args(shlex.split(line))
    assert (read.name, read.home, read.quiet, read.verbose) == ("builds", "H", True, True)


def test_two_homes_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command_line().parse_args(["--home", "A", "builds", "--home", "B"])
    assert "'A' and 'B'; keep one" in capsys.readouterr().err


def test_without_global_options() -> None:
    read = command_line().parse_args(["builds"])
    assert (read.home, read.quiet, read.verbose) == (None, False, False)


@pytest.mark.parametrize("line", ["", "--frobnicate", "builds --frobnicate", "rnu"])
def test_mistakes_look_like_all_errors(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(shlex.split(line)) == errors.UsageError.exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("patchbench: ")
    assert "to do: `patchbench" in err
    assert "--help` lists the options." in err
