"""What tests of measuring share: the tests' own suite, arms that are the host's interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

import pyperf

from bench.benchmarks import suites
from bench.benchmarks.suites import Benchmark
from bench.measure.trial import BlockPlan, Effort, RunnableArm, Task
from bench.measure.worker import Rig
from builder.process import SystemRunner

MANIFEST = Path(__file__).parent / "suite" / "MANIFEST"
PYPERF = Path(pyperf.__file__).parent.parent
# Shorter than any real one: these tests look at behaviour, never at times.
HASTE = Effort(value=0.0005, process=0.005, warmup=0.001, max_values=6)


def benchmark(name: str) -> Benchmark:
    """A benchmark of the tests' own suite."""
    suite = suites.from_manifest(MANIFEST, "3.11.0")
    return next(one for one in suite.benchmarks if one.name == name)


def scripts(root: Path) -> Path:
    """A folder laid out as an environment's scripts, by links."""
    folder = root / "suite"
    for one in suites.from_manifest(MANIFEST, "3.11.0").benchmarks:
        link = folder / one.folder
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(one.source)
    return folder


def arm(root: Path, name: str, what: str = "nothing", after: int = 0) -> RunnableArm:
    """The host's interpreter as an arm, with the patient's condition."""
    condition = root / f"condition-{name}"
    condition.mkdir(exist_ok=True)
    (condition / "condition.py").write_text(f"WHAT = {what!r}\nAFTER = {after}\n")
    return RunnableArm(
        name=name,
        kind="cpython-host",
        python=Path(sys.executable),
        pythonpath=(condition, PYPERF),
        scripts=scripts(root),
    )


def rig(root: Path, timeout: float = 30.0) -> Rig:
    """Not pinned: tests run beside each other."""
    return Rig(
        runner=SystemRunner(), scratch=root / "scratch", timeout=timeout, places={root: "ROOT"}
    )


def task(index: int = 0, values: int = 4, warmups: int = 1, name: str = "tiny") -> Task:
    """A task of short values."""
    return Task(index=index, name=name, loops=2, warmups=warmups, values=values, seconds=0.001)


def block(of: Benchmark, *arms: RunnableArm, seed: int = 7, what: Task | None = None) -> BlockPlan:
    """A block of the given arms."""
    return BlockPlan(number=3, benchmark=of, task=what or task(), arms=arms, seed=seed)
