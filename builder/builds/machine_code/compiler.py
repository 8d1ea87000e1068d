"""What a binary records of the compiler of the evaluation loop, and of PGO and LTO.

gcc records its options in the debug information. clang does so only with -grecord-command-line or
-frecord-command-line; without them its LTO can still be seen in the symbols, and PGO cannot be seen
at all. configure's flags in the Makefile are what was requested, and prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.builds.machine_code.dispatch import evaluation_parts, label_tables
from builder.builds.machine_code.elf import ElfBinary

_LOOP_SOURCE = "ceval.c"
_CLANG = re.compile(r"(?P<name>.*?clang version \S+(?: \([^)]*\))*) *(?P<command>.*)", re.DOTALL)
_PROFILED = re.compile(r"-fprofile(?:-instr|-sample)?-use\b|-fauto-profile\b")
_COMMANDS = ".GCC.command.line"
# The file name of clang's merged module of full LTO, and the suffix of symbols that thin LTO made
# visible to other modules.
_FULL_LTO = "ld-temp.o"
_THIN_LTO = re.compile(r"\.llvm\.\d+$")


@dataclass(frozen=True, kw_only=True)
class CompilerRecord:
    """The compiler and its options; `pgo` and `lto` are None where the binary does not tell.

    `reasons` has, by "pgo" and "lto", why it does not tell, or what else told it.
    """

    compiler: str = ""
    options: str = ""
    pgo: bool | None = None
    lto: bool | None = None
    reasons: dict[str, str] = field(default_factory=dict)


def recorded(binary: ElfBinary) -> CompilerRecord:
    """What a binary with an evaluation loop records."""
    compiler, options = _producer(binary.elf)
    options = options or _recorded_command(binary.elf)
    if options:
        return CompilerRecord(
            compiler=compiler,
            options=options,
            pgo=_PROFILED.search(options) is not None,
            lto=_with_lto(options),
        )
    reason = _why_no_options(compiler)
    reasons = {"pgo": reason, "lto": reason}
    sign = _sign_of_lto(binary)
    if sign:
        reasons["lto"] = sign
    return CompilerRecord(compiler=compiler, lto=True if sign else None, reasons=reasons)


def _why_no_options(compiler: str) -> str:
    if "clang" in compiler:
        return "clang records no options in the binary"
    return "the binary has no debug information with the options of the compiler"


def _with_lto(options: str) -> bool:
    """Whether the last option about LTO switches it on."""
    switches = re.findall(r"(?:^|\s)-f(no-)?lto\b", options)
    return bool(switches) and not switches[-1]


def _sign_of_lto(binary: ElfBinary) -> str:
    """How the symbols show that the loop was compiled by clang's LTO; "" if they do not."""
    own = {id(symbol) for symbol in (*evaluation_parts(binary.functions()), *label_tables(binary))}
    file = ""
    for symbol in binary.symbols:
        if symbol["st_info"]["type"] == "STT_FILE":
            file = symbol.name
        elif _THIN_LTO.search(symbol.name):
            return "its symbols have thin LTO's suffix"
        elif id(symbol) in own and file == _FULL_LTO and _is_local(symbol):
            return "its symbols are of LTO's merged module"
    return ""


def _is_local(symbol: Any) -> bool:
    return bool(symbol["st_info"]["bind"] == "STB_LOCAL")


def _producer(elf: Any) -> tuple[str, str]:
    """The compiler of the loop and its options: DW_AT_producer of its compile unit.

    With gcc's LTO the code is in the link-time unit, which has no file name; the last artificial
    unit with -flto is used.
    """
    if not elf.has_dwarf_info():
        return "", ""
    fallback = ("", "")
    for name, producer in _units(elf.get_dwarf_info()):
        compiler, options = _split(producer)
        if Path(name).name == _LOOP_SOURCE:
            return compiler, options
        if "-flto" in options and "<artificial>" in name:
            fallback = compiler, options
    return fallback


def _split(producer: str) -> tuple[str, str]:
    """The compiler and its options. clang writes the command, whose first word is a path."""
    match = _CLANG.match(producer)
    if match is not None:
        return match["name"].strip(), _without_program(match["command"] or "")
    compiler, _, options = producer.partition(" -")
    return compiler.strip(), f"-{options}" if options else ""


def _without_program(command: str) -> str:
    return command.partition(" ")[2].strip()


def _recorded_command(elf: Any) -> str:
    """The options of the loop that -frecord-command-line has put into the binary."""
    section = elf.get_section_by_name(_COMMANDS)
    if section is None:
        return ""
    for command in section.data().decode("utf-8", "replace").split("\0"):
        if any(Path(word).name == _LOOP_SOURCE for word in command.split()):
            return _without_program(command)
    return ""


def _units(dwarf: Any) -> Iterator[tuple[str, str]]:
    for unit in dwarf.iter_CUs():
        attributes = unit.get_top_DIE().attributes
        name = attributes.get("DW_AT_name")
        producer = attributes.get("DW_AT_producer")
        if name is not None and producer is not None:
            yield _text(name.value), _text(producer.value)


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
