"""The parser of the command line. A command's module is imported only when the command is used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from bench.cli import arguments
from bench.cli.catalogue import COMMANDS, CommandEntry
from builder.errors import UsageError

EXIT_CODES = """\
exit codes:
  0    success
  1    the verdict that --fail-on names, a reproduction that contradicts the bundle, or a night
       with a confirmed slowdown
  2    the command line is not valid
  3    an experiment file is not valid
  4    a source or revision is not available
  5    a patch or series is malformed, unsafe or does not apply
  6    a build failed
  7    a candidate is broken: it did not build, or fails tests that its base passes
  8    nothing could be measured
  9    the store or results folder cannot be read or written
  11   a required program is not installed
  12   requirements of a benchmark cannot be installed
  13   a results file cannot be read
  14   a bundle is damaged, altered or inconsistent
  15   another night is running
  16   a mail could not be delivered
  17   a bisection did not narrow down to a single commit
  18   a program behaves differently once it is compiled
  19   compare: the two files have nothing to compare, or are the same measurements
  70   a bug in patchbench
  71   the installation of patchbench is broken: a module of it cannot be imported
  125  bisect --step: the commit cannot be judged; 0 good, 1 bad
  128  bisect --step: any error, so that `git bisect run` stops
  130  interrupted (Ctrl-C); 143 terminated (SIGTERM); what was measured is kept
A night with failed lines ends with the code of the first failure.
"""


class _StoreOnce(argparse.Action):
    """The action of options with a value. A second value is not dropped in silence, as argparse
    does: lists of names add up, and another single value is an error.
    """

    def __call__(
        self, parser: argparse.ArgumentParser, options: Any, value: Any, name: str | None = None
    ) -> None:
        """Set the value; `name` is the option as it was written, None for a positional."""
        before = parser.values_set if isinstance(parser, _Parser) and name is not None else {}
        if self.dest in before:
            first = before[self.dest]
            if isinstance(first, tuple) and isinstance(value, tuple):
                value = tuple(dict.fromkeys((*first, *value)))
            elif value != first:
                raise argparse.ArgumentError(
                    self, f"is there twice, with {str(first)!r} and {str(value)!r}; keep one"
                )
        before[self.dest] = value
        setattr(options, self.dest, value)


class _Parser(argparse.ArgumentParser):
    """Prints errors of the command line in the form of all other errors."""

    values_set: dict[str, Any]
    """The values of the options in the command line; one object for all parsers of a tree, since
    some options may stand before and after the command's name."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self.values_set = {}
        for action in (None, "store"):
            self.register("action", action, _StoreOnce)

    def parse_args(self, *arguments: Any, **named: Any) -> Any:
        """Parse a new command line."""
        self.values_set.clear()
        return super().parse_args(*arguments, **named)

    def error(self, message: str) -> Any:
        """Print the error and exit with the code of UsageError."""
        from bench.util import harmless

        error = UsageError(f"{message}.", hint=f"`{self.prog} --help` lists the options.")
        print(harmless(f"patchbench: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)


class CommandParser(_Parser):
    """The parser of one command; its options are added when it is first used."""

    load: Callable[[], None] | None = None
    """Adds the options; None once they are added."""

    def fill(self) -> None:
        """Add the options of this command, unless they are added already."""
        if self.load is not None:
            self.load()

    def parse_known_args(self, *arguments: Any, **named: Any) -> Any:
        """Add the options first; argparse calls this for the command in the arguments only."""
        self.fill()
        return super().parse_known_args(*arguments, **named)


class _Version(argparse.Action):
    """--version. Imports importlib.metadata only when used, which reads the installed metadata."""

    def __init__(self, option_strings: Any, dest: str, **named: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **named)

    def __call__(self, parser: argparse.ArgumentParser, *_rest: Any) -> None:
        from importlib.metadata import version

        print(f"patchbench {version('patchbench')}")
        parser.exit()


class _Completion(argparse.Action):
    """--print-completion. The only action that imports the modules of all commands."""

    def __call__(
        self, parser: argparse.ArgumentParser, _options: Any, shell: Any, *_rest: Any
    ) -> None:
        from bench.cli import completion

        print(completion.script(command_line(complete=True), str(shell)))
        parser.exit()


def command_line(*, complete: bool = False) -> argparse.ArgumentParser:
    """Return the parser. A command gets its options when it is parsed; `complete` adds all now."""
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
        help="print a completion script for this shell and exit",
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
        sub.values_set = parser.values_set
        _global_options(sub, default=argparse.SUPPRESS)
    if complete:
        for sub in parsers.values():
            sub.fill()
    return parser


def _loader(entry: CommandEntry, parsers: dict[str, CommandParser]) -> Callable[[], None]:
    """Return a function that imports the command's module, which fills its commands' parsers."""

    def add(name: str, command: Callable[..., int]) -> argparse.ArgumentParser:
        sub = parsers[name]
        sub.load = None
        sub.set_defaults(command=command)
        return sub

    def load() -> None:
        import_module(f"bench.cli.commands.{entry.module}").add_commands(add)

    return load


def _global_options(parser: argparse.ArgumentParser, default: Any) -> None:
    """Add the options that are accepted before and after the command's name."""
    false = False if default is None else default
    parser.add_argument(
        "--home",
        type=arguments.nonempty,
        metavar="DIR",
        default=default,
        help="folder for builds and caches",
    )
    parser.add_argument(
        "--quiet", "-q", action="store_true", default=false, help="print results only"
    )
    parser.add_argument(
        "--verbose",
        "-v",
        action="store_true",
        default=false,
        help="show every command that is started",
    )
