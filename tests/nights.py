"""Nights on the fake CPython: a source whose head moves, and the nightly command."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.history import reading
from bench.history.store import History
from bench.nightly import job
from builder.git.repository import Repository
from tests import fake
from tests.fake.repository import commit_tree

FILE = """
source = "fake.git"
suite = ["suite/MANIFEST", "fast"]
gate = "none"
[[branch]]
revision = "main"
release = "v3.13.5"
[session]
blocks = 3
seed = 7
process_seconds = 0.05
until = "blocks"
"""


@dataclass(frozen=True)
class Ground:
    """A folder with a source (tests change `tree`, its head), a suite and a nightly file."""

    root: Path

    @property
    def file(self) -> Path:
        return self.root / "nightly.toml"

    @property
    def nights(self) -> Path:
        return self.root / "nights"

    @property
    def ceval(self) -> Path:
        return self.root / "tree" / "Python" / "ceval.c"

    def commit(self, subject: str, *, when: int = 1700000000) -> str:
        tree = self.root / "tree"
        return commit_tree(self.root / "fake.git", tree, subject=subject, when=when)[1]

    def change(self, old: str, new: str, subject: str, *, when: int = 1700000000) -> str:
        """Replace `old` by `new` in the evaluation loop and commit that."""
        text = self.ceval.read_text()
        assert old in text
        self.ceval.write_text(text.replace(old, new))
        return self.commit(subject, when=when)

    def night(self, day: str, *more: str) -> int:
        """Run the night of a date; return its exit code."""
        arguments = ["--home", str(self.root / "home"), "nightly", str(self.file)]
        return main.main([*arguments, "--date", day, "--quiet", *more])

    def state(self, day: str) -> dict[str, Any]:
        """The state of a night on disk."""
        content = json.loads((self.nights / day / "night.json").read_text())
        night: dict[str, Any] = content["night"]
        return night

    def line(self, day: str, number: int = 0) -> dict[str, Any]:
        """The result of one line of a night."""
        result: dict[str, Any] = self.state(day)["tasks"][number]["result"]
        return result

    def entries(self) -> list[Any]:
        """The nights of the only line in the history."""
        with History.open(self.nights / "history.sqlite") as history, history.connect() as c:
            (line,) = reading.lines(c)
            return list(reading.nights(c, line))

    def alarms(self) -> list[Any]:
        with History.open(self.nights / "history.sqlite") as history, history.connect() as c:
            return [alarm for line in reading.lines(c) for alarm in reading.alarms(c, line)]


def lay_out(root: Path, text: str = FILE) -> Ground:
    """A source with one commit, tagged as the release."""
    ground = Ground(root)
    fake.write_tree(root / "tree")
    first = ground.commit("The release")
    Repository.open(root / "fake.git").set_ref("refs/tags/v3.13.5", first)
    shutil.copytree(
        fake.TEMPLATE.parent / "suite",
        root / "suite",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    ground.file.write_text(text)
    return ground


class Mailbox:
    """Replaces the functions for site and mail; records their calls in `sites` and `reports`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reports: list[Any] = []
        self.sites: list[Path] = []

        def site(context: Any, config: Any, history: Any, report: Any, now: Any) -> None:
            self.sites.append(config.folder)

        def mail(_env: Any, context: Any, config: Any, history: Any, report: Any, now: Any) -> None:
            self.reports.append(report)

        monkeypatch.setattr(job, "site", site)
        monkeypatch.setattr(job, "mail", mail)
