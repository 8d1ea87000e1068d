"""A results folder made by hand: real files and real statistics, and no process was started."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.experiments.experiment import AA, BASE, CANDIDATE, PLACEBO, ArmRequest, Experiment
from bench.experiments.plan import Plan, PlannedArm
from bench.experiments.session_options import SessionOptions
from bench.measure.trial import Trial, TrialSeconds
from bench.planning.resolve import _with_digests
from bench.report.formats import mail, markdown
from bench.results import result as results
from bench.results.folder import Folder
from bench.results.result import ArmReport
from bench.results.shape import Result
from bench.session import verdicts
from bench.session.folder import SessionFolder
from bench.session.record import BlockRecord, SessionRecord
from bench.session.session import read_folder
from bench.session.stopping import Rules
from builder.builds.gate import Judgement
from builder.builds.recipe import Recipe
from builder.patches.catalogue import Series, adhoc
from tests import fake
from tests.golden import specimen

TASKS = ("nbody", "richards")
NAME = "fast"


def lay_out(
    folder: Path, *, seed: int = 7, factor: float = 0.9, blocks: int = 4, controls: bool = False
) -> dict[str, Any]:
    """Write the results of a run whose candidate takes `factor` times as long; the result.

    With `controls` an A/A arm and a placebo are there as well.
    """
    patches = {NAME: (adhoc(f"{NAME}.patch", fake.speed_patch(factor)),)}
    plan = _plan(patches, seed, blocks, controls)
    kept = Folder(path=folder)
    folder.mkdir(parents=True)
    kept.open(plan, seed, patches)
    factors = {arm.name: factor if arm.kind == CANDIDATE else 1.0 for arm in plan.arms}
    _measure(SessionFolder(kept.raw), plan, seed, factors)
    result = _result(plan, seed, read_folder(kept.raw))
    kept.finish(result, render(results.parse_document(result)))
    return result


def render(result: Result) -> dict[str, str]:
    """Reports that take no time."""
    return {"report.md": markdown.render(result), "mail.txt": mail.render(result)}


def rewrite(path: Path, change: Mapping[str, Any]) -> None:
    """Change values of a JSON file by their dotted places: {"blocks.0.seconds": 1}."""
    content = json.loads(path.read_text())
    for place, value in change.items():
        *above, last = [int(part) if part.isdigit() else part for part in place.split(".")]
        target = content
        for part in above:
            target = target[part]
        target[last] = value
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _plan(
    patches: Mapping[str, tuple[Series, ...]], seed: int, blocks: int, controls: bool
) -> Plan:
    base = specimen.recipe(1)
    fast = replace(specimen.recipe(2, NAME), changed=("Python/ceval.c",))
    arms = [_arm("base", BASE, base), _with_digests(_arm(NAME, CANDIDATE, fast), patches)]
    if controls:
        arms.append(_arm("aa", AA, base))
        arms.append(_arm("placebo-padding-1", PLACEBO, replace(base, placebo="padding:1")))
    options = SessionOptions(
        blocks=blocks, budget=600.0, seed=seed, until="blocks", aa=controls, placebos=int(controls)
    )
    return Plan(
        experiment=Experiment(
            name="evidence",
            base=ArmRequest(name="base", revision="3.13"),
            candidates=(ArmRequest(name=NAME),),
            session=options,
        ),
        arms=tuple(arms),
        suite="pyperformance 1.14.0",
        benchmarks=TASKS,
        protocol="lockstep",
    )


def _arm(name: str, kind: str, recipe: Recipe) -> PlannedArm:
    return PlannedArm(name=name, kind=kind, recipes=(recipe,))


def _measure(folder: SessionFolder, plan: Plan, seed: int, factors: Mapping[str, float]) -> None:
    options = plan.experiment.session
    chance = random.Random(seed)
    folder.begin(
        Rules(
            blocks=options.blocks,
            budget=options.budget,
            margin=options.margin,
            seed=seed,
            watched=plan.watched,
            sequential=False,
        )
    )
    for number in range(options.blocks):
        for task in TASKS:
            _block(folder, number, task, factors, chance)
    folder.conclude()


def _block(
    folder: SessionFolder,
    number: int,
    task: str,
    factors: Mapping[str, float],
    chance: random.Random,
) -> None:
    values = {
        arm: [0.01 * factor * chance.uniform(0.99, 1.01) for _ in range(3)]
        for arm, factor in factors.items()
    }
    spent = TrialSeconds(start=0.1, values=0.03, end=0.05)
    record = BlockRecord(
        number=number,
        task=task,
        benchmark=task,
        means={arm: sum(some) / len(some) for arm, some in values.items()},
        positions={arm: place for place, arm in enumerate(factors)},
        values={arm: len(some) for arm, some in values.items()},
        seconds=1.5,
        busy_seconds=sum(spent.start + spent.values + spent.end for _ in factors),
        state={"load": 1.0, "steal": 0.0},
        protocol="lockstep",
    )
    trials = [
        Trial(
            arm=arm,
            replica=0,
            position=place,
            result=_pyperf(task, values[arm], number, place, arm),
            spent=spent,
        )
        for place, arm in enumerate(factors)
    ]
    folder.keep(record, trials, seed=99, counts=True)


def _pyperf(task: str, values: list[float], number: int, place: int, arm: str) -> dict[str, Any]:
    ours = {
        "patchbench_block": number,
        "patchbench_protocol": "lockstep",
        "patchbench_position": place,
        "patchbench_replica": 0,
        "patchbench_variant": arm,
        "patchbench_seed": 99,
    }
    runs = [{"metadata": ours, "values": values, "warmups": [[1, values[0]]]}]
    return {"version": "1.0", "metadata": {"name": task}, "benchmarks": [{"runs": runs}]}


def _result(plan: Plan, seed: int, measured: SessionRecord) -> dict[str, Any]:
    gate = Judgement(selection="core", tests=71, broken=(), flaky=(), base_failed=())
    margin = plan.experiment.session.margin
    compared = {
        arm.name: verdicts.conclude(measured, arm.name, margin=margin) for arm in plan.candidates
    }
    kinds = {arm.name: arm.kind for arm in plan.arms}
    band = verdicts.Band.of(one for name, one in compared.items() if kinds[name] == PLACEBO)
    arms = []
    for arm in plan.arms:
        found = compared.get(arm.name)
        if found is not None and arm.kind != PLACEBO:
            found = verdicts.beside(found, band)
        # The store's key is the recipe's.
        build = replace(specimen.build(arm.recipe), key=arm.recipe.key)
        arms.append(
            ArmReport(
                name=arm.name,
                kind=arm.kind,
                title=arm.recipe.title,
                series=arm.recipe.series,
                revision=asdict(arm.recipe.revision),
                flavor=asdict(arm.recipe.flavor) | {"name": arm.recipe.flavor.name},
                placebo=arm.recipe.placebo,
                builds=(build,),
                judgement=gate if arm.kind != BASE else None,
                comparisons=found,
            )
        )
    return results.assemble(
        plan=plan,
        seed=seed,
        arms=arms,
        measured=measured,
        band=band,
        host=asdict(specimen.HOST),
        commands=(f"patchbench run evidence.toml --seed {seed}",),
        warnings=(),
        when=f"2026-11-2{seed % 10}T12:00:00+00:00",
        version="0.1.0",
        places={},
    )
