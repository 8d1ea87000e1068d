"""Reading ELF binaries: the shape of the evaluation loop, its compiler options, code digests.

capstone and elftools are imported when a binary is read: most commands read none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The function that interprets bytecode, oldest name last.
_EVAL_FUNCTIONS = ("_PyEval_EvalFrameDefault", "PyEval_EvalFrameEx")
# The table of label addresses that computed gotos dispatch through (Python/opcode_targets.h).
_LABEL_TABLE = "opcode_targets"
_LOOP_SOURCE = "ceval.c"


@dataclass(frozen=True, kw_only=True)
class Loop:
    """The compiled evaluation loop; empty strings and zeros where the binary has no information."""

    function: str = ""
    size: int = 0
    indirect_jumps: int = 0
    has_label_table: bool = False
    compiler: str = ""
    options: str = ""


def evaluation_loop(binaries: Sequence[Path]) -> Loop:
    """The loop's shape, from the first of `binaries` that has an evaluation function."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    for path in binaries:
        try:
            with path.open("rb") as file:
                loop = _loop_of(ELFFile(file))
        except ELFError:
            continue
        if loop is not None:
            return loop
    return Loop()


def code_digest(path: Path) -> str:
    """SHA-256 of the executable sections, or of the whole file if it is not ELF.

    Data sections are left out: they contain the prefix, which differs between any two builds.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    total = hashlib.sha256()
    with path.open("rb") as file:
        try:
            elf = ELFFile(file)
        except ELFError:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
        for section in elf.iter_sections():
            if section["sh_flags"] & 0x4 and section["sh_type"] == "SHT_PROGBITS":  # SHF_EXECINSTR
                total.update(section.name.encode() + b"\0" + section.data())
    return total.hexdigest()


def code_size(path: Path) -> int:
    """The number of bytes in the executable sections; 0 of a file that is not ELF."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        try:
            return sum(
                section["sh_size"]
                for section in ELFFile(file).iter_sections()
                if section["sh_flags"] & 0x4 and section["sh_type"] == "SHT_PROGBITS"
            )
        except ELFError:
            return 0


def _loop_of(elf: Any) -> Loop | None:
    from elftools.elf.sections import SymbolTableSection

    table = elf.get_section_by_name(".symtab") or elf.get_section_by_name(".dynsym")
    if not isinstance(table, SymbolTableSection):
        return None
    symbols = [symbol for symbol in table.iter_symbols() if symbol["st_size"] > 0]
    parts = _evaluation_parts(symbols)
    if not parts:
        return None
    compiler, options = _producer(elf)
    return Loop(
        function=parts[0].name,
        size=sum(part["st_size"] for part in parts),
        indirect_jumps=sum(_indirect_jumps(elf, part) for part in parts),
        has_label_table=any(symbol.name.startswith(_LABEL_TABLE) for symbol in symbols),
        compiler=compiler,
        options=options,
    )


def _evaluation_parts(symbols: Sequence[Any]) -> list[Any]:
    """The symbols of the function and of the parts gcc split off (.cold, .part, .constprop)."""
    for name in _EVAL_FUNCTIONS:
        parts = [
            symbol
            for symbol in symbols
            if symbol["st_info"]["type"] == "STT_FUNC"
            and (symbol.name == name or symbol.name.startswith(name + "."))
        ]
        if parts:
            return sorted(parts, key=lambda symbol: -int(symbol["st_size"]))
    return []


def _indirect_jumps(elf: Any, symbol: Any) -> int:
    """Jumps whose target is read from a register or memory, as `objdump -d | grep 'jmp *\\*'`."""
    import capstone

    section = elf.get_section(symbol["st_shndx"])
    begin = symbol["st_value"] - section["sh_addr"]
    code = section.data()[begin : begin + symbol["st_size"]]
    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    engine.skipdata = True
    return sum(
        1
        for _address, _size, mnemonic, operands in engine.disasm_lite(code, symbol["st_value"])
        if mnemonic.endswith("jmp") and not operands.startswith("0x")
    )


def _producer(elf: Any) -> tuple[str, str]:
    """The compiler of the loop and its options: DW_AT_producer of its compile unit.

    With LTO the code is in the link-time unit, which has no file name; the last artificial unit
    with -flto is used.
    """
    if not elf.has_dwarf_info():
        return "", ""
    fallback = ("", "")
    for name, producer in _units(elf.get_dwarf_info()):
        compiler, _, options = producer.partition(" -")
        result = (compiler.strip(), f"-{options}" if options else "")
        if Path(name).name == _LOOP_SOURCE:
            return result
        if "-flto" in options and "<artificial>" in name:
            fallback = result
    return fallback


def _units(dwarf: Any) -> Iterator[tuple[str, str]]:
    for unit in dwarf.iter_CUs():
        attributes = unit.get_top_DIE().attributes
        name = attributes.get("DW_AT_name")
        producer = attributes.get("DW_AT_producer")
        if name is not None and producer is not None:
            yield _text(name.value), _text(producer.value)


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
