"""The arm of a benchmark: a build or runtime as it is, or with the benchmark's code compiled.

A compiled module is used only after it returned the same answers as the pure one, on the same
interpreter: see `Fitting.arm`. The result of this check is stored with the module, so that each is
checked once. The Cython that fits an interpreter is installed when it is missing.
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
from builder.files import guard_writes, write_atomically
from builder.locks import LockOrder
from builder.process import Command, clean_environment, last_lines
from builder.toolchain import as_mapping
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
        """The arm that runs `benchmark` in an environment that has it; or, as text, why it cannot.

        With `known`, benchmarks that are known not to compile are not tried again.
        Raises RequirementsError when Cython or setuptools cannot be installed, StoreError when
        a file cannot be written.
        """
        arm = _pure(planned, environment, benchmark, replica)
        if not planned.variant:
            return arm
        reason = lacking(benchmark, planned.variant, known=known)
        if reason:
            return reason
        try:
            module = self._compiler(environment).provide(_source(benchmark, planned.variant))
        except BuildError as error:
            return f"{error.what} {_main_error(error.where)}"
        compiled = _compiled(benchmark, arm, planned.variant, module)
        return self._agreeing(benchmark, arm, compiled, module) or compiled

    def planned(
        self, planned: PlannedArm, environment: Environment, benchmark: Benchmark, replica: int
    ) -> tuple[RunnableArm | str, tuple[Command, ...]]:
        """The arm that `arm` returns if nothing fails, and the commands that it would start now.
        Without the second call of the pure code, which is needed only where answers differ.
        """
        arm = _pure(planned, environment, benchmark, replica)
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
            _question(benchmark, asked, Path("SCRATCH"), number)[0]
            for number, asked in enumerate((compiled, arm))
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
        """Why compiled code is rejected; "" where its answers are those of the pure code."""
        kept = _answers_file(module, benchmark)
        if kept.exists():
            return str(json.loads(kept.read_text(encoding="utf-8")))
        reason = self._disagreement(benchmark, pure, compiled)
        with guard_writes(kept):
            write_atomically(kept, json.dumps(reason))
        return reason

    def _disagreement(self, benchmark: Benchmark, pure: RunnableArm, compiled: RunnableArm) -> str:
        with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
            answers: list[Any] = []
            # If they differ, the pure one twice: answers that vary by themselves show nothing.
            for number, arm in enumerate((compiled, pure, pure)):
                if number > 1 and answers[0] == answers[1]:
                    return ""
                command, file = _question(benchmark, arm, Path(scratch), number)
                completed = self._context.runner.run(command, timeout=_ANSWER_SECONDS)
                if not completed.ok:
                    which = "compiled" if arm is compiled else "pure"
                    error = _main_error(last_lines(completed.output))
                    return f"its {which} code {completed.how()}: {error}"
                answers.append(_read(file, completed.output))
        other, first, again = answers
        if first == again:
            return f"its compiled code returns other answers{_first_difference(first, other)}"
        return ""


def _pure(
    planned: PlannedArm, environment: Environment, benchmark: Benchmark, replica: int
) -> RunnableArm:
    """The arm with the benchmark's code as it is."""
    return arm_of(
        environment,
        benchmark,
        name=planned.name,
        replica=replica,
        variables=planned.environment,
        jit=planned.jit,
    )


def _target(environment: Environment) -> Target:
    interpreter = environment.interpreter
    return Target(
        identity=interpreter.identity, python=environment.python, version=interpreter.version
    )


def _compiled(benchmark: Benchmark, arm: RunnableArm, variant: str, module: Module) -> RunnableArm:
    """The arm that runs the benchmark's code from a compiled module."""
    kind = f"{arm.kind}+{variant}"
    if is_kernel(benchmark):
        return replace(arm, kind=kind, pythonpath=(module.site, *arm.pythonpath))
    return replace(arm, kind=kind, module=module.file)


def _answers_file(module: Module, benchmark: Benchmark) -> Path:
    """The file with the result of the check of a module's answers."""
    return module.site.parent / f"answers-{benchmark.name}.json"


def _question(
    benchmark: Benchmark, arm: RunnableArm, scratch: Path, number: int
) -> tuple[Command, Path]:
    """The command that computes an arm's answers, and the file that it may write."""
    file = scratch / f"answer{number}.json"
    asked = _kernel_question if is_kernel(benchmark) else _script_question
    return asked(benchmark, arm, scratch, file), file


def lacking(benchmark: Benchmark, variant: str, *, known: bool = True) -> str:
    """Why a benchmark has no such variant; "" where it has one, as far as known before compiling.

    With `known`, benchmarks that are known not to compile are included.
    """
    if variant and is_kernel(benchmark):
        exists = kernels.at(benchmark.source).source(variant) is not None
        return "" if exists else f"the kernel has no {variant} variant"
    return unfit(benchmark, variant) if known else ""


def _source(benchmark: Benchmark, variant: str) -> ModuleSource:
    """The source of a benchmark's variant, which must exist."""
    if is_kernel(benchmark):
        source = kernels.at(benchmark.source).source(variant)
        assert source is not None
        return source
    script = benchmark.source / Path(benchmark.script).name
    return ModuleSource(name=script.stem, path=script, imports=False)


def _kernel_question(benchmark: Benchmark, arm: RunnableArm, scratch: Path, _file: Path) -> Command:
    kernel = kernels.at(benchmark.source)
    path = (*arm.pythonpath, benchmark.source / kernels.PURE)
    return Command(
        argv=(str(arm.python), "-c", kernel.program(kernel.size)),
        cwd=scratch,
        env=clean_environment(
            PYTHONPATH=":".join(map(str, path)),
            PYTHONHASHSEED="1",
            PYTHONDONTWRITEBYTECODE="1",
            **as_mapping(arm.environment),
        ),
    )


def _script_question(benchmark: Benchmark, arm: RunnableArm, scratch: Path, file: Path) -> Command:
    return answering_command(benchmark, arm, Worker(scratch=scratch, hash_seed=1), file)


def _read(file: Path, output: str) -> Any:
    """The answers that a script wrote or a kernel printed, without the origin of its code."""
    if file.exists():
        return json.loads(file.read_text(encoding="utf-8"))
    printed = json.loads(output.splitlines()[-1]) if output.strip() else {}
    return printed["answer"] if isinstance(printed, dict) and "answer" in printed else []


def _first_difference(first: Sequence[Any], others: Sequence[Any]) -> str:
    """The name of the first benchmark of a script with other answers, after " in "."""
    for entry, other_entry in zip(first, others, strict=False):
        if entry != other_entry and isinstance(entry, list) and entry:
            return f" in {entry[0]}"
    return ""


def _main_error(where: str) -> str:
    """The most informative line of a compiler's output or of a traceback."""
    lines = [line.strip() for line in where.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return packages.anonymous((errors or lines or [""])[-1])


_PIP_SECONDS = 600.0
# For unchanged code: Cython would read annotations as C types, and reject values of other types.
_DIRECTIVES = ("annotation_typing=False",)


def compiler_for(context: Context, source: PackageSource, target: Target) -> Compiler:
    """A compiler that stores modules in the home's cache.

    Raises RequirementsError when Cython or setuptools cannot be installed, StoreError when a file
    cannot be written.
    """

    def install(requirement: str, folder: Path) -> None:
        """Install a pure package, or one for the Python that runs patchbench."""
        context.show.say(f"Installing {requirement}.")
        command = packages.install_here_command(source, folder, requirement)
        completed = context.runner.run(command, timeout=_PIP_SECONDS)
        if not completed.ok:
            raise RequirementsError(
                f"{requirement} cannot be installed: {packages.pip_error(completed)}",
                where=last_lines(packages.anonymous(completed.output)),
                hint="It is needed for compiling. If this machine has no package index, put its "
                "wheel into a folder and name the folder with --wheels.",
            )

    home = context.home
    held = home.queue.hold(
        home.lock("tools"),
        order=LockOrder.ENVIRONMENT,
        doing="installs the same tools",
        say=context.show.say,
    )
    with held, guard_writes(home.root / "tools"):
        toolset = tools.provide(home.root / "tools", target.version, install)
    return _compiler(context, target, toolset)


def _compiler(
    context: Context, target: Target, toolset: Tools, versions: tuple[str, str] | None = None
) -> Compiler:
    return Compiler(
        runner=context.runner,
        cache=context.home.root / "modules",
        target=target,
        tools=toolset,
        directives=_DIRECTIVES,
        say=context.show.say,
        hold=lambda path: context.home.queue.hold(
            path,
            order=LockOrder.ENVIRONMENT,
            doing="compiles the same module",
            say=context.show.say,
        ),
        versions=versions,
    )


def planned_compiler(context: Context, target: Target) -> Compiler:
    """The compiler before its tools are installed: it only lists its commands."""
    toolset, _missing = tools.planned(context.home.root / "tools", target.version)
    needed = requirements(target.version)
    cython, setuptools = (line.partition("==")[2] for line in (needed.cython, needed.setuptools))
    return _compiler(context, target, toolset, (cython, setuptools))


def tool_commands(context: Context, source: PackageSource, target: Target) -> tuple[Command, ...]:
    """The commands that `compiler_for` would start now."""
    _toolset, missing = tools.planned(context.home.root / "tools", target.version)
    return tuple(
        packages.install_here_command(source, folder, requirement)
        for requirement, folder in missing
    )
