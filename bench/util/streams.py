"""rich consoles for stdout and stderr, each with its own reaction to a closed pipe."""

from __future__ import annotations

from typing import Any

from rich.console import Console


class OutputConsole(Console):
    """Console for stdout. A closed pipe raises BrokenPipeError: rich itself would end the process,
    with an exit code that has another meaning here.
    """

    is_piped = False
    """Whether no terminal limits the width of lines."""

    def print(self, *objects: Any, **named: Any) -> None:
        """Print; a pipe gets whole lines, which rich would cut at the width."""
        super().print(*objects, **{"crop": not self.is_piped, **named})

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, which the command line handles."""
        raise BrokenPipeError


class MessageConsole(Console):
    """Console for stderr. A closed pipe silences it: a run does not end for want of a reader."""

    def on_broken_pipe(self) -> None:
        """Print no more messages."""
        self.quiet = True
