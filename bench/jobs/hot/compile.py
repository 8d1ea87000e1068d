"""Compile modules of a user's program, unchanged, for its interpreter."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.benchmarks import PackageSource
from bench.context import Context
from bench.jobs.hot.analysis import MAIN, HotModule
from bench.jobs.hot.program import Program
from bench.planning import compiler_for
from builder.errors import BuildError
from builder.files import guard_writes
from ext import annotate
from ext.annotate import AnnotatedLine
from ext.compile import Compiler, Target
from ext.kernels import ModuleSource


@dataclass(frozen=True, kw_only=True)
class CompiledModule:
    """A compiled module. `page` and `lines` are Cython's annotations, `seconds` is its duration."""

    module: HotModule
    file: Path
    page: Path | None
    lines: tuple[AnnotatedLine, ...]
    seconds: float


class ModuleCompiler:
    """Compiles into the home's cache; `scratch` is for copies of sources with a suitable name."""

    def __init__(self, context: Context, program: Program, scratch: Path, wheels: str) -> None:
        self._context = context
        self._program = program
        self._scratch = scratch
        self._source = PackageSource(
            environment=context.pip_environment, wheels=Path(wheels) if wheels else None
        )

    def compile(
        self, modules: Sequence[HotModule], *, strict: bool
    ) -> tuple[list[CompiledModule], list[tuple[str, str]]]:
        """Compile modules: those that compiled, and (name, reason) of the others.

        Raises BuildError if none could be compiled, or, with `strict`, if any could not;
        RequirementsError if Cython cannot be installed.
        """
        compiler = self._compiler()
        compiled: list[CompiledModule] = []
        failed: list[tuple[str, str]] = []
        with self._context.show.bar("compiling", len(modules)) as bar:
            for number, module in enumerate(modules):
                try:
                    compiled.append(self._compiled(compiler, module))
                except BuildError as error:
                    if strict or (not compiled and number == len(modules) - 1):
                        raise
                    failed.append((module.name, error.what))
                    self._context.show.say(f"{error.what} The module is not compiled.")
                bar.advance(note=module.name)
        return compiled, failed

    def _compiled(self, compiler: Compiler, module: HotModule) -> CompiledModule:
        path = module.file
        if module.name == MAIN:
            # Cython requires the suffix, which a console script does not have.
            path = self._scratch / f"{module.file.stem.replace('-', '_')}.py"
            with guard_writes(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(module.file, path)
        source = ModuleSource(name=module.stem, package=module.package, path=path, imports=False)
        built = compiler.provide(source)
        return CompiledModule(
            module=module,
            file=built.file,
            page=built.lines,
            lines=annotate.read(built.lines) if built.lines else (),
            seconds=built.seconds,
        )

    def _compiler(self) -> Compiler:
        program = self._program
        target = Target(identity=program.identity, python=program.python, version=program.version)
        return compiler_for(self._context, self._source, target)
