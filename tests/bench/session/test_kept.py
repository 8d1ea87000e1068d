from __future__ import annotations

from pathlib import Path

import pytest

from bench.session import kept
from builder.errors import StoreError


def test_what_is_not_there_is_the_default(tmp_path: Path) -> None:
    assert kept.load(tmp_path / "x.json", [3]) == [3]


def test_what_is_there_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": [1]}')
    assert kept.load(tmp_path / "x.json", None) == {"a": [1]}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged") as caught:
        kept.load(path, None)
    assert caught.value.where.startswith(f"{path}: ")
    assert caught.value.hint


@pytest.mark.parametrize("error", [ValueError, KeyError, IndexError, TypeError, AttributeError])
def test_what_is_json_and_not_ours_is_named(error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="damaged"), kept.reading(tmp_path / "x.json"):
        raise error("no such thing")


def test_an_error_of_the_system_goes_through(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), kept.reading(tmp_path / "x.json"):
        raise PermissionError
