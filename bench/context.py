"""The arguments common to all jobs: home, project files, process runner, messages."""

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
    """Passed from the command line to the jobs.

    `project` is the folder with patches/ and experiments/, in a checkout also docs/.
    `pip_environment` is the part of the caller's environment that pip may see. `arguments` is the
    command line.
    """

    home: Home
    project: Path
    runner: Runner
    show: Show
    pip_environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    @property
    def patches(self) -> Path:
        """The folder of all series."""
        return self.project / "patches"

    @property
    def experiments(self) -> Path:
        """The folder of the experiments that come with patchbench."""
        return self.project / "experiments"

    def experiment_file(self, named: Path) -> Path:
        """The file of an experiment: the path itself or, where no such file exists, the experiment
        of that name that comes with patchbench (`quickstart`, `experiments/quickstart.toml`).
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

    Raises UsageError where `project` is no checkout: an installed patchbench is never changed.
    """
    if not (project / ".git").exists():
        raise UsageError(
            "An installed patchbench cannot write into its own folders.",
            where=str(project / name),
            hint="Name the folder to write into with --out DIR.",
        )
    return project / name
