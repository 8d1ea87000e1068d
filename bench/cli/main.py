"""The command line: arguments and environment in, an exit code out.

The one place that reads environment variables. Data goes to stdout, progress and messages to
stderr; every error of the family is shown without a traceback and has its own exit code.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import platformdirs

from bench.cli import arguments as types
from bench.cli.commands import GROUPS
from bench.cli.environment import CallerEnvironment
from bench.context import Context
from bench.util import ROOT, Show, harmless
from builder.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_SKIP,
    EXIT_STOP,
    EXIT_TERMINATED,
    EXIT_VERDICT,
    PatchbenchError,
    StoreError,
    UsageError,
)
from builder.home import Home
from builder.process import SystemRunner, reset_inherited_signals

PROJECT = ROOT

_EXIT_CODES = """\
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


# What the machine can refuse at any moment, and no code of ours is to blame for.
_REFUSALS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOMEM}
    | {errno.EMFILE, errno.ENFILE, errno.EFBIG, errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP}
)
# make and the shell would take a path with one of these apart.
_UNBUILDABLE = re.compile(r"[\s\"'\\$`:;#&|*?()<>]")


class Terminated(BaseException):
    """SIGTERM came: end as on Ctrl-C, with the exit code of its own."""


class _Endings:
    """SIGINT and SIGTERM, raised as exceptions, and remembered: `code` is the exit code of the last
    that came, or 0. Where one comes while an extension module initializes (SciPy and matplotlib
    import many), the module turns it into an ImportError, which is then nobody's bug.
    """

    def __init__(self) -> None:
        self.code = 0

    def expect(self) -> None:
        """Take both signals from now on; an ignored SIGINT (nohup) stays ignored."""
        if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGTERM, self._terminate)

    def _interrupt(self, _number: int, _frame: object) -> None:
        self.code = EXIT_INTERRUPTED
        raise KeyboardInterrupt

    def _terminate(self, _number: int, _frame: object) -> None:
        self.code = EXIT_TERMINATED
        raise Terminated


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    _open_streams()
    reset_inherited_signals()
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parsed(given)
    show = Show(quiet=options.quiet, verbose=options.verbose)
    code = 0
    endings = _Endings()
    try:
        endings.expect()
        # For the commands that hand it to a job; it is no part of what every job is given.
        options.environment = CallerEnvironment(os.environ)
        code = options.command(_context(options, show, given), options)
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # the reader of our stdout is gone (`| head`): not an error, and nothing more to say
    except PatchbenchError as error:
        code = _complain(error)
    except (KeyboardInterrupt, Terminated):
        code = _interrupted(options, endings.code or EXIT_INTERRUPTED)
    except Exception as error:
        code = _interrupted(options, endings.code) if endings.code else _unforeseen(error, options)
    _drop_the_unwritable()
    return _for_git(code, given)


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    try:
        return _parser().parse_args(given)
    except SystemExit as end:
        sys.exit(_for_git(int(end.code or 0), given))


def _for_git(code: int, given: Sequence[str]) -> int:
    """The exit code as `git bisect run` understands it, if that is who asks: it would take every
    error below 128 for a bad commit, one of the command line as well.
    """
    is_step = "bisect" in given and any(one.partition("=")[0] == "--step" for one in given)
    if is_step and code not in (0, EXIT_VERDICT, EXIT_SKIP):
        return max(code, EXIT_STOP)
    return code


def _open_streams() -> None:
    """Give each standard stream that the caller closed (`>&-`) a place to go."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # The lowest free descriptor is taken: the one that is missing.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r+"))
    # What a locale cannot show is no reason to fail: names of files may hold anything.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_the_unwritable() -> None:
    """Python flushes at its end, and would make a status of its own of a stream that is gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _tell(text: str) -> None:
    # A stderr that is closed or full changes nothing about the exit code.
    with contextlib.suppress(OSError):
        print(harmless(f"patchbench: {text}"), file=sys.stderr)


def _complain(error: PatchbenchError) -> int:
    _tell(str(error))
    return error.exit_code


def _interrupted(options: argparse.Namespace, code: int) -> int:
    goes_on = options.name in ("run", "ladder", "calibrate", "study", "bisect", "nightly")
    again = " The same command goes on where it stopped." if goes_on else ""
    _tell(f"interrupted; everything finished so far is kept.{again}")
    # An interrupt that came while text was executed (as dataclasses and matplotlib do on import) is
    # remembered as unhandled, and under `python -m` the process would die of the signal at its end.
    # Executing anything makes Python forget it.
    exec("")
    return code


def _unforeseen(error: Exception, options: argparse.Namespace) -> int:
    """What nothing further in has turned into an error of the family: the machine's, or a bug."""
    if options.verbose:
        traceback.print_exc()
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        refusal = StoreError(
            f"The system refuses: {error.strerror}.",
            where=str(error.filename or "where it stands is not told"),
            hint="Mend that (space, permissions, limits), or choose another folder with --home or "
            "--out; `patchbench doctor` looks at the machine.",
        )
        return _complain(refusal)
    kind = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    _tell(f"this is a bug of patchbench ({kind}).\n  to do: Report it; --verbose shows where.")
    return EXIT_BUG


def _context(options: argparse.Namespace, show: Show, arguments: Sequence[str]) -> Context:
    home = _home(options.home)
    # matplotlib would keep its list of fonts below the user's home, where nothing of ours belongs.
    os.environ.setdefault("MPLCONFIGDIR", str(home / "matplotlib"))
    return Context(
        home=Home(root=home, host_lock=_host_lock()),
        project=PROJECT,
        runner=SystemRunner(echo=show.detail),
        show=show,
        pip_environment=_pip_environment(),
        arguments=tuple(arguments),
    )


def _home(named: str | None) -> Path:
    root = named or os.environ.get("PATCHBENCH_HOME")
    try:
        folder = Path(root or platformdirs.user_cache_dir("patchbench")).expanduser().absolute()
    except RuntimeError as error:  # ~ of somebody who has no home
        raise UsageError(
            f"The home cannot be found: {error}",
            where=f"--home {root}",
            hint="Name a folder without ~.",
        ) from error
    if _UNBUILDABLE.search(str(folder)):
        raise UsageError(
            "CPython cannot be built in a folder whose path has blanks, quotes or characters that "
            "mean something to make.",
            where=str(folder),
            hint="Name another folder with --home.",
        )
    return folder


def _host_lock() -> Path:
    """One file for all users and homes of this host; another place only for tests of our own."""
    named = os.environ.get("PATCHBENCH_HOST_LOCK")
    if named:
        return Path(named)
    shared = Path("/run/lock")
    folder = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    return folder / "patchbench.lock"


def _pip_environment() -> dict[str, str]:
    """What pip needs of the caller's environment: its configuration, certificates and proxies."""
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    proxies = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or name in names + proxies
    }


# -- arguments ----------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Errors of the command line look like all others."""

    def error(self, message: str) -> Any:
        """Print the error and exit with the code of UsageError."""
        error = UsageError(f"{message}.", hint=f"`{self.prog} --help` lists what is possible.")
        print(harmless(f"patchbench: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="patchbench",
        description="Does this change make CPython faster, by how much, and why?",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _global_options(parser, default=None)
    commands = parser.add_subparsers(
        dest="name", metavar="COMMAND", required=True, parser_class=_Parser
    )

    def add(name: str, command: Callable[..., int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=text, description=text, epilog="`patchbench --help` lists the exit codes."
        )
        sub.set_defaults(command=command)
        _global_options(sub, default=argparse.SUPPRESS)
        return sub

    for group in GROUPS:
        group.add_commands(add)
    return parser


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


if __name__ == "__main__":
    sys.exit(main())
