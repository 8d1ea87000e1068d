"""The kernels of ext/suite, and the sources of their variants.

    ext/suite/bm_NAME/run_benchmark.py    the benchmark; SIZE is its argument of run()
                      pure/NAME.py        the source, valid on 2.7 and 3.x
                      typed/NAME.pxd      types for the pure source
                      hand/NAME.pyx       written by hand, for some kernels

`run(n)` returns the same for all variants: numbers, strs and lists of them, equal as JSON.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from builder.errors import DataError, UsageError

SUITE = Path(__file__).parent / "suite"
PURE = "pure"
CYTHON = "cython"
TYPED = "typed"
HAND = "hand"
VARIANTS = (PURE, CYTHON, TYPED, HAND)

# JSON, since equal values may have different reprs in 2.7 and 3.x.
_ANSWER = """
import json, {name} as kernel
is_source = kernel.__file__.endswith((".py", ".pyc"))
answer = {{"code": "source" if is_source else "compiled", "answer": kernel.run({size})}}
print(json.dumps(answer, sort_keys=True))
"""


@dataclass(frozen=True, kw_only=True)
class ModuleSource:
    """The source of one module.

    `path` is its .py or .pyx, `types` its .pxd. `compiled` is False if the module is the source
    itself. `imports` is False if it needs more than the standard library to be imported, so that
    importing it is not tested here. `package` is the dotted name of its package, empty for none.
    """

    name: str
    path: Path
    types: Path | None = None
    compiled: bool = True
    imports: bool = True
    package: str = ""

    @property
    def dotted(self) -> str:
        """The module's full name."""
        return f"{self.package}.{self.name}" if self.package else self.name


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A kernel: the folder of its benchmark, and `size`, the benchmark's argument of run()."""

    name: str
    folder: Path
    size: int

    def source(self, variant: str) -> ModuleSource | None:
        """The source of a variant; None if the kernel does not have it."""
        pure = self.folder / PURE / f"{self.name}.py"
        types = self.folder / TYPED / f"{self.name}.pxd"
        hand = self.folder / HAND / f"{self.name}.pyx"
        sources = {
            PURE: ModuleSource(name=self.name, path=pure, compiled=False),
            CYTHON: ModuleSource(name=self.name, path=pure),
            TYPED: ModuleSource(name=self.name, path=pure, types=types) if types.exists() else None,
            HAND: ModuleSource(name=self.name, path=hand) if hand.exists() else None,
        }
        return sources[variant]

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants of the kernel, in the order of VARIANTS."""
        return tuple(variant for variant in VARIANTS if self.source(variant) is not None)

    def program(self, size: int) -> str:
        """The text of a program (for -c) that prints one line of JSON.

        It has the result of run(size), and whether the module is source or compiled.
        """
        return _ANSWER.format(name=self.name, size=size)


def load(suite: Path = SUITE) -> tuple[Kernel, ...]:
    """All kernels, sorted by name. Raises DataError for an incomplete folder."""
    return tuple(at(folder) for folder in sorted(suite.glob("bm_*")))


def find(name: str, suite: Path = SUITE) -> Kernel:
    """The kernel with this name. Raises UsageError if there is none."""
    kernels = {kernel.name: kernel for kernel in load(suite)}
    if name not in kernels:
        raise UsageError(
            f"There is no kernel {name!r}.",
            where=str(suite),
            hint=f"The suite has: {', '.join(kernels)}.",
        )
    return kernels[name]


def at(folder: Path) -> Kernel:
    """The kernel in the folder of a benchmark. Raises DataError if the folder is incomplete."""
    name = folder.name.removeprefix("bm_")
    script = folder / "run_benchmark.py"
    try:
        size = _size(script.read_text(encoding="utf-8"))
        (folder / PURE / f"{name}.py").stat()
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"The kernel {name} is incomplete: {error}.",
            where=str(folder),
            hint=f"It needs run_benchmark.py with a SIZE, and {PURE}/{name}.py.",
        ) from error
    return Kernel(name=name, folder=folder, size=size)


def _size(script: str) -> int:
    """SIZE in the text of a script, which cannot be imported here since it needs pyperf."""
    for node in ast.parse(script).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [
            "SIZE"
        ]:
            return int(ast.literal_eval(node.value))
    raise ValueError("its script has no SIZE")
