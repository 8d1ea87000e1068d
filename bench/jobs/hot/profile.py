"""A user's own program, run as it is or with some of its modules compiled, and what a run gave.

It runs where the user stands, with the user's environment and one interpreter; what it prints goes
to files, whole. Of what it writes, files below that folder are seen by looking at it before and
after; others when they are named.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import Version

from bench.jobs.hot.analysis import Cost, ProgramOutcome, read_cost
from bench.util import INSIDE
from builder.errors import MeasureError
from builder.files import guard_writes, sha256_of
from builder.process import Command, Runner, last_lines

RUN = INSIDE / "run_program.py"
# Its output goes to files of its own; both streams apart, and none of it through us.
_SHELL = 'exec "$@" > "$0.stdout" 2> "$0.stderr"'
# In a folder with more files than this, looking costs more than it is worth.
MOST_FILES = 5000
_OURS = ("__pycache__",)
# How Python ends a program that it cannot run: what does not even compile has no traceback.
_PYTHONS_END = re.compile(
    r"^Traceback \(most recent call last\)|^(Syntax|Indentation|Tab)Error: ", re.MULTILINE
)
# The first version that keeps bytecode in a folder of its own.
_PYCACHE_PREFIX = Version("3.8")
Seen = dict[str, tuple[int, int, int]]


@dataclass(frozen=True, kw_only=True)
class ProfiledCommand:
    """What the user runs. `environment` is theirs, `files` are named to be compared, `stdin` is
    what it reads; `ignored` is a folder that is not looked at.
    """

    script: Path
    arguments: tuple[str, ...] = ()
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = b""
    files: tuple[Path, ...] = ()
    ignored: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A run that came to its end. `cost` is None where it did not tell, or was not asked."""

    outcome: ProgramOutcome
    cost: Cost | None
    report: Path


class Programs:
    """Runs one program with one interpreter; `scratch` is a folder of ours."""

    def __init__(
        self,
        program: ProfiledCommand,
        python: Path,
        runner: Runner,
        scratch: Path,
        *,
        version: str,
        timeout: float,
    ) -> None:
        self._program = program
        self._python = python
        self._has_prefix = Version(version) >= _PYCACHE_PREFIX
        self._runner = runner
        self._scratch = scratch
        self._timeout = timeout
        self._runs = 0

    @property
    def looks(self) -> bool:
        """Whether its folder is small enough to see what it writes there."""
        return _seen(self._program) is not None

    def plain(self, seed: int) -> Ran:
        """As `python SCRIPT ARGUMENTS...` runs it."""
        program = self._program
        return self._ran((str(self._python), str(program.script), *program.arguments), seed)

    def run(
        self,
        seed: int,
        compiled: Mapping[str, tuple[Path, Path]] | None = None,
        *,
        interval: float = 0.0,
    ) -> Ran:
        """With modules compiled, by name: (compiled file, source); sampled with an `interval`.

        Raises MeasureError when it does not end in time or cannot be started.
        """
        base = self._base()
        settings = {
            "script": str(self._program.script),
            "arguments": self._program.arguments,
            "compiled": {name: list(map(str, both)) for name, both in (compiled or {}).items()},
            "report": f"{base}.report.json",
            "interval": interval,
        }
        path = Path(f"{base}.json")
        with guard_writes(path):
            path.write_text(json.dumps(settings), encoding="utf-8")
        return self._ran((str(self._python), str(RUN), str(path)), seed)

    def _base(self) -> Path:
        # Names of one length: the size of the environment and arguments moves the stack.
        return self._scratch / f"run{self._runs:06}"

    def _ran(self, argv: tuple[str, ...], seed: int) -> Ran:
        base, program = self._base(), self._program
        self._runs += 1
        before = _seen(program)
        command = Command(
            argv=("/bin/sh", "-c", _SHELL, str(base), *argv),
            cwd=program.cwd,
            env={**program.environment, **self._variables(seed)},
            stdin=program.stdin,
        )
        done = self._runner.run(command, timeout=self._timeout)
        if done.timed_out:
            raise MeasureError(
                f"The program {done.how()}.",
                where=str(program.script),
                hint="Give it less to do, or more time with --timeout.",
            )
        with guard_writes(base):
            outcome = ProgramOutcome(
                status=done.returncode,
                stdout=Path(f"{base}.stdout").read_bytes(),
                stderr=Path(f"{base}.stderr").read_bytes(),
                files=_written(program, before),
            )
        report = Path(f"{base}.report.json")
        return Ran(outcome=outcome, cost=read_cost(report), report=report)

    def _variables(self, seed: int) -> dict[str, str]:
        variables = {"PYTHONHASHSEED": str(seed)}
        if self._has_prefix:
            # Nothing is left beside the user's sources, and all arms find it: whoever forbids
            # Python to write bytecode would measure how long it takes to compile what is imported.
            variables["PYTHONPYCACHEPREFIX"] = str(self._scratch / "pycache")
            variables["PYTHONDONTWRITEBYTECODE"] = ""
        return variables


def refuse_failure(program: ProfiledCommand, ran: Ran) -> None:
    """MeasureError for a program that fails: a signal, or a traceback at its end.

    Another status than 0 is no failure: a linter has one when it finds something.
    """
    text = ran.outcome.stderr.decode("utf-8", "backslashreplace")
    if ran.outcome.status >= 0 and not (ran.outcome.status and _PYTHONS_END.search(text)):
        return
    how = f"status {ran.outcome.status}"
    if ran.outcome.status < 0:
        how = f"signal {-ran.outcome.status}"
    raise MeasureError(
        f"The program fails as it is ({how}).",
        where=f"{program.script}\n{last_lines(text)}",
        hint="Run it by itself first. --python names the interpreter that has what it imports.",
    )


def _seen(program: ProfiledCommand) -> Seen | None:
    """The files below the program's folder; None where there are too many."""
    found: Seen = {}
    for root, folders, files in os.walk(program.cwd):
        folders[:] = [name for name in folders if _is_looked_at(Path(root) / name, program)]
        for name in files:
            path = Path(root) / name
            try:
                state = path.lstat()
            except OSError:
                continue  # gone meanwhile
            found[str(path)] = (state.st_mtime_ns, state.st_size, state.st_ino)
        if len(found) > MOST_FILES:
            return None
    return found


def _is_looked_at(folder: Path, program: ProfiledCommand) -> bool:
    return (
        not folder.name.startswith(".") and folder.name not in _OURS and folder != program.ignored
    )


def _written(program: ProfiledCommand, before: Seen | None) -> dict[str, str]:
    """The hashes of the files that are new or changed since, and of those that were named."""
    after = _seen(program) if before is not None else None
    changed = (
        []
        if after is None or before is None
        else [Path(path) for path, state in after.items() if before.get(path) != state]
    )
    named = [(program.cwd / one).absolute() for one in program.files]
    return {
        os.path.relpath(path, program.cwd): sha256_of(path)
        for path in [*changed, *named]
        if path.is_file()
    }
