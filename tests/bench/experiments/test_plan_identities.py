"""The identities of plans, recorded before experiments were built from typed values.

An identity names a results folder: what one patchbench measured, the next one must find again. The
experiments are taken at the door where commands hand them over, and made plans with recipes that
hold all that an arm asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.experiments.experiment import ArmRequest, Experiment
from bench.experiments.plan import Plan, PlannedArm
from bench.nightly import config as nightly
from bench.run import run as running
from builder.builds.recipe import CompilerIdentity, Recipe
from builder.files import digest
from builder.runtimes import runtime as runtimes
from builder.runtimes.runtime import Runtime, RuntimeFacts
from builder.sources import Revision

COMPILER = CompilerIdentity(path="/usr/bin/gcc", version="gcc 14", sha256="0" * 64)
FACTS = RuntimeFacts(implementation="pypy", version="3.11.11", release="7.3.19")
Taken = Callable[..., Experiment]

FILE = """
base = "3.13"
suite = ["nbody", "-tornado"]
gate = "none"
wheels = "wheels"
source = { location = "../clone" }
[flavor]
pgo = true
[[candidate]]
series = "3.13/compact-int-add"
[[candidate]]
patch = ["a.diff", "-"]
flavor = { lto = true, loop_cflags = "-fno-gcse", configure = ["--without-doc-strings"] }
[[candidate]]
runtime = "pypy3"
[session]
margin = 0.02
budget = "1.5h"
timeout = "90s"
replicas = 2
placebos = 2
aa = true
"""
NIGHTLY = """
source = "../clone"
suite = ["nbody", "richards"]
gate = "none"
[[branch]]
revision = "main"
[[branch]]
name = "old"
revision = "2.7"
source = "debian"
suite = "quick"
[[flavor]]
[[flavor]]
pgo = true
computed_gotos = false
[session]
blocks = 20
seed = 3
budget = "2h"
replicas = 3
[confirm]
blocks = 44
margin = 0.005
"""


def identity(experiment: Experiment, folder: Path) -> str:
    """Of a plan whose recipes hold every value of the experiment, paths from `folder` on."""
    arms = tuple(
        PlannedArm(name=arm.name, kind=kind, variant=arm.variant, runtime=_runtime(arm, folder))
        if arm.runtime
        else PlannedArm(
            name=arm.name,
            kind=kind,
            variant=arm.variant,
            recipes=tuple(
                _recipe(arm, number, folder) for number in range(experiment.session.replicas)
            ),
        )
        for kind, arm in experiment.arms
    )
    plan = Plan(
        experiment=experiment,
        arms=arms,
        suite="pyperformance 1.14.0",
        benchmarks=tuple(_short(name, folder) for name in experiment.suite),
        protocol="lockstep",
    )
    return f"{experiment.name} {plan.identity} {_short(experiment.wheels, folder)}".strip()


def _recipe(arm: ArmRequest, replica: int, folder: Path) -> Recipe:
    source = asdict(arm.source) if arm.source else None
    asked = {
        "revision": arm.revision,
        "source": _short(str(source), folder),
        "series": arm.series,
        "patches": [_short(name, folder) for name in arm.patches],
    }
    return Recipe(
        revision=Revision(
            source="git", name=arm.revision, commit="c" * 40, version="3.13.5", epoch=1
        ),
        tree=digest(asked),
        flavor=arm.flavor,
        compiler=COMPILER,
        replica=replica,
        placebo=arm.placebo,
    )


def _runtime(arm: ArmRequest, folder: Path) -> Runtime:
    identity = _short(arm.runtime, folder)
    return Runtime(name=identity, python=Path("/x"), facts=FACTS, identity=identity)


def _short(text: str, folder: Path) -> str:
    return text.replace(str(folder), "").replace(str(folder.parent), "..")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Taken:
    """The experiment that a command line leads to, started in a folder of its own."""
    asked: list[Experiment] = []

    def run(_context: object, experiment: Experiment, **_more: object) -> int:
        asked.append(experiment)
        return 0

    monkeypatch.setattr(running, "run", run)
    monkeypatch.setattr(runtimes, "find", lambda *_asked: None)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def take(*line: str) -> Experiment:
        assert main(["--home", str(tmp_path / "home"), "--quiet", *line]) == 0
        return asked.pop()

    return take


AD_HOC = [
    ("adhoc 55a05c0cee54b1ff", "--base 3.13 --patch a.diff"),
    (
        "adhoc a2b3ddf79125adf3",
        "--base 3.13 --patch - --patch b/c.diff --series 3.13/compact-int-add --pgo --lto",
    ),
    (
        "adhoc 764eead3c105b760",
        "--base 3.13 --candidate main --source ../clone --suite nbody,-tornado --gate none",
    ),
    (
        "adhoc ad375af4313b8b3c",
        "--candidate feature/fast --series x/y --replicas 4 --placebos 2 --aa --blocks 9",
    ),
    (
        "adhoc 1c8e26250d89c3be",
        "--base 2.7 --variant typed --runtime pypy2 --budget 90s --until blocks --seed 0",
    ),
    (
        "adhoc 9214c960c578ed9c /whl",
        "--base 3.13 --runtime ../opt/bin/pypy --protocol corun --wheels whl --suite s/MANIFEST",
    ),
]
WITH_FILE = [
    ("asked b7ce3a388febbc06 /wheels", ""),
    (
        "asked f77af5aea8e63980 /other",
        "--suite core --gate full --wheels other --budget 5m --blocks 7",
    ),
    (
        "asked a2711665e658077c /wheels",
        "--protocol sequential --seed 9 --replicas 3 --until blocks --placebos 0",
    ),
]
LADDERS = [
    ("ladder-3.13 24b3e4851c0a9cfb", "--branch 3.13 --series 3.13/compact-int-add"),
    (
        "ladder-2.7 f7cc622652b33f0c",
        "--branch 2.7 --base v2.7.18 --source debian --series 2.7/a --series 2.7/b --gate full",
    ),
    (
        "ladder-3.13 802606a6d2c2c845 /whl",
        "--branch 3.13 --steps gotos,lto,pypy --runtime /opt/pypy --suite nbody --wheels whl",
    ),
    (
        "ladder-3.13 fbf5025a6abe7696",
        "--branch 3.13 --series a/b --budget 2h --blocks 8 --until blocks --protocol corun"
        " --seed 1",
    ),
]
NIGHTS = {
    "main pgo+no-computed-gotos": "main-pgo+no-computed-gotos 58b7f6f6baa2e311",
    "main pgo+no-computed-gotos again": "main-pgo+no-computed-gotos-again e7d83acf1ef685b4",
    "main pgo+no-computed-gotos alone": "main-pgo+no-computed-gotos-alone 9a989fa231f02fdb",
    "main plain": "main-plain 4e6d76e0070973a6",
    "main plain again": "main-plain-again bf527e505a2a795a",
    "main plain alone": "main-plain-alone d6b085c572bb8a4a",
    "old pgo+no-computed-gotos": "old-pgo+no-computed-gotos 70aaf5ccc673d1ae",
    "old pgo+no-computed-gotos again": "old-pgo+no-computed-gotos-again db7adffe1a2b6faf",
    "old pgo+no-computed-gotos alone": "old-pgo+no-computed-gotos-alone 2682e5e18aa58acc",
    "old plain": "old-plain f2d13f849b9eb2dd",
    "old plain again": "old-plain-again 41cda1e5cd0a3e2f",
    "old plain alone": "old-plain-alone 5eac244073aa820b",
}


@pytest.mark.parametrize(("recorded", "line"), AD_HOC)
def test_of_runs_from_options(line: str, recorded: str, taken: Taken) -> None:
    assert identity(taken("run", *line.split()), Path.cwd()) == recorded


@pytest.mark.parametrize(("recorded", "line"), WITH_FILE)
def test_of_runs_from_a_file(line: str, recorded: str, taken: Taken) -> None:
    Path("asked.toml").write_text(FILE)
    experiment = taken("run", str(Path.cwd() / "asked.toml"), *line.split())
    assert identity(experiment, Path.cwd()) == recorded


@pytest.mark.parametrize(("recorded", "line"), LADDERS)
def test_of_ladders(line: str, recorded: str, taken: Taken) -> None:
    assert identity(taken("ladder", *line.split()), Path.cwd()) == recorded


def test_of_nights(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "nightly.toml").write_text(NIGHTLY)
    config = nightly.load(folder / "nightly.toml")
    made = {}
    for branch, flavor in config.lines:
        for what, others, session, suite in (
            ("", {"tonight": "new", "release": "v3.13.5"}, None, ()),
            (" alone", {}, None, ()),
            (" again", {"tonight": "new"}, config.confirm, ("nbody",)),
        ):
            name = f"{branch.name} {flavor.name}{what}"
            experiment = nightly.experiment(
                branch,
                flavor,
                name=name,
                base="last",
                others=others,
                session=session,
                suite=suite,
            )
            made[name] = identity(experiment, folder)
    assert made == NIGHTS


def test_an_identity_holds_what_an_arm_asks_for(taken: Taken) -> None:
    """Or the tests above would hold nothing."""
    asked = taken("run", "--base", "3.13", "--patch", "a.diff")
    arm = asked.candidates[0]
    others = [
        replace(asked, candidates=(replace(arm, **change),))
        for change in (
            {"revision": "x"},
            {"series": ("x",)},
            {"patches": ("x",)},
            {"variant": "cython"},
            {"placebo": "links:1"},
            {"name": "x"},
        )
    ]
    others.append(replace(asked, session=replace(asked.session, blocks=9)))
    others.append(replace(asked, suite=("core",)))
    assert len({identity(name, Path.cwd()) for name in (asked, *others)}) == len(others) + 1
