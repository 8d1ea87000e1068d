"""The command line: arguments and environment in, an exit code out.

The one place that reads environment variables. Data goes to stdout, progress and messages to
stderr; every error of the family is shown without a traceback and has its own exit code.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import signal
import sys
import tempfile
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
    import argparse

    from bench.context import Context

PROJECT = ROOT

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
    recent: deque[str] = deque(maxlen=crash.MOST_COMMANDS)
    code = 0
    endings = _Endings()
    try:
        endings.expect()
        # For the commands that hand it to a job; it is no part of what every job is given.
        options.environment = CallerEnvironment(os.environ)
        code = options.command(_context(options, show, given, recent), options)
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # the reader of our stdout is gone (`| head`): not an error, and nothing more to say
    except PatchbenchError as error:
        code = _complain(error)
    except (KeyboardInterrupt, Terminated):
        code = _interrupted(options, endings.code or EXIT_INTERRUPTED)
    except Exception as error:
        seen = crash.Crash(error=error, arguments=given, commands=recent)
        code = _interrupted(options, endings.code) if endings.code else _unforeseen(seen, options)
    _drop_the_unwritable()
    return _for_git(code, given)


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    try:
        return command_line().parse_args(given)
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


def _unforeseen(seen: crash.Crash, options: argparse.Namespace) -> int:
    """What nothing further in has turned into an error of the family: the machine's, or a bug."""
    error = seen.error
    if options.verbose:
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        refusal = StoreError(
            f"The system refuses: {error.strerror}.",
            where=str(error.filename or "where it stands is not told"),
            hint="Mend that (space, permissions, limits), or choose another folder with --home or "
            "--out; `patchbench doctor` looks at the machine.",
        )
        return _complain(refusal)
    kind = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    _tell(f"this is a bug of patchbench ({kind}).\n{_logged(seen, options)}")
    return EXIT_BUG


def _logged(seen: crash.Crash, options: argparse.Namespace) -> str:
    """Save the log of a crash; what the message says of it, and what to do."""
    try:
        log = crash.write_log(_home(options.home), seen, secrets=crash.secrets_of(os.environ))
    except (OSError, PatchbenchError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return f"  log: it could not be saved: {reason}\n  to do: Report it; --verbose shows where."
    return f"  log: {log}\n  to do: Report it with the log; read that first, it has what was typed."


def _context(
    options: argparse.Namespace, show: Show, arguments: Sequence[str], recent: deque[str]
) -> Context:
    """What the command is given. The last commands that it starts are kept in `recent`."""
    from bench.context import Context

    def note(command: str) -> None:
        recent.append(command)
        show.detail(command)

    home = _home(options.home)
    # matplotlib would keep its list of fonts below the user's home, where nothing of ours belongs.
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


if __name__ == "__main__":
    sys.exit(main())
