"""ELF binaries: their symbols, their machine code, and what tables of addresses contain.

capstone and elftools are imported when a binary is read: most commands read none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_EXECUTABLE = 0x4  # SHF_EXECINSTR
_X86_64 = "EM_X86_64"


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
            if _is_code(section):
                total.update(section.name.encode() + b"\0" + section.data())
    return total.hexdigest()


def code_size(path: Path) -> int:
    """The number of bytes in the executable sections; 0 of a file that is not ELF."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        try:
            sections = ELFFile(file).iter_sections()
            return sum(section["sh_size"] for section in sections if _is_code(section))
        except ELFError:
            return 0


def _is_code(section: Any) -> bool:
    return bool(section["sh_flags"] & _EXECUTABLE and section["sh_type"] == "SHT_PROGBITS")


class ElfBinary:
    """An open ELF file. `symbols` are in the order of the file, those without a size included.

    `has_locals`: whether it has the symbols of static functions and tables, which a stripped binary
    has not.
    """

    def __init__(self, elf: Any) -> None:
        from elftools.elf.sections import SymbolTableSection

        self.elf = elf
        full = elf.get_section_by_name(".symtab")
        table = full or elf.get_section_by_name(".dynsym")
        self.has_locals = isinstance(full, SymbolTableSection)
        self.symbols: Sequence[Any] = (
            list(table.iter_symbols()) if isinstance(table, SymbolTableSection) else []
        )
        self._contents: dict[int, bytes] = {}

    @property
    def reads_code(self) -> bool:
        """Whether the machine code is of a kind that `indirect_jumps` knows."""
        return bool(self.elf["e_machine"] == _X86_64)

    def functions(self) -> list[Any]:
        """The symbols of functions that have a size."""
        return [
            symbol
            for symbol in self.symbols
            if symbol["st_size"] > 0 and symbol["st_info"]["type"] == "STT_FUNC"
        ]

    def indirect_jumps(self, symbol: Any) -> int:
        """Jumps whose target is read from a register or memory: `objdump -d | grep 'jmp *\\*'`."""
        import capstone

        if not self.reads_code:
            return 0
        engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        engine.skipdata = True
        return sum(
            1
            for _address, _size, mnemonic, operands in engine.disasm_lite(
                self._bytes(symbol), symbol["st_value"]
            )
            if mnemonic.endswith("jmp") and not operands.startswith("0x")
        )

    def distinct_addresses(self, symbol: Any) -> int:
        """How many different addresses a table of addresses contains.

        In a position-independent binary the linker leaves them to relocations.
        """
        data, begin = self._bytes(symbol), symbol["st_value"]
        size = self.elf.elfclass // 8
        addresses = {
            begin + offset: int.from_bytes(data[offset : offset + size], "little")
            for offset in range(0, len(data) - size + 1, size)
        }
        addresses |= {
            place: addend for place, addend in self._relocated(symbol) if place in addresses
        }
        return len(set(addresses.values()))

    def _relocated(self, symbol: Any) -> list[tuple[int, int]]:
        """Places and addresses of the relocations that apply to a table."""
        from elftools.elf.relocation import RelocationSection

        begin, end = symbol["st_value"], symbol["st_value"] + symbol["st_size"]
        # Those of an object file apply to one section, those of a program to all.
        applicable = (0, symbol["st_shndx"])
        return [
            (entry["r_offset"], entry["r_addend"])
            for section in self.elf.iter_sections()
            if isinstance(section, RelocationSection)
            and section.is_RELA()
            and section["sh_info"] in applicable
            for entry in section.iter_relocations()
            if begin <= entry["r_offset"] < end
        ]

    def _bytes(self, symbol: Any) -> bytes:
        index = symbol["st_shndx"]
        if not isinstance(index, int):
            return b""
        section = self.elf.get_section(index)
        if index not in self._contents:
            self._contents[index] = section.data()
        begin = symbol["st_value"] - section["sh_addr"]
        return self._contents[index][begin : begin + symbol["st_size"]]
