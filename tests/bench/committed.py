"""The subjects of this project's recorded results: its series, stacks and flavors."""

from __future__ import annotations

from pathlib import Path

from bench.cli.main import PROJECT
from bench.context import Context
from bench.jobs.series import subjects
from bench.jobs.series.results import KeptSubject
from bench.util.console import Show
from builder.home import Home
from builder.process import SystemRunner

ROOTS = (PROJECT / "patches", PROJECT / "experiments")


def committed() -> list[KeptSubject]:
    """All subjects, with or without results."""
    home = Home(root=Path("nowhere"), host_lock=Path("nowhere"))
    context = Context(home=home, project=PROJECT, runner=SystemRunner(), show=Show())
    return subjects.chosen(context)
