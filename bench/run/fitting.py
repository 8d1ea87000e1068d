"""The arm of a benchmark: a build or runtime as it is, or with the benchmark's code compiled.

A compiled module is used only after it has answered as the pure one does, on this very interpreter:
see `Fitting.arm`. What was found is kept beside the module, so that each is asked once. The Cython
that fits an interpreter is installed when it is missing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.benchmarks import Benchmark, Environment, PackageSource, is_kernel, packages, unfit
from bench.context import Context
from bench.experiments import PlannedArm
from bench.measure import RunnableArm, Worker, answering_command, arm_of
from builder.errors import BuildError, RequirementsError
from builder.files import guard_writes, hold_lock, write_atomically
from builder.process import Command, clean_environment, last_lines
from ext import kernels, tools
from ext.compile import Compiler, Module, Target
from ext.kernels import ModuleSource

_ANSWER_SECONDS = 600.0


class Fitting:
    """Makes arms of benchmarks, compiling where an arm asks for it."""

    def __init__(self, context: Context, source: PackageSource) -> None:
        self._context = context
        self._source = source

    def arm(
        self,
        planned: PlannedArm,
        environment: Environment,
        benchmark: Benchmark,
        replica: int,
        *,
        known: bool = True,
    ) -> RunnableArm | str:
        """The arm that runs `benchmark` in an environment which has it; or why it cannot.

        With `known`, what was tried in vain before is not tried again.
        Raises RequirementsError when Cython or setuptools cannot be installed, StoreError when
        nothing can be written.
        """
        arm = arm_of(environment, benchmark, name=planned.name, replica=replica)
        if not planned.variant:
            return arm
        reason = lacking(benchmark, planned.variant, known=known)
        if reason:
            return reason
        try:
            module = self._compiler(environment).provide(_source(benchmark, planned.variant))
        except BuildError as error:
            return f"{error.what} {_telling(error.where)}"
        kind = f"{arm.kind}+{planned.variant}"
        if is_kernel(benchmark):
            compiled = replace(arm, kind=kind, pythonpath=(module.site, *arm.pythonpath))
        else:
            compiled = replace(arm, kind=kind, module=module.file)
        return self._agreeing(benchmark, arm, compiled, module) or compiled

    # -- compiling -------------------------------------------------------------------------------

    def _compiler(self, environment: Environment) -> Compiler:
        interpreter = environment.interpreter
        target = Target(
            identity=interpreter.identity, python=environment.python, version=interpreter.version
        )
        return compiler_for(self._context, self._source, target)

    # -- answers ---------------------------------------------------------------------------------

    def _agreeing(
        self, benchmark: Benchmark, pure: RunnableArm, compiled: RunnableArm, module: Module
    ) -> str:
        """Why compiled code is not to be trusted; "" where it answers as the pure code does."""
        kept = module.site.parent / f"answers-{benchmark.name}.json"
        if kept.exists():
            return str(json.loads(kept.read_text(encoding="utf-8")))
        asked = _asked_kernel if is_kernel(benchmark) else _asked_script
        reason = self._unlike(benchmark, pure, compiled, asked)
        with guard_writes(kept):
            write_atomically(kept, json.dumps(reason))
        return reason

    def _unlike(
        self, benchmark: Benchmark, pure: RunnableArm, compiled: RunnableArm, asked: Any
    ) -> str:
        with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
            answers: list[Any] = []
            # The pure one twice, if they differ: what does not answer alike, nobody can compare.
            for number, arm in enumerate((compiled, pure, pure)):
                if number > 1 and answers[0] == answers[1]:
                    return ""
                file = Path(scratch) / f"answer{number}.json"
                command = asked(benchmark, arm, Path(scratch), file)
                done = self._context.runner.run(command, timeout=_ANSWER_SECONDS)
                if not done.ok:
                    which = "compiled" if arm is compiled else "pure"
                    return f"its {which} code {done.how()}: {_telling(last_lines(done.output))}"
                answers.append(_read(file, done.output))
        other, first, again = answers
        if first == again:
            return f"compiled, it answers otherwise{_first_difference(first, other)}"
        return ""


def lacking(benchmark: Benchmark, variant: str, *, known: bool = True) -> str:
    """Why a benchmark has no such variant; "" where it has one, as far as can be told beforehand.

    With `known`, what was tried in vain before counts.
    """
    if variant and is_kernel(benchmark):
        there = kernels.at(benchmark.source).source(variant) is not None
        return "" if there else f"the kernel has no {variant} variant"
    return unfit(benchmark, variant) if known else ""


def _source(benchmark: Benchmark, variant: str) -> ModuleSource:
    """What a benchmark's variant is made from, which it has."""
    if is_kernel(benchmark):
        source = kernels.at(benchmark.source).source(variant)
        assert source is not None
        return source
    script = benchmark.source / Path(benchmark.script).name
    return ModuleSource(name=script.stem, path=script, imports=False)


def _asked_kernel(benchmark: Benchmark, arm: RunnableArm, scratch: Path, _file: Path) -> Command:
    kernel = kernels.at(benchmark.source)
    path = (*arm.pythonpath, benchmark.source / kernels.PURE)
    return Command(
        argv=(str(arm.python), "-c", kernel.program(kernel.size)),
        cwd=scratch,
        env=clean_environment(
            PYTHONPATH=":".join(map(str, path)), PYTHONHASHSEED="1", PYTHONDONTWRITEBYTECODE="1"
        ),
    )


def _asked_script(benchmark: Benchmark, arm: RunnableArm, scratch: Path, file: Path) -> Command:
    return answering_command(benchmark, arm, Worker(scratch=scratch, hash_seed=1), file)


def _read(file: Path, output: str) -> Any:
    """What a script wrote, or a kernel printed, without whence its code came."""
    if file.exists():
        return json.loads(file.read_text(encoding="utf-8"))
    told = json.loads(output.splitlines()[-1]) if output.strip() else {}
    return told["answer"] if isinstance(told, dict) and "answer" in told else []


def _first_difference(first: Sequence[Any], other: Sequence[Any]) -> str:
    """The benchmark of a script that answered otherwise."""
    for one, two in zip(first, other, strict=False):
        if one != two and isinstance(one, list) and one:
            return f" in {one[0]}"
    return ""


def _telling(where: str) -> str:
    """The line of a compiler or of a traceback that says most."""
    lines = [line.strip() for line in where.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return packages.anonymous((errors or lines or [""])[-1])


_PIP_SECONDS = 600.0
# Unchanged: Cython would take annotations for C types, and refuse what they do not say.
_DIRECTIVES = ("annotation_typing=False",)


def compiler_for(context: Context, source: PackageSource, target: Target) -> Compiler:
    """Compiles into the home's cache. Raises RequirementsError when Cython or setuptools cannot be
    installed, StoreError when nothing can be written.
    """

    def install(requirement: str, folder: Path) -> None:
        """A pure package, or one for the Python that runs us."""
        context.show.say(f"Installing {requirement}.")
        done = packages.install_here(
            context.runner, source, folder, requirement, timeout=_PIP_SECONDS
        )
        if not done.ok:
            raise RequirementsError(
                f"{requirement} cannot be installed: {packages.pip_error(done)}",
                where=last_lines(packages.anonymous(done.output)),
                hint="Compiling needs it. If this machine has no package index, put its wheel into "
                "a folder and name it with --wheels.",
            )

    home = context.home
    with hold_lock(home.lock("tools")), guard_writes(home.root / "tools"):
        found = tools.provide(home.root / "tools", target.version, install)
    return Compiler(
        runner=context.runner,
        cache=home.root / "modules",
        target=target,
        tools=found,
        directives=_DIRECTIVES,
        say=context.show.say,
    )
