"""Run a user's program, uncompiled or with compiled modules, and collect its output.

It runs in the user's current folder, with the user's environment and one interpreter; its output
goes to files. Files that it writes below that folder are found by scanning it before and after;
others must be named.
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
# The program's stdout and stderr go to separate files, not through this process.
_SHELL = 'exec "$@" > "$0.stdout" 2> "$0.stderr"'
# A folder with more files than this is not scanned.
MOST_FILES = 5000
_OURS = ("__pycache__",)
# How Python ends a program that it cannot run; one that does not compile has no traceback.
_PYTHONS_END = re.compile(
    r"^Traceback \(most recent call last\)|^(Syntax|Indentation|Tab)Error: ", re.MULTILINE
)
# The first version with PYTHONPYCACHEPREFIX.
_PYCACHE_PREFIX = Version("3.8")
FileStates = dict[str, tuple[int, int, int]]


@dataclass(frozen=True, kw_only=True)
class ProfiledCommand:
    """The program that the user runs. `files` are named to be compared, `stdin` is its input;
    `ignored` is a folder that is not scanned.
    """

    script: Path
    arguments: tuple[str, ...] = ()
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = b""
    files: tuple[Path, ...] = ()
    ignored: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ProgramRun:
    """A run that ended. `cost` is None if it reported none, or was run directly."""

    outcome: ProgramOutcome
    cost: Cost | None
    report: Path


class ProgramRunner:
    """Runs one program with one interpreter; `scratch` is a temporary folder."""

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
    def can_scan(self) -> bool:
        """Whether its folder has few enough files to scan it for those that it writes."""
        return _scan(self._program) is not None

    def run_directly(self, seed: int) -> ProgramRun:
        """Run it as `python SCRIPT ARGUMENTS...` does."""
        program = self._program
        return self._run((str(self._python), str(program.script), *program.arguments), seed)

    def run(
        self,
        seed: int,
        compiled: Mapping[str, tuple[Path, Path]] | None = None,
        *,
        interval: float = 0.0,
    ) -> ProgramRun:
        """Run it with compiled modules {name: (compiled file, source)}; sampled if `interval` > 0.

        Raises MeasureError if it does not end in time or cannot be started.
        """
        base = self._base()
        settings = {
            "script": str(self._program.script),
            "arguments": self._program.arguments,
            "compiled": {name: list(map(str, paths)) for name, paths in (compiled or {}).items()},
            "report": f"{base}.report.json",
            "interval": interval,
        }
        path = Path(f"{base}.json")
        with guard_writes(path):
            path.write_text(json.dumps(settings), encoding="utf-8")
        return self._run((str(self._python), str(RUN), str(path)), seed)

    def _base(self) -> Path:
        # Names of equal length: the size of the environment and arguments moves the stack.
        return self._scratch / f"run{self._runs:06}"

    def _run(self, argv: tuple[str, ...], seed: int) -> ProgramRun:
        base, program = self._base(), self._program
        self._runs += 1
        before = _scan(program)
        command = Command(
            argv=("/bin/sh", "-c", _SHELL, str(base), *argv),
            cwd=program.cwd,
            env={**program.environment, **self._variables(seed)},
            stdin=program.stdin,
        )
        completed = self._runner.run(command, timeout=self._timeout)
        if completed.timed_out:
            raise MeasureError(
                f"The program {completed.how()}.",
                where=str(program.script),
                hint="Give it less work, or more time with --timeout.",
            )
        with guard_writes(base):
            outcome = ProgramOutcome(
                status=completed.returncode,
                stdout=Path(f"{base}.stdout").read_bytes(),
                stderr=Path(f"{base}.stderr").read_bytes(),
                files=_written(program, before),
            )
        report = Path(f"{base}.report.json")
        return ProgramRun(outcome=outcome, cost=read_cost(report), report=report)

    def _variables(self, seed: int) -> dict[str, str]:
        variables = {"PYTHONHASHSEED": str(seed)}
        if self._has_prefix:
            # No bytecode beside the user's sources, and the same for all arms: without any
            # bytecode the time to compile the imported modules would be measured.
            variables["PYTHONPYCACHEPREFIX"] = str(self._scratch / "pycache")
            variables["PYTHONDONTWRITEBYTECODE"] = ""
        return variables


def refuse_failure(program: ProfiledCommand, ran: ProgramRun) -> None:
    """Raise MeasureError if the program failed: by a signal, or with a traceback at its end.

    A status other than 0 is not a failure in itself: linters use it to report findings.
    """
    text = ran.outcome.stderr.decode("utf-8", "backslashreplace")
    if ran.outcome.status >= 0 and not (ran.outcome.status and _PYTHONS_END.search(text)):
        return
    how = f"status {ran.outcome.status}"
    if ran.outcome.status < 0:
        how = f"signal {-ran.outcome.status}"
    raise MeasureError(
        f"The uncompiled program fails ({how}).",
        where=f"{program.script}\n{last_lines(text)}",
        hint="Run it without patchbench first. --python names the interpreter that has the modules "
        "it imports.",
    )


def _scan(program: ProfiledCommand) -> FileStates | None:
    """The states of the files below the program's folder; None if there are too many."""
    states: FileStates = {}
    for root, folders, files in os.walk(program.cwd):
        folders[:] = [name for name in folders if _is_scanned(Path(root) / name, program)]
        for name in files:
            path = Path(root) / name
            try:
                state = path.lstat()
            except OSError:
                continue  # deleted meanwhile
            states[str(path)] = (state.st_mtime_ns, state.st_size, state.st_ino)
        if len(states) > MOST_FILES:
            return None
    return states


def _is_scanned(folder: Path, program: ProfiledCommand) -> bool:
    return (
        not folder.name.startswith(".") and folder.name not in _OURS and folder != program.ignored
    )


def _written(program: ProfiledCommand, before: FileStates | None) -> dict[str, str]:
    """The hashes of the files that are new or changed, and of the named ones."""
    after = _scan(program) if before is not None else None
    changed = (
        []
        if after is None or before is None
        else [Path(path) for path, state in after.items() if before.get(path) != state]
    )
    named = [(program.cwd / name).absolute() for name in program.files]
    return {
        os.path.relpath(path, program.cwd): sha256_of(path)
        for path in [*changed, *named]
        if path.is_file()
    }
