"""A project with series, a flavor and a stack, and a run that measured them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.cli import main
from bench.jobs.series.results import of_series
from bench.results.folder import kept_patches
from builder.patches.catalogue import Series, load
from tests import fake
from tests.golden.specimen import specimen

MANIFEST = """\
title = "Faster"
why = "why"
applies_to = ">=3.13,<3.14"
upstream = "none"
status = "STATUS"
effect = "effect"
mechanism = "mechanism"
"""


EXPERIMENT = """\
base = "3.13.5"
[[candidate]]
name = "link-time"
flavor = { lto = true }
[[candidate]]
series = ["3.13/fast-add"]
[[candidate]]
name = "both"
series = ["3.13/fast-add"]
flavor = { lto = true }
"""


NAME = "3.13/fast-add"


FLAVOR = "specimen/link-time"


STACKED = """\
[[candidate]]
name = "stack"
series = ["3.13/fast-add", "3.13/padding"]
"""


STACK = "specimen/stack"


Edit = Callable[[dict[str, Any]], object]


class Bench:
    """A project with three series and a flavor, and a run that measured them, each alone."""

    def __init__(self, folder: Path) -> None:
        (folder / ".git").mkdir()
        self.patches = folder / "patches"
        self.folder = folder / "run"
        self.experiments = folder / "experiments"
        self.experiments.mkdir()
        (self.experiments / "specimen.toml").write_text(EXPERIMENT)
        self.write(NAME, "not proposed", 1.1)
        self.write("3.13/wrong-add", "not proposed", 1.2)
        self.write("3.13/padding", "placebo", 1.3)
        self.run = self.measured()

    def write(self, name: str, status: str, speed: float, more: str = "") -> None:
        folder = self.patches / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "series.toml").write_text(MANIFEST.replace("STATUS", status) + more)
        (folder / "0001-it.patch").write_bytes(fake.speed_patch(speed))

    def measured(self) -> dict[str, Any]:
        run = specimen()
        fast, wrong, padding = run["candidates"]
        run["candidates"].append({**padding, "name": "link-time", "series": []})
        padding |= {"name": "padding", "series": ["3.13/padding"], "suite": fast["suite"]}
        padding |= {"flavor": run["base"]["flavor"], "broken": "", "verdict": "faster"}
        for arm in (fast, wrong, padding):
            stack = [load(self.patches, arm["series"][0])]
            run["experiment"]["arms"].append({"name": arm["name"], "patches": plan(arm, stack)})
        return run

    def stack(self) -> dict[str, Any]:
        """Add a stack to the experiment and to the run; return its candidate."""
        (self.experiments / "specimen.toml").write_text(EXPERIMENT + STACKED)
        series = ["3.13/fast-add", "3.13/padding"]
        arm: dict[str, Any] = {**self.run["candidates"][0], "name": "stack", "series": series}
        patches = plan(arm, [load(self.patches, name) for name in series])
        self.run["candidates"].append(arm)
        self.run["experiment"]["arms"].append({"name": "stack", "patches": patches})
        return arm

    def kept(self, name: str = NAME) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.patches / name / "verdict.json").read_text())
        return content

    def series(self, *arguments: str) -> int:
        return main.main(["series", *arguments])

    def record(self, *arguments: str) -> int:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "result.json").write_text(json.dumps(self.run))
        return self.series("--record", str(self.folder), *arguments)


def plan(arm: dict[str, Any], stack: list[Series]) -> dict[str, str]:
    names = [name for name, _patch in kept_patches(arm["name"], stack)]
    values = [sha256 for series in stack for sha256 in of_series(series, Path()).patches.values()]
    return dict(zip(names, values, strict=True))
