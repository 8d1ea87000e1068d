"""Ranges and choices of a session's options, and that the command line takes them from there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import pytest

from bench.cli.parser import command_line
from bench.experiments.session_options import (
    SessionChanges,
    SessionOptions,
    choices_of,
    number_range,
    right_value,
    whole_range,
)

WHOLE = ("blocks", "seed", "replicas", "placebos")
NUMBERS = ("margin", "process_seconds")
CHOSEN = ("protocol", "until")
DURATIONS = ("budget", "timeout")


def test_every_option_has_what_it_may_be() -> None:
    names = {*WHOLE, *NUMBERS, *CHOSEN, *DURATIONS}
    assert set(vars(SessionOptions())) - names == {"aa"}
    assert all(isinstance(whole_range(name)[1], int) for name in WHOLE)
    assert all(number_range(name) for name in NUMBERS)
    assert all(choices_of(name) for name in CHOSEN)


@pytest.mark.parametrize("name", [*WHOLE, *NUMBERS])
def test_a_value_out_of_range_is_told_what_is_right(name: str) -> None:
    low, high = whole_range(name) if name in WHOLE else number_range(name)
    assert right_value(name, low) == right_value(name, high) == ""
    for wrong in (low - 1, high + 1):
        assert str(low) in right_value(name, wrong)
        assert str(high) in right_value(name, wrong)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_value_that_is_no_choice_is_told_the_choices(name: str) -> None:
    assert [right_value(name, value) for value in choices_of(name)] == [""] * len(choices_of(name))
    assert right_value(name, "luck") == f"one of: {', '.join(choices_of(name))}"


@pytest.mark.parametrize("name", DURATIONS)
def test_a_time_is_a_week_at_most(name: str) -> None:
    assert right_value(name, 7 * 24 * 3600.0) == ""
    assert "a week at most" in right_value(name, 7 * 24 * 3600.0 + 1)
    assert "a week at most" in right_value(name, 0.0)


def test_what_all_sessions_begin_with_is_right() -> None:
    assert {right_value(name, value) for name, value in vars(SessionOptions()).items()} == {""}


def test_changes_leave_alone_what_they_do_not_name() -> None:
    options = SessionOptions(blocks=9, aa=True, seed=4)
    assert SessionChanges().applied(options) == options
    # 0 and False are values like any other.
    changed = SessionChanges(seed=0, aa=False).applied(options)
    assert changed == SessionOptions(blocks=9, aa=False, seed=0)


# -- the command line -----------------------------------------------------------------------------


def session_options() -> Iterator[tuple[str, argparse.Action]]:
    """The options of all commands that are a session's, with the command."""
    for action in command_line(complete=True)._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command, parser in action.choices.items():
                for value in parser._actions:
                    if value.dest in SessionOptions.__dataclass_fields__ and value.nargs != 0:
                        yield command, value


OPTIONS = [
    pytest.param(action, id=f"{command}-{action.dest}") for command, action in session_options()
]


def test_there_are_commands_with_such_options() -> None:
    seen = {(command, action.dest) for command, action in session_options()}
    assert {("run", name) for name in ("blocks", "protocol", "placebos", "seed")} <= seen
    assert {("bisect", "margin"), ("ladder", "until"), ("reproduce", "budget")} <= seen


@pytest.mark.parametrize("action", OPTIONS)
def test_an_option_takes_its_range_from_the_session(action: argparse.Action) -> None:
    name = action.dest
    if name in CHOSEN:
        assert action.choices is choices_of(name)
        return
    assert callable(action.type)
    if name in DURATIONS:
        assert action.type("168h")
        wrong: tuple[Any, ...] = ("0s", "169h")
    else:
        low, high = whole_range(name) if name in WHOLE else number_range(name)
        assert (action.type(str(low)), action.type(str(high))) == (low, high)
        wrong = (low - 1, high + 1)
    for value in wrong:
        with pytest.raises(argparse.ArgumentTypeError):
            action.type(str(value))
