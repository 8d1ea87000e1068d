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
from ext.compile import Compiler, Module, Target, Tools, requirements
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
        compiled = _compiled(benchmark, arm, planned.variant, module)
        return self._agreeing(benchmark, arm, compiled, module) or compiled

    def planned(
        self, planned: PlannedArm, environment: Environment, benchmark: Benchmark, replica: int
    ) -> tuple[RunnableArm | str, tuple[Command, ...]]:
        """The arm as `arm` gives it if nothing fails, and what that would start now. Pure code that
        answers otherwise than compiled code is asked a second time, which is not in it.
        """
        arm = arm_of(environment, benchmark, name=planned.name, replica=replica)
        if not planned.variant:
            return arm, ()
        reason = lacking(benchmark, planned.variant)
        if reason:
            return reason, ()
        target = _target(environment)
        source = _source(benchmark, planned.variant)
        compiler = planned_compiler(self._context, target)
        module = compiler.planned(source)
        compiled = _compiled(benchmark, arm, planned.variant, module)
        asking = (
            _asking(benchmark, one, Path("SCRATCH"), number)[0]
            for number, one in enumerate((compiled, arm))
            if not _answers_file(module, benchmark).exists()
        )
        installing = tool_commands(self._context, self._source, target)
        return compiled, (*installing, *compiler.commands(source), *asking)

    # -- compiling -------------------------------------------------------------------------------

    def _compiler(self, environment: Environment) -> Compiler:
        return compiler_for(self._context, self._source, _target(environment))

    # -- answers ---------------------------------------------------------------------------------

    def _agreeing(
        self, benchmark: Benchmark, pure: RunnableArm, compiled: RunnableArm, module: Module
    ) -> str:
        """Why compiled code is not to be trusted; "" where it answers as the pure code does."""
        kept = _answers_file(module, benchmark)
        if kept.exists():
            return str(json.loads(kept.read_text(encoding="utf-8")))
        reason = self._unlike(benchmark, pure, compiled)
        with guard_writes(kept):
            write_atomically(kept, json.dumps(reason))
        return reason

    def _unlike(self, benchmark: Benchmark, pure: RunnableArm, compiled: RunnableArm) -> str:
        with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
            answers: list[Any] = []
            # The pure one twice, if they differ: what does not answer alike, nobody can compare.
            for number, arm in enumerate((compiled, pure, pure)):
                if number > 1 and answers[0] == answers[1]:
                    return ""
                command, file = _asking(benchmark, arm, Path(scratch), number)
                done = self._context.runner.run(command, timeout=_ANSWER_SECONDS)
                if not done.ok:
                    which = "compiled" if arm is compiled else "pure"
                    return f"its {which} code {done.how()}: {_telling(last_lines(done.output))}"
                answers.append(_read(file, done.output))
        other, first, again = answers
        if first == again:
            return f"compiled, it answers otherwise{_first_difference(first, other)}"
        return ""


def _target(environment: Environment) -> Target:
    interpreter = environment.interpreter
    return Target(
        identity=interpreter.identity, python=environment.python, version=interpreter.version
    )


def _compiled(benchmark: Benchmark, arm: RunnableArm, variant: str, module: Module) -> RunnableArm:
    """The arm with the benchmark's code from a module."""
    kind = f"{arm.kind}+{variant}"
    if is_kernel(benchmark):
        return replace(arm, kind=kind, pythonpath=(module.site, *arm.pythonpath))
    return replace(arm, kind=kind, module=module.file)


def _answers_file(module: Module, benchmark: Benchmark) -> Path:
    """Where it is kept whether the module answers as the pure code does."""
    return module.site.parent / f"answers-{benchmark.name}.json"


def _asking(
    benchmark: Benchmark, arm: RunnableArm, scratch: Path, number: int
) -> tuple[Command, Path]:
    """The process that asks an arm for its answers, and the file that it may write."""
    file = scratch / f"answer{number}.json"
    asked = _asked_kernel if is_kernel(benchmark) else _asked_script
    return asked(benchmark, arm, scratch, file), file


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
        command = packages.install_here_command(source, folder, requirement)
        done = context.runner.run(command, timeout=_PIP_SECONDS)
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
    return _compiler(context, target, found)


def _compiler(
    context: Context, target: Target, found: Tools, versions: tuple[str, str] | None = None
) -> Compiler:
    return Compiler(
        runner=context.runner,
        cache=context.home.root / "modules",
        target=target,
        tools=found,
        directives=_DIRECTIVES,
        say=context.show.say,
        versions=versions,
    )


def planned_compiler(context: Context, target: Target) -> Compiler:
    """The same before its tools are installed: it says what it would start, and compiles not."""
    found, _missing = tools.planned(context.home.root / "tools", target.version)
    wanted = requirements(target.version)
    cython, setuptools = (line.partition("==")[2] for line in (wanted.cython, wanted.setuptools))
    return _compiler(context, target, found, (cython, setuptools))


def tool_commands(context: Context, source: PackageSource, target: Target) -> tuple[Command, ...]:
    """What `compiler_for` would start now."""
    _found, missing = tools.planned(context.home.root / "tools", target.version)
    return tuple(
        packages.install_here_command(source, folder, requirement)
        for requirement, folder in missing
    )
