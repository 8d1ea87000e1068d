"""The parser of the command line. A command's module is imported once the command is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from bench.cli import arguments as types
from bench.cli import commands
from bench.cli.commands import COMMANDS, CommandEntry
from builder.errors import UsageError

EXIT_CODES = """\
exit codes:
  0    done
  1    the verdict that --fail-on names, a reproduction that contradicts, or a night with a
       confirmed slowdown
  2    a command line that cannot be carried out
  3    an experiment file that is not valid
  4    a source or revision that cannot be had
  5    a patch or series that is malformed, hostile or does not apply
  6    a build that failed
  7    a candidate that is broken: it did not build, or fails tests that its base passes
  8    nothing could be measured
  9    the store or results folder cannot be read or written
  11   a program that the machine lacks
  12   requirements that cannot be installed
  13   a results file that cannot be read
  14   a bundle that is not what it says
  15   another night is at work
  16   a mail that could not be delivered
  17   a bisection that names no single commit
  18   a program that does something else once it is compiled
  70   a bug of patchbench
  125  bisect --step: the commit cannot be judged; 0 good, 1 bad
  128  bisect --step: any error, so that `git bisect run` stops
  130  interrupted (Ctrl-C), 143 terminated; what was measured is kept
A night of which a line failed ends with the code of what failed first.
"""


class _Parser(argparse.ArgumentParser):
    """Errors of the command line look like all others."""

    def error(self, message: str) -> Any:
        """Print the error and exit with the code of UsageError."""
        from bench.util import harmless

        error = UsageError(f"{message}.", hint=f"`{self.prog} --help` lists what is possible.")
        print(harmless(f"patchbench: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)


class CommandParser(_Parser):
    """The parser of one command, which gets its options when it is first needed."""

    load: Callable[[], None] | None = None
    """Adds the options; None once they are there."""

    def fill(self) -> None:
        """Have the options of this command."""
        if self.load is not None:
            self.load()

    def parse_known_args(self, *arguments: Any, **named: Any) -> Any:
        """As argparse, which calls this for the command that was given."""
        self.fill()
        return super().parse_known_args(*arguments, **named)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: that reads the installed metadata."""

    def __init__(self, option_strings: Any, dest: str, **named: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **named)

    def __call__(self, parser: argparse.ArgumentParser, *_rest: Any) -> None:
        from importlib.metadata import version

        print(f"patchbench {version('patchbench')}")
        parser.exit()


class _Completion(argparse.Action):
    """Loads every command for its options, which nothing else does."""

    def __call__(
        self, parser: argparse.ArgumentParser, _options: Any, shell: Any, *_rest: Any
    ) -> None:
        from bench.cli import completion

        print(completion.script(command_line(complete=True), str(shell)))
        parser.exit()


def command_line(*, complete: bool = False) -> argparse.ArgumentParser:
    """The parser. Each command has its options once it is parsed; with `complete` all have them."""
    parser = _Parser(
        prog="patchbench",
        description="Does this change make CPython faster, by how much, and why?",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _global_options(parser, default=None)
    parser.add_argument("--version", action=_Version, help="print the version and exit")
    parser.add_argument(
        "--print-completion",
        action=_Completion,
        choices=("bash", "zsh", "tcsh"),
        default=argparse.SUPPRESS,
        help="print a script that completes commands and options in this shell, and exit",
    )
    places = parser.add_subparsers(
        dest="name", metavar="COMMAND", required=True, parser_class=CommandParser
    )
    parsers: dict[str, CommandParser] = {}
    for entry in COMMANDS:
        sub = parsers[entry.name] = places.add_parser(
            entry.name,
            help=entry.text,
            description=entry.text,
            epilog="`patchbench --help` lists the exit codes.",
        )
        sub.load = _loader(entry, parsers)
        _global_options(sub, default=argparse.SUPPRESS)
    if complete:
        for sub in parsers.values():
            sub.fill()
    return parser


def _loader(entry: CommandEntry, parsers: dict[str, CommandParser]) -> Callable[[], None]:
    """Imports the command's module, which fills the parsers of all commands that it has."""

    def add(name: str, command: Callable[..., int]) -> argparse.ArgumentParser:
        sub = parsers[name]
        sub.load = None
        sub.set_defaults(command=command)
        return sub

    def load() -> None:
        # By a relative name: an installed patchbench may have another package above it.
        import_module(f".{entry.module}", commands.__name__).add_commands(add)

    return load


def _global_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """Accepted before and after the command's name."""
    false = False if default is None else default
    parser.add_argument(
        "--home",
        type=types.filled,
        metavar="DIR",
        default=default,
        help="where builds and caches are kept",
    )
    parser.add_argument("--quiet", "-q", action="store_true", default=false, help="only results")
    parser.add_argument(
        "--verbose", "-v", action="store_true", default=false, help="show every command"
    )
