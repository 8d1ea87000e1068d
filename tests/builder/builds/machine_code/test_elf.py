"""Digests and sizes of machine code."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.builds.machine_code import code_digest, code_size
from tests.builder.builds.machine_code.test_loop import compiled


def test_the_digest_is_of_instructions_alone(tmp_path: Path) -> None:
    one = code_digest(compiled(tmp_path / "one"))
    assert code_digest(compiled(tmp_path / "two", text='"y"')) == one
    assert code_digest(compiled(tmp_path / "three", "-O1")) != one


def test_the_size_is_of_instructions_alone(tmp_path: Path) -> None:
    one = code_size(compiled(tmp_path / "one"))
    assert one > 100
    assert code_size(compiled(tmp_path / "two", text='"' + "y" * 9999 + '"')) == one


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF" + b"\xff" * 64])
def test_damaged_binaries_have_a_digest_and_no_code(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(content)
    assert code_digest(path)
    assert code_size(path) == 0
