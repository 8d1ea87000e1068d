"""How the evaluation loop goes from one instruction to the next, read from its binary.

A switch has one indirect jump. With computed gotos, each handler has one of its own, through a
table of label addresses: compilers are known to merge these into one or a few, which makes the loop
as slow as a switch. With tail calls each handler is a function, which ends in an indirect jump to
the next. What a binary does not tell is unknown, and not absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from builder.builds.machine_code.elf import ElfBinary


class Dispatch(StrEnum):
    """The kinds of dispatch."""

    SWITCH = "switch"
    GOTOS = "computed gotos"
    MERGED = "merged gotos"
    TAIL_CALLS = "tail calls"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, text: str) -> Dispatch:
        """The kind with this name; unknown for a name of a newer version of patchbench."""
        return cls(text) if text in {kind.value for kind in cls} else cls.UNKNOWN


# The functions that interpret bytecode, the oldest last.
_FUNCTIONS = ("_PyEval_EvalFrameDefault", "PyEval_EvalFrameEx")
# The tables of label addresses, as gcc names them (opcode_targets.0), clang
# (_PyEval_EvalFrameDefault.opcode_targets) and link-time optimization (further suffixes).
_LABEL_TABLE = re.compile(r"(?:^|\.)opcode_(?:\w+_)?targets(?:_table)?(?:\.|$)")
# The functions of instructions of a loop of tail calls.
_HANDLER = re.compile(r"(_TAIL_CALL_\w+)(?:\..*)?")
# With fewer jumps than this share of the handlers, the compiler merged them. Usual are two thirds
# (2.7: handlers that jump into others have none) to more than one.
_MERGED = 0.25


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The shape of a loop: its functions' sizes and indirect jumps, summed.

    `handlers` is the number of functions of a loop of tail calls, or of different addresses in the
    table of computed gotos. `unknown` is the reason why the dispatch is unknown.
    """

    function: str
    size: int
    indirect_jumps: int
    dispatch: Dispatch
    handlers: int = 0
    unknown: str = ""


def shape_of(binary: ElfBinary) -> Shape | None:
    """The shape of the evaluation loop; None if the binary has no evaluation function."""
    functions = binary.functions()
    parts = evaluation_parts(functions)
    if not parts:
        return None
    handlers = [symbol for symbol in functions if _HANDLER.fullmatch(symbol.name)]
    parts += handlers
    jumps = sum(binary.indirect_jumps(part) for part in parts)
    labels = _labels(binary)
    if handlers:
        names = {match[1] for one in handlers if (match := _HANDLER.fullmatch(one.name))}
        dispatch, unknown, count = Dispatch.TAIL_CALLS, "", len(names)
    else:
        dispatch, unknown = _of_one_function(binary, jumps, labels)
        count = labels or 0
    return Shape(
        function=parts[0].name,
        size=sum(part["st_size"] for part in parts),
        indirect_jumps=jumps,
        dispatch=dispatch,
        handlers=count,
        unknown=unknown,
    )


def evaluation_parts(functions: Sequence[Any]) -> list[Any]:
    """The symbols of the evaluation function and of the parts compilers split off it (.cold, ...),
    the largest first.
    """
    for name in _FUNCTIONS:
        parts = [
            symbol
            for symbol in functions
            if symbol.name == name or symbol.name.startswith(name + ".")
        ]
        if parts:
            return sorted(parts, key=lambda symbol: -int(symbol["st_size"]))
    return []


def label_tables(binary: ElfBinary) -> list[Any]:
    """The symbols of the tables of label addresses."""
    return [
        symbol
        for symbol in binary.symbols
        if symbol["st_size"] > 0
        and symbol["st_info"]["type"] == "STT_OBJECT"
        and _LABEL_TABLE.search(symbol.name)
    ]


def _labels(binary: ElfBinary) -> int | None:
    """How many different labels the largest table has; None if there is no table."""
    tables = label_tables(binary)
    return max(map(binary.distinct_addresses, tables)) if tables else None


def _of_one_function(binary: ElfBinary, jumps: int, labels: int | None) -> tuple[Dispatch, str]:
    """The dispatch of a loop that is one function, or why it is not known."""
    if not binary.reads_code:
        return Dispatch.UNKNOWN, "its machine code is not x86-64"
    if labels is not None and jumps:
        return (Dispatch.MERGED if jumps < labels * _MERGED else Dispatch.GOTOS), ""
    if labels is not None:
        return Dispatch.UNKNOWN, "it has a table of labels, but no indirect jump"
    if not binary.has_locals:
        return Dispatch.UNKNOWN, "the binary is stripped of its local symbols"
    if not jumps:
        return Dispatch.UNKNOWN, "it has neither a table of labels nor an indirect jump"
    return Dispatch.SWITCH, ""
