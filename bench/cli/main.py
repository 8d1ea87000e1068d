"""The command line: arguments and environment in, an exit code out.

The only module that reads environment variables. Data goes to stdout, progress and messages to
stderr; every PatchbenchError is shown without a traceback and has its own exit code.
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
import traceback
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import crash
from bench.cli.environment import CallerEnvironment
from bench.cli.parser import command_line
from bench.util import ROOT, Show, harmless
from builder.errors import (
    EXIT_BUG,
    EXIT_ENVIRONMENT,
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

if TYPE_CHECKING:
    from bench.context import Context

PROJECT = ROOT

# Errors of the machine that can occur at any time and are no bug of patchbench.
_REFUSALS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOMEM}
    | {errno.EMFILE, errno.ENFILE, errno.EFBIG, errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP}
)
# make and the shell would split or expand a path with one of these.
_UNBUILDABLE = re.compile(r"[\s\"'\\$`:;#&|*?()<>]")


class Terminated(BaseException):
    """Raised on SIGTERM: ends as Ctrl-C does, with exit code EXIT_TERMINATED."""


class _Signals:
    """Raises SIGINT and SIGTERM as exceptions and records them: `code` is the exit code of the last
    one, or 0. A signal that arrives while an extension module initializes (SciPy and matplotlib
    import many) becomes an ImportError there; `code` shows that this is not a bug.
    """

    def __init__(self) -> None:
        self.code = 0

    def install(self) -> None:
        """Handle both signals from now on; an ignored SIGINT (nohup) stays ignored."""
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
    typed = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parsed(typed)
    except Exception as error:
        # The options are not known: a module of the command cannot be imported, for example.
        options = argparse.Namespace(home=None, verbose=False, quiet=False, name="")
        report = crash.Crash(error=error, arguments=typed, commands=())
        return _for_git(_unexpected(report, options), typed)
    show = Show(quiet=options.quiet, verbose=options.verbose)
    recent: deque[str] = deque(maxlen=crash.MOST_COMMANDS)
    code = 0
    signals = _Signals()
    try:
        signals.install()
        # For the commands that pass it to a job; the context of every job does not have it.
        options.environment = CallerEnvironment(os.environ)
        code = options.command(_context(options, show, typed, recent), options)
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # the reader of stdout has ended (`| head`): not an error
    except PatchbenchError as error:
        code = _show_error(error)
    except (KeyboardInterrupt, Terminated):
        code = _interrupted(options, signals.code or EXIT_INTERRUPTED)
    except Exception as error:
        report = crash.Crash(error=error, arguments=typed, commands=recent)
        code = _interrupted(options, signals.code) if signals.code else _unexpected(report, options)
    _flush_streams()
    return _for_git(code, typed)


def _parsed(typed: Sequence[str]) -> argparse.Namespace:
    try:
        return command_line().parse_args(typed)
    except SystemExit as end:
        sys.exit(_for_git(int(end.code or 0), typed))


def _for_git(code: int, typed: Sequence[str]) -> int:
    """Map the exit code of `bisect --step` to those of `git bisect run`, which takes every code
    below 128 but 0 and 125 for a bad commit, an error of the command line included.
    """
    is_step = "bisect" in typed and any(word.partition("=")[0] == "--step" for word in typed)
    if is_step and code not in (0, EXIT_VERDICT, EXIT_SKIP):
        return max(code, EXIT_STOP)
    return code


def _open_streams() -> None:
    """Open /dev/null for each standard stream that the caller closed (`>&-`)."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # open() takes the lowest free descriptor: the one of the closed stream.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r+"))
    # File names may hold characters that the locale cannot encode: escape them, do not fail.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush_streams() -> None:
    """Flush stdout and stderr; replace a broken one by /dev/null. Otherwise Python would flush it
    at exit, fail, and change the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print_error(text: str) -> None:
    # A closed or full stderr must not change the exit code.
    with contextlib.suppress(OSError):
        print(harmless(f"patchbench: {text}"), file=sys.stderr)


def _show_error(error: PatchbenchError) -> int:
    _print_error(str(error))
    return error.exit_code


def _interrupted(options: argparse.Namespace, code: int) -> int:
    can_continue = options.name in ("run", "ladder", "calibrate", "study", "bisect", "nightly")
    hint = " Run the same command again to continue." if can_continue else ""
    _print_error(f"Interrupted. Everything that was finished is kept.{hint}")
    # Python records an interrupt during exec (dataclasses and matplotlib use it on import) as
    # unhandled, and under `python -m` the process would die of the signal at its end. Another exec
    # clears that record.
    exec("")
    return code


def _unexpected(report: crash.Crash, options: argparse.Namespace) -> int:
    """Handle an exception that is no PatchbenchError: an error of the machine, or a bug."""
    error = report.error
    if options.verbose:
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        refusal = StoreError(
            f"The operating system reports: {error.strerror}.",
            where=str(error.filename or "the system does not name the file"),
            hint="Fix that (space, permissions, limits), or choose another folder with --home or "
            "--out; `patchbench doctor` checks the machine.",
        )
        return _show_error(refusal)
    if isinstance(error, ImportError) and not _is_own(error.name or ""):
        _print_error(
            f"The installation of patchbench is broken: {error}.\n"
            f"  where: {error.path or sys.prefix}\n"
            "  to do: Install it again: `rm -rf .venv` and `make setup` in a checkout, otherwise "
            "`pip install --force-reinstall` of the same wheel."
        )
        return EXIT_ENVIRONMENT
    kind = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    _print_error(f"This is a bug in patchbench ({kind}).\n{_logged(report, options)}")
    return EXIT_BUG


def _is_own(module: str) -> bool:
    """Return whether a module is one of ours: a name that does not exist is then a bug."""
    return module.partition(".")[0] in ("bench", "builder", "ext")


def _logged(report: crash.Crash, options: argparse.Namespace) -> str:
    """Save the log of a crash; return the lines of the message that name it and say what to do."""
    try:
        log = crash.write_log(_home(options.home), report, secrets=crash.secrets_of(os.environ))
    except (OSError, PatchbenchError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return (
            f"  log: not saved: {reason}\n  to do: Report the bug; --verbose shows the traceback."
        )
    return (
        f"  log: {log}\n"
        "  to do: Report the bug with the log. Read the log first: it has your command line."
    )


def _context(
    options: argparse.Namespace, show: Show, arguments: Sequence[str], recent: deque[str]
) -> Context:
    """The context of a command. The last commands that it starts are kept in `recent`."""
    from bench.context import Context

    def note(command: str) -> None:
        recent.append(command)
        show.detail(command)

    home = _home(options.home)
    # matplotlib would keep its font list below the user's home, where patchbench writes nothing.
    os.environ.setdefault("MPLCONFIGDIR", str(home / "matplotlib"))
    return Context(
        home=Home(root=home, host_lock=_host_lock()),
        project=PROJECT,
        runner=SystemRunner(echo=note),
        show=show,
        pip_environment=_pip_environment(),
        arguments=tuple(arguments),
    )


def _home(named: str | None) -> Path:
    import platformdirs

    root = named or os.environ.get("PATCHBENCH_HOME")
    try:
        folder = Path(root or platformdirs.user_cache_dir("patchbench")).expanduser().absolute()
    except RuntimeError as error:  # ~ of a user without a home folder
        raise UsageError(
            f"The home folder cannot be determined: {error}",
            where=f"--home {root}",
            hint="Write the path without ~.",
        ) from error
    if _UNBUILDABLE.search(str(folder)):
        raise UsageError(
            "CPython cannot be built in a folder whose path has spaces, quotes or characters that "
            "are special to make.",
            where=str(folder),
            hint="Name another folder with --home.",
        )
    return folder


def _host_lock() -> Path:
    """One file for all users and homes of this host; the variable exists for tests only."""
    from builder.locks import host_lock

    named = os.environ.get("PATCHBENCH_HOST_LOCK")
    return Path(named) if named else host_lock()


def _pip_environment() -> dict[str, str]:
    """What pip needs of the caller's environment: its configuration, certificates and proxies."""
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    proxies = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or name in names + proxies
    }


if __name__ == "__main__":
    sys.exit(main())
