"""rich's console for stdout and for stderr, and what each does when its reader is gone."""

from __future__ import annotations

from rich.console import Console


class OutputConsole(Console):
    """rich would end the process itself, with a status that means something else here."""

    def on_broken_pipe(self) -> None:
        """Leave it to the command line."""
        raise BrokenPipeError


class MessageConsole(Console):
    """A run does not end because nobody reads what it says."""

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True
