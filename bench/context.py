"""What every job is given: the home, the project's own files, the runner and the messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.util import Show
from builder.builds import Store
from builder.home import Home
from builder.process import Runner


@dataclass(frozen=True, kw_only=True)
class Context:
    """Passed from the command line to the jobs. `project` holds patches/ and experiments/.

    `pip_environment` is what pip may see of the caller's environment. `arguments` is what was
    typed.
    """

    home: Home
    project: Path
    runner: Runner
    show: Show
    pip_environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    @property
    def patches(self) -> Path:
        """The folder of the series."""
        return self.project / "patches"

    @property
    def experiments(self) -> Path:
        """The folder of the ready experiments."""
        return self.project / "experiments"

    @property
    def store(self) -> Store:
        """The builds of this home."""
        return Store(self.home, self.show.say)
