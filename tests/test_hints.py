"""What a hint names exists: commands, their options, files, keys of a flavor.

Whether following a hint mends the fault is tested beside the faults (tests/builder/git/
test_condition.py for clones); this holds for every text of the sources.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import fields

import pytest

from bench.cli import parser
from bench.cli.catalogue import COMMANDS
from builder.builds import Flavor
from tests.hints import ROOT, VALUE, hints

HINTS = hints()
_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
# Options of other programs, in texts that name the program.
_OTHERS = {
    "configure = [": ("--enable-experimental-jit", "--disable-gil"),
    "experimental-jit=interpreter": ("--enable-experimental-jit",),
    "git ": {
        *("--full", "--refetch", "--no-filter", "--unshallow", "--all", "--force", "--shared"),
        *("--reference", "--intent-to-add", "--reverse", "--binary", "--no-color", "--stat"),
        *("--relative", "--no-relative", "--src-prefix", "--dst-prefix"),
    },
    "clone again": {"--shared", "--reference"},
    "pip ": {"--target", "--no-deps", "--force-reinstall"},
    "pyperformance ": {"--manifest", "--fast"},
    "pyperf": {"--debug-single-value"},
}
# Words that follow the name of the program in prose.
_PROSE = {"first", "is", "that", "writes"}


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options of each command, with the global ones."""
    (places,) = (
        action
        for action in parser.command_line(complete=True)._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return {
        name: {option for action in sub._actions for option in action.option_strings}
        for name, sub in places.choices.items()
    }


def test_hints_are_collected() -> None:
    texts = {hint.text for hint in HINTS}
    assert len(HINTS) > 250
    assert "Name another folder with --home." in texts
    assert any(VALUE in text for text in texts)


def test_commands_and_options_exist(options: dict[str, set[str]]) -> None:
    wrong = {hint: unknown for hint in HINTS if (unknown := list(_unknown(hint.text, options)))}
    assert wrong == {}


def _unknown(text: str, options: dict[str, set[str]]) -> Iterator[str]:
    """The commands and options in a text that the parser does not have."""
    known = set().union(*options.values()) | _foreign(text)
    yield from (option for option in _OPTION.findall(text) if option not in known)
    for name, rest in re.findall(r"patchbench ([a-z]+)([^`.;:,]*)", text):
        if name not in (*options, *_PROSE):
            yield name
        for option in _OPTION.findall(rest):
            if option not in options.get(name, known):
                yield f"{name} {option}"


def _foreign(text: str) -> set[str]:
    return {option for program, own in _OTHERS.items() if program in text for option in own}


def test_files_and_keys_exist() -> None:
    keys = {field.name for field in fields(Flavor)}
    for hint in HINTS:
        for path in re.findall(r"\b(?:docs|experiments|ext|builder|bench)/[\w./-]*\w", hint.text):
            assert (ROOT / path).exists() or VALUE in path, hint
        for key in re.findall(r"\bflavor\.([a-z_]+)", hint.text):
            assert key in keys, hint


def test_a_command_that_does_not_exist_would_be_seen(options: dict[str, set[str]]) -> None:
    texts = ("Try --no-such-option.", "`patchbench nothing` helps.", "`patchbench gc --lto`")
    unknown = [list(_unknown(text, options)) for text in texts]
    assert unknown == [["--no-such-option"], ["nothing"], ["gc --lto"]]


def test_every_command_is_in_the_parser(options: dict[str, set[str]]) -> None:
    assert set(options) == {entry.name for entry in COMMANDS}
