"""A result made by hand: every kind of verdict, what is missing, what is broken, what is odd."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.benchmarks.suites import Missing
from bench.compare import times
from bench.compare.comparison import TIMES, Comparison, Comparisons, SuiteComparison
from bench.experiments.experiment import ArmRequest, Experiment
from bench.experiments.plan import Plan, PlannedArm
from bench.experiments.session_options import SessionOptions
from bench.host.facts import Host
from bench.results import result as results
from bench.results.result import ArmReport
from bench.session.record import BlockRecord, SessionRecord
from builder.builds.facts import BuildFacts, Difference
from builder.builds.gate import Judgement
from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.builds.store import Build, Stage
from builder.patches.catalogue import Series
from builder.patches.patch import Patch
from builder.sources.revision import Revision

HOME = Path("/home/ann/.cache/patchbench")
ONE_BUILD = "one-build: speaks of these two binaries only; rebuilding either may move the ratio"

REVISION = Revision(
    source="git cpython",
    name="3.13",
    commit="0123456789abcdef0123456789abcdef01234567",
    version="3.13.5",
    epoch=1750000000,
)
HOST = Host(
    name="c0ffee",
    cpu="Imaginary CPU 3000",
    vendor="Imaginary",
    microcode="0x1",
    architecture="x86_64",
    cpus=2,
    usable_cpus=2,
    cores=1,
    quota=None,
    smt=True,
    turbo=None,
    governor=None,
    frequency_readable=False,
    aslr=2,
    memory=8_000_000_000,
    hypervisor="KVM",
    kernel="6.1.0",
    os="Debian GNU/Linux 12 (bookworm)",
    libc="glibc 2.36",
)

SERIES = Series(
    name="3.13/fast-add",
    branch="3.13",
    title="Fast add",
    why="why",
    applies_to=">=3.13,<3.14",
    upstream="none",
    status="not proposed",
    effect="effect",
    mechanism="mechanism",
    patches=(Patch(name="0001-add.patch", data=b"--- a\n+++ b\n"),),
)


def recipe(number: int, *series: str, flavor: Flavor | None = None) -> Recipe:
    """The recipe of an arm."""
    return Recipe(
        revision=REVISION,
        tree=f"{number:040x}",
        flavor=flavor or Flavor(),
        compiler=CompilerIdentity(path="/usr/bin/gcc", version="gcc 12.2.0", sha256="00" * 32),
        series=series,
        changed=("Python/bytecodes.c",) if series else (),
    )


def build(of: Recipe, *, jumps: int = 230) -> Build:
    """A build as the store would give it."""
    folder = HOME / "builds" / f"{int(of.tree, 16):016x}"
    return Build(
        key=folder.name,
        title=of.title,
        folder=folder,
        python=folder / "prefix" / "bin" / "python3.13",
        facts=BuildFacts(
            version="3.13.5",
            config={"CONFIG_ARGS": "--prefix=PREFIX CC=gcc", "CC": "gcc", "CFLAGS": "-O3"},
            options="-O3 -march=x86-64",
            compiler="GNU C11 12.2.0",
            pgo=of.flavor.pgo,
            lto=of.flavor.lto,
            computed_gotos=jumps > 1,
            eval_function="_PyEval_EvalFrameDefault",
            eval_bytes=61234 + jumps,
            indirect_jumps=jumps,
            modules=("_json", "math"),
            code={"bin/python3.13": f"{jumps:064x}"},
            library="11" * 32,
        ),
        stages=(Stage(name="configure", seconds=20.5), Stage(name="make", seconds=180.25)),
        regenerated=("Python/generated_cases.c.h",) if of.series else (),
    )


BASE_SECONDS = {
    "json_dumps": 0.0123456,
    "nbody": 0.104,
    "pickle": 12.3e-6,
    "regex_v8": 0.0234,
    "spectral_norm": 3.6e-8,
    "suite": 1.0,
}


def comparison(
    benchmark: str,
    ratio: float,
    wide: float,
    verdict: str,
    *warnings: str,
    blocks: int = 12,
    timed: bool = True,
) -> Comparison:
    """A comparison whose interval is `wide` on either side; none where it is 0."""
    bounds = {
        "low": ratio - wide if wide else None,
        "high": ratio + wide if wide else None,
        "low95": ratio - wide / 2 if wide else None,
        "high95": ratio + wide / 2 if wide else None,
    }
    return Comparison(
        benchmark=benchmark,
        metric="time",
        ratio=ratio,
        **bounds,
        verdict=verdict,
        blocks=blocks,
        builds=1,
        warnings=(ONE_BUILD, *warnings),
        **times.fields_of(BASE_SECONDS.get(benchmark, 0.05), ratio, "cpu") if timed else {},
    )


def comparisons() -> Comparisons:
    """One of each verdict, one without an interval, one missing."""
    suite = comparison("suite", 0.9512, 0.004, "faster")
    kept = {key: value for key, value in asdict(suite).items() if key not in ("benchmark", *TIMES)}
    return Comparisons(
        margin=0.01,
        error=0.05,
        method="Student's t on the log ratios of blocks",
        comparisons=(
            comparison("json_dumps", 1.0004, 0.003, "equivalent"),
            comparison("nbody", 0.8, 0.01, "faster"),
            comparison("pickle", 1.1, 0.02, "slower", "outliers: 1 of 12 blocks lies far out"),
            comparison("regex_v8", 1.011, 0.05, "undecided", "few-blocks: 2 blocks", blocks=2),
            comparison("spectral_norm", 0.99, 0, "undecided", "no-interval: 1 block", blocks=1),
        ),
        suite=SuiteComparison(**kept),
        missing=(
            Missing(benchmark="tornado_http", reason="fast-add was killed by SIGSEGV (boom)"),
            Missing(benchmark="2to3", reason="its requirements cannot be installed"),
        ),
        warnings=("suite-mix: benchmarks disagree",),
    )


def arms() -> tuple[ArmReport, ...]:
    """A base; a candidate that was measured; one that fails its gate; one that did not build."""
    recipes = (
        recipe(1),
        recipe(2, "3.13/fast-add"),
        recipe(3, "3.13/wrong-add"),
        recipe(4, flavor=Flavor(lto=True)),
    )
    names = ("base", "fast-add", "wrong-add", "lto")
    reports = [
        ArmReport(
            name=name,
            title=one.title,
            series=one.series,
            revision=asdict(one.revision),
            flavor=asdict(one.flavor) | {"name": one.flavor.name},
            builds=(build(one),),
        )
        for name, one in zip(names, recipes, strict=True)
    ]
    gate = Judgement(
        selection="core", tests=71, broken=(), flaky=("test_signal",), base_failed=("test_gdb",)
    )
    reports[1] = replace(
        reports[1],
        builds=(build(recipes[1], jumps=3),),
        judgement=gate,
        comparisons=comparisons(),
        differences=(
            Difference(fact="indirect jumps", base="230", candidate="3", asked=True),
            Difference(fact="CFLAGS", base="-O3", candidate="-O3 -g3", asked=False),
        ),
        warnings=("same-library: only the interpreter differs",),
    )
    reports[2] = replace(
        reports[2], judgement=replace(gate, broken=("test_dis", "test_int"), flaky=())
    )
    reports[3] = replace(
        reports[3],
        builds=(),
        broken="make of 3.13.5 lto exited with status 2.\nPython/ceval.c:1:1: error: no",
    )
    return tuple(reports)


def plan() -> Plan:
    """The plan behind it."""
    flavors = {report.name: report for report in arms()}
    names = list(flavors)
    recipes = (
        recipe(1),
        recipe(2, "3.13/fast-add"),
        recipe(3, "3.13/wrong-add"),
        recipe(4, flavor=Flavor(lto=True)),
    )
    return Plan(
        experiment=Experiment(
            name="specimen",
            base=ArmRequest(name="base", revision="3.13"),
            candidates=tuple(ArmRequest(name=name) for name in names[1:]),
            session=SessionOptions(blocks=12, seed=7, budget=600.0),
        ),
        arms=tuple(
            PlannedArm(name=name, recipes=(one,)) for name, one in zip(names, recipes, strict=True)
        ),
        suite="pyperformance 1.14.0",
        benchmarks=("json_dumps", "nbody", "pickle", "regex_v8", "spectral_norm", "tornado_http"),
        protocol="lockstep",
    )


def measured() -> SessionRecord:
    """What the session gave: two blocks stand for all."""
    return SessionRecord(
        blocks=tuple(
            BlockRecord(
                number=number,
                task="nbody",
                benchmark="nbody",
                means={"base": 0.1, "fast-add": 0.08},
                positions={"base": number, "fast-add": 1 - number},
                values={"base": 20, "fast-add": 20},
                seconds=4.5,
                busy_seconds=4.4,
                state={"load": 1.0, "steal": 0.0},
            )
            for number in (0, 1)
        ),
        missing=comparisons().missing,
        seconds=612.3,
        busy_seconds=600.1,
        complete=True,
    )


def specimen() -> dict[str, Any]:
    """The content of its result.json."""
    return results.assemble(
        plan=plan(),
        seed=7,
        arms=arms(),
        measured=measured(),
        host=asdict(HOST),
        commands=(f"patchbench --home {HOME} run specimen.toml --seed 7",),
        warnings=("busy-host: other processes took 12% of the time",),
        when="2025-06-15T12:00:00+00:00",
        version="0.1.0",
        places={HOME: "HOME", Path("/home/ann"): "~", Path("/"): "ROOT"},
    )
