"""The kernels of ext/suite, and what each of their variants is compiled from.

    ext/suite/bm_NAME/run_benchmark.py    times it; SIZE is what it gives to run()
                      pure/NAME.py        the source, valid on 2.7 and 3.x
                      typed/NAME.pxd      types for it, from outside
                      hand/NAME.pyx       written by hand, where that shows more

`run(n)` of all variants answers the same: numbers, strs and lists of them, equal as JSON.
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

# JSON, since reprs differ between 2.7 and 3.x where values do not.
_ANSWER = """
import json, {name} as kernel
is_source = kernel.__file__.endswith((".py", ".pyc"))
answer = {{"code": "source" if is_source else "compiled", "answer": kernel.run({size})}}
print(json.dumps(answer, sort_keys=True))
"""


@dataclass(frozen=True, kw_only=True)
class ModuleSource:
    """What one module is made from.

    `path` is its .py or .pyx; `types` a .pxd that goes with it. `compiled` is False where the
    source itself is the module. `imports` is False where it needs more than the standard library
    to be imported, so that others must see whether it works. `package` is the dotted name of the
    package that it is imported from, empty for none.
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
    """A kernel: `folder` is its benchmark's; `size` what the benchmark gives to run()."""

    name: str
    folder: Path
    size: int

    def source(self, variant: str) -> ModuleSource | None:
        """What a variant is made from; None where the kernel does not have it."""
        pure = self.folder / PURE / f"{self.name}.py"
        types = self.folder / TYPED / f"{self.name}.pxd"
        hand = self.folder / HAND / f"{self.name}.pyx"
        found = {
            PURE: ModuleSource(name=self.name, path=pure, compiled=False),
            CYTHON: ModuleSource(name=self.name, path=pure),
            TYPED: ModuleSource(name=self.name, path=pure, types=types) if types.exists() else None,
            HAND: ModuleSource(name=self.name, path=hand) if hand.exists() else None,
        }
        return found[variant]

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that it has, in the order of VARIANTS."""
        return tuple(variant for variant in VARIANTS if self.source(variant) is not None)

    def program(self, size: int) -> str:
        """What an interpreter runs (with -c) to print one line of JSON: the answer of run(size),
        and whether it came from source or from a compiled module.
        """
        return _ANSWER.format(name=self.name, size=size)


def load(suite: Path = SUITE) -> tuple[Kernel, ...]:
    """All kernels, by name. Raises DataError for a folder that is not whole."""
    return tuple(at(folder) for folder in sorted(suite.glob("bm_*")))


def find(name: str, suite: Path = SUITE) -> Kernel:
    """The kernel of this name. Raises UsageError when there is none."""
    kernels = {kernel.name: kernel for kernel in load(suite)}
    if name not in kernels:
        raise UsageError(
            f"There is no kernel {name!r}.", where=str(suite), hint=f"It has: {', '.join(kernels)}."
        )
    return kernels[name]


def at(folder: Path) -> Kernel:
    """The kernel in a folder of its own. Raises DataError when it is not whole."""
    name = folder.name.removeprefix("bm_")
    script = folder / "run_benchmark.py"
    try:
        size = _size(script.read_text(encoding="utf-8"))
        (folder / PURE / f"{name}.py").stat()
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"The kernel {name} is not whole: {error}.",
            where=str(folder),
            hint=f"It needs run_benchmark.py with a SIZE, and {PURE}/{name}.py.",
        ) from error
    return Kernel(name=name, folder=folder, size=size)


def _size(script: str) -> int:
    """What a script gives to run(): read and not imported, since it needs pyperf."""
    for node in ast.parse(script).body:
        if isinstance(node, ast.Assign) and [ast.unparse(one) for one in node.targets] == ["SIZE"]:
            return int(ast.literal_eval(node.value))
    raise ValueError("its script has no SIZE")
