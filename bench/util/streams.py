"""rich consoles for stdout and stderr, each with its own reaction to a closed pipe."""

from __future__ import annotations

from rich.console import Console


class OutputConsole(Console):
    """Console for stdout. A closed pipe raises BrokenPipeError: rich itself would end the process,
    with an exit code that has another meaning here.
    """

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, which the command line handles."""
        raise BrokenPipeError


class MessageConsole(Console):
    """Console for stderr. A closed pipe silences it: a run does not end for want of a reader."""

    def on_broken_pipe(self) -> None:
        """Print no more messages."""
        self.quiet = True
