"""The runner of the tests: it records every command, and executes none unless it is asked to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.process import Command, Completed, Process, Runner


@dataclass(frozen=True, kw_only=True)
class Call:
    """One use of the runner; `is_start` where it was started beside others, not run to its end."""

    command: Command
    log: Path | None = None
    timeout: float | None = None
    is_start: bool = False


class RecordedProcess:
    """A started process that does not exist: it ends as it was answered, and counts its kills."""

    def __init__(self, pid: int, completed: Completed) -> None:
        self.pid = pid
        self.kills = 0
        self._completed = completed

    def wait(self, timeout: float | None = None) -> Completed:
        """See builder.process.Process."""
        return self._completed

    def kill(self) -> None:
        """See builder.process.Process."""
        self.kills += 1


Answer = Callable[[Call], Completed]


def completed(output: str = "", *, returncode: int = 0, seconds: float = 0.1) -> Completed:
    """How a process ended: in success and without output unless said otherwise."""
    return Completed(returncode=returncode, seconds=seconds, output=output)


def no_command(call: Call) -> Completed:
    """The answer where any command is an error."""
    raise AssertionError(f"unexpected command: {call.command.shown()}")


class RecordingRunner:
    """A `builder.process.Runner` that records each call before it is answered.

    Commands are answered by a function, which may raise what a runner would, or by one `Completed`
    for all of them (success without output by default). `through` is a runner that executes them
    instead.
    """

    def __init__(
        self, answer: Answer | Completed | None = None, *, through: Runner | None = None
    ) -> None:
        self.calls: list[Call] = []
        self.processes: list[Process] = []
        self._answer = answer or completed()
        self._through = through

    @property
    def commands(self) -> list[Command]:
        """All commands so far."""
        return [call.command for call in self.calls]

    @property
    def argvs(self) -> list[tuple[str, ...]]:
        """Their arguments."""
        return [command.argv for command in self.commands]

    def count(self, word: str) -> int:
        """How many commands had this word among their arguments."""
        return sum(word in argv for argv in self.argvs)

    def run(
        self,
        command: Command,
        *,
        log: Path | None = None,
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """See builder.process.Runner."""
        call = Call(command=command, log=log, timeout=timeout)
        self.calls.append(call)
        if self._through is not None:
            return self._through.run(command, log=log, timeout=timeout, on_line=on_line)
        ending = self._ending(call)
        if on_line is not None:
            for line in ending.output.splitlines():
                on_line(line)
        return ending

    def start(self, command: Command, *, log: Path | None = None) -> Process:
        """See builder.process.Runner; the processes are kept in `processes`."""
        call = Call(command=command, log=log, is_start=True)
        self.calls.append(call)
        if self._through is not None:
            process = self._through.start(command, log=log)
        else:
            process = RecordedProcess(len(self.calls), self._ending(call))
        self.processes.append(process)
        return process

    def _ending(self, call: Call) -> Completed:
        return self._answer if isinstance(self._answer, Completed) else self._answer(call)
