"""What this project keeps results of: its series, and the flavors of its experiments."""

from __future__ import annotations

from pathlib import Path

from bench.cli import PROJECT
from bench.jobs import subjects
from bench.jobs.context import Context
from bench.kept_results import Subject
from bench.progress import Show
from builder.process import SystemRunner
from builder.store import Home

ROOTS = (PROJECT / "patches", PROJECT / "experiments")


def committed() -> list[Subject]:
    """All of them, with results or without."""
    home = Home(root=Path("nowhere"), host_lock=Path("nowhere"))
    context = Context(home=home, project=PROJECT, runner=SystemRunner(), show=Show())
    return subjects.chosen(context)
