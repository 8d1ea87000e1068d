"""The table of the commands against the modules that it names."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

import pytest

from bench.cli.catalogue import COMMANDS

MODULES = sorted({entry.module for entry in COMMANDS})


def test_each_command_is_listed_once_with_a_description() -> None:
    names = [entry.name for entry in COMMANDS]
    assert len(names) == len(set(names))
    assert all(entry.text and not entry.text.endswith(".") for entry in COMMANDS)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_adds_the_commands_that_are_listed_for_it(module: str) -> None:
    added: list[str] = []

    def add(name: str, command: Callable[..., int]) -> argparse.ArgumentParser:
        assert callable(command)
        added.append(name)
        return argparse.ArgumentParser(name)

    import_module(f"bench.cli.commands.{module}").add_commands(add)

    assert set(added) == {entry.name for entry in COMMANDS if entry.module == module}
