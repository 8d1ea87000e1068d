"""What every job is given: the home, the project's own files, the runner and the messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.util import Show
from builder.builds import Store
from builder.errors import UsageError
from builder.home import Home
from builder.process import Runner


@dataclass(frozen=True, kw_only=True)
class Context:
    """Passed from the command line to the jobs. `project` holds patches/ and experiments/, in a
    checkout docs/ as well.

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

    def experiment_file(self, named: Path) -> Path:
        """The file of an experiment: the path as it is given, or the ready experiment of that name
        (`quickstart`, `experiments/quickstart.toml`) where there is no such file.
        """
        if named.exists() or named.is_absolute() or ".." in named.parts:
            return named
        folder = self.experiments
        choices = (self.project / named, folder / named, folder / f"{named}.toml")
        own = (path for path in choices if path.is_relative_to(folder) and path.is_file())
        return next(own, named)

    @property
    def store(self) -> Store:
        """The builds of this home."""
        return Store(self.home, self.show.say)


def own_folder(project: Path, name: str) -> Path:
    """A folder of the checkout `project`, to write into.

    Raises UsageError where `project` is no checkout: an installed patchbench stays as it is.
    """
    if not (project / ".git").exists():
        raise UsageError(
            "This patchbench is installed, and writes nothing into its own folders.",
            where=str(project / name),
            hint="Name the folder to write into with --out DIR.",
        )
    return project / name
