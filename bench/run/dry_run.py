"""The dry run: the plan and every command that carrying it out would start, on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.benchmarks import (
    Environment,
    Environments,
    Interpreter,
    PackageSource,
    of_runtime,
    worker_requirements,
)
from bench.context import Context
from bench.experiments import BASE, CANDIDATE, PlannedArm
from bench.host import read_host
from bench.measure import BlockPlan, Effort, Task, arm_of, block_commands, choice
from bench.run.fitting import lacking
from bench.run.resolve import Resolved
from bench.util import harmless
from builder.builds import Options, Recipe, regenerate_targets, regrtest, steps
from builder.versions import numbers
from ext.compile import requirements


def show(context: Context, resolved: Resolved) -> None:
    """Print the plan and the commands. Nothing is built, installed or measured."""
    plan = resolved.plan
    session = plan.experiment.session
    _line(f"experiment  {plan.experiment.name} ({plan.identity})")
    _line(f"suite       {plan.suite}: {', '.join(plan.benchmarks)}")
    for missing in resolved.selection.missing:
        _line(f"missing     {missing.benchmark}: {missing.reason}")
    budget = "none" if session.budget is None else f"{session.budget:.0f} s"
    until = "until all is decided" if session.until == "decided" else "whatever they show"
    _line(
        f"session     {session.blocks} blocks a benchmark at most, {until}, budget {budget}, "
        f"margin {session.margin:g}"
    )
    home, say = context.home, context.show.say
    _line(f"protocols   {choice.choices(plan.protocol, home, read_host(), say).origin}")
    for arm in plan.arms:
        _arm(context, resolved, arm)
    _measuring(context, resolved)


def _line(text: str) -> None:
    sys.stdout.write(harmless(text) + "\n")


def _arm(context: Context, resolved: Resolved, arm: PlannedArm) -> None:
    if arm.runtime is not None:
        _line("")
        _line(f"# {arm.name}: {arm.title}, nothing is built: {arm.runtime.python}")
        return
    for recipe in arm.recipes:
        _build(context, resolved, arm, recipe)
    gate = resolved.plan.experiment.gate
    if gate != "none":
        command = regrtest(
            _python(context, arm.recipe),
            arm.recipe.revision.version,
            (f"TESTS-OF-{gate if arm.kind in (BASE, CANDIDATE) else 'short'}",),
            scratch=Path("SCRATCH"),
            jobs=len(os.sched_getaffinity(0)),
        )
        _line(command.shown())
    if len(arm.recipes) > 1:
        _line("# the same with TESTS-OF-short for each further replica")


def _build(context: Context, resolved: Resolved, arm: PlannedArm, recipe: Recipe) -> None:
    stored = context.store.find(recipe.key)
    _line("")
    variant = f", {arm.variant}" if arm.variant else ""
    _line(f"# {arm.name}: {recipe.title}{variant}, build {recipe.key}")
    _line(f"# tree {recipe.tree} of commit {recipe.revision.commit}")
    for path in recipe.changed:
        _line(f"#   changes {path}")
    if recipe.replica or recipe.placebo:
        _line("# after configure, a layout is drawn: padding in C files, orders for the linker")
    if stored is not None:
        _line(f"# stored already: {stored.python}")
    else:
        repository = resolved.repositories[arm.name]
        configure = repository.read(recipe.tree, "configure") or b""
        for step in steps(
            recipe,
            home=context.home,
            folder=context.store.folder(recipe.key),
            options=Options.of(configure.decode("utf-8", "replace")),
            regenerate=regenerate_targets(recipe, repository),
            jobs=len(os.sched_getaffinity(0)),
        ):
            _line(step.command.shown())


def _python(context: Context, recipe: Recipe) -> Path:
    """Where a recipe's interpreter is or will be."""
    folder = context.store.folder(recipe.key)
    return folder / "prefix" / "bin" / f"python{recipe.revision.branch}"


def _interpreter(context: Context, recipe: Recipe) -> Interpreter:
    return Interpreter(
        identity=recipe.key,
        python=_python(context, recipe),
        version=numbers(recipe.revision.version),
    )


def _interpreters(context: Context, arm: PlannedArm) -> Iterator[Interpreter]:
    """What an arm runs in each replica."""
    if arm.runtime is not None:
        yield of_runtime(arm.runtime)
    for recipe in arm.recipes:
        yield _interpreter(context, recipe)


def _compiling(resolved: Resolved) -> None:
    """What variants are made from, and which benchmarks have none."""
    for arm in resolved.plan.arms:
        if not arm.variant:
            continue
        wanted = requirements(arm.version)
        _line(f"# {arm.name}: compiled by {wanted.cython}, checked against the pure code's answers")
        for benchmark in resolved.selection.benchmarks:
            reason = lacking(benchmark, arm.variant)
            if reason:
                _line(f"missing     {benchmark.name} for {arm.name}: {reason}")


def _measuring(context: Context, resolved: Resolved) -> None:
    _line("")
    _line("# environments: once for each build")
    environments = Environments(context.home, context.runner, PackageSource())
    arms: list[tuple[PlannedArm, Environment]] = []
    shown: set[str] = set()
    for arm in resolved.plan.arms:
        for number, interpreter in enumerate(_interpreters(context, arm)):
            environment = environments.planned(interpreter)
            if not number:
                arms.append((arm, environment))
            if interpreter.identity not in shown:  # the A/A arm may be the base's own build
                shown.add(interpreter.identity)
                wanted = " ".join(worker_requirements(environment.interpreter.version))
                _line(f"{environment.python} -m pip install --target {environment.base} {wanted}")
    _line("")
    _compiling(resolved)
    _line("# one block of each benchmark (loops, warm-ups and values come from the calibration)")
    warmups, values = Effort().shape(0.02)
    for benchmark in resolved.selection.benchmarks:
        block = BlockPlan(
            number=0,
            benchmark=benchmark,
            task=Task(
                index=0, name=benchmark.name, loops=1, warmups=warmups, values=values, seconds=0.02
            ),
            arms=tuple(
                arm_of(env, benchmark, name=arm.name)
                for arm, env in arms
                if not lacking(benchmark, arm.variant)
            ),
            seed=0,
        )
        for command in block_commands(block, Path("SCRATCH"), None, draws_addresses=True):
            _line(command.shown())
