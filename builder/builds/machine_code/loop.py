"""The compiled evaluation loop of an interpreter: its shape, and what made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.builds.machine_code.compiler import CompilerRecord, recorded
from builder.builds.machine_code.dispatch import Dispatch, shape_of
from builder.builds.machine_code.elf import ElfBinary

_NO_FUNCTION = "no binary has an evaluation function that is known here"


@dataclass(frozen=True, kw_only=True)
class Loop:
    """The compiled evaluation loop; "", 0 and None where the binary has no information.

    `handlers`: see `dispatch.Shape`. `reasons` has, by "dispatch", "pgo" and "lto", why these are
    unknown. The default is a loop of which nothing is known.
    """

    function: str = ""
    size: int = 0
    indirect_jumps: int = 0
    dispatch: Dispatch = Dispatch.UNKNOWN
    handlers: int = 0
    compiler: str = ""
    options: str = ""
    pgo: bool | None = None
    lto: bool | None = None
    reasons: dict[str, str] = field(
        default_factory=lambda: dict.fromkeys(("dispatch", "pgo", "lto"), _NO_FUNCTION)
    )

    @property
    def computed_gotos(self) -> bool | None:
        """Whether it dispatches through a table of labels; None if that is unknown."""
        if self.dispatch is Dispatch.UNKNOWN:
            return None
        return self.dispatch in (Dispatch.GOTOS, Dispatch.MERGED)


def evaluation_loop(binaries: Sequence[Path]) -> Loop:
    """The loop's shape, from the first of `binaries` that has an evaluation function."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    for path in binaries:
        try:
            with path.open("rb") as file:
                loop = _loop_of(ElfBinary(ELFFile(file)))
        except ELFError:
            continue
        if loop is not None:
            return loop
    return Loop()


def _loop_of(binary: ElfBinary) -> Loop | None:
    shape = shape_of(binary)
    if shape is None:
        return None
    made: CompilerRecord = recorded(binary)
    reasons = {"dispatch": shape.unknown} if shape.unknown else {}
    return Loop(
        function=shape.function,
        size=shape.size,
        indirect_jumps=shape.indirect_jumps,
        dispatch=shape.dispatch,
        handlers=shape.handlers,
        compiler=made.compiler,
        options=made.options,
        pgo=made.pgo,
        lto=made.lto,
        reasons={**reasons, **made.reasons},
    )
