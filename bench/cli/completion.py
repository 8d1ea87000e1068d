"""Shell completion, made by shtab from the whole parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from bench.cli import arguments as types


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that completes `patchbench`; the parser must have the options of all commands."""
    import shtab

    for action in _actions(parser):
        if action.type is types.path:
            completed: Any = action  # shtab looks for this attribute
            completed.complete = shtab.FILE
    return str(shtab.complete(parser, shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from _actions(sub)
