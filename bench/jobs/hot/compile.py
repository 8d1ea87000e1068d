"""Compiling modules of a user's program, unchanged, for the interpreter that it runs with."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.benchmarks import PackageSource
from bench.context import Context
from bench.jobs.hot.analysis import MAIN, HotModule
from bench.jobs.hot.program import Program
from bench.run import compiler_for
from builder.errors import BuildError
from builder.files import guard_writes
from ext import annotate
from ext.annotate import AnnotatedLine
from ext.compile import Compiler, Target
from ext.kernels import ModuleSource


@dataclass(frozen=True, kw_only=True)
class CompiledModule:
    """A module as it was compiled. `page` is Cython's of its `lines`, `seconds` what it took."""

    module: HotModule
    file: Path
    page: Path | None
    lines: tuple[AnnotatedLine, ...]
    seconds: float


class Compiling:
    """Compiles into the home's cache; `scratch` is for sources under the names that they need."""

    def __init__(self, context: Context, subject: Program, scratch: Path, wheels: str) -> None:
        self._context = context
        self._subject = subject
        self._scratch = scratch
        self._source = PackageSource(
            environment=context.pip_environment, wheels=Path(wheels) if wheels else None
        )

    def compile(
        self, modules: Sequence[HotModule], *, strict: bool
    ) -> tuple[list[CompiledModule], list[tuple[str, str]]]:
        """What could be compiled, and of the rest (name, reason).

        Raises BuildError when none could be, or with `strict` when one could not; RequirementsError
        when Cython cannot be installed.
        """
        compiler = self._compiler()
        made: list[CompiledModule] = []
        refused: list[tuple[str, str]] = []
        with self._context.show.bar("compiling", len(modules)) as bar:
            for number, one in enumerate(modules):
                try:
                    made.append(self._compiled(compiler, one))
                except BuildError as error:
                    if strict or (not made and number == len(modules) - 1):
                        raise
                    refused.append((one.name, error.what))
                    self._context.show.say(f"{error.what} It is left as it is.")
                bar.advance(note=one.name)
        return made, refused

    def _compiled(self, compiler: Compiler, one: HotModule) -> CompiledModule:
        path = one.file
        if one.name == MAIN:
            # Cython goes by the suffix, and a console script has none.
            path = self._scratch / f"{one.file.stem.replace('-', '_')}.py"
            with guard_writes(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(one.file, path)
        source = ModuleSource(name=one.stem, package=one.package, path=path, imports=False)
        module = compiler.provide(source)
        return CompiledModule(
            module=one,
            file=module.file,
            page=module.lines,
            lines=annotate.read(module.lines) if module.lines else (),
            seconds=module.seconds,
        )

    def _compiler(self) -> Compiler:
        subject = self._subject
        target = Target(identity=subject.identity, python=subject.python, version=subject.version)
        return compiler_for(self._context, self._source, target)
