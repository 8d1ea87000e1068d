"""Commands with a stand-in for the job that they call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main


class StandIn:
    """Keeps the arguments of each call, without the context, and gives `code`."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, _context: Any, *arguments: Any, **named: Any) -> int:
        self.calls.append((arguments, named))
        return self.code

    @property
    def request(self) -> Any:
        """The first argument of the only call."""
        ((first, *_rest), _named) = self.only
        return first

    @property
    def only(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The only call."""
        (call,) = self.calls
        return call


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., StandIn]:
    """Replaces a function by its dotted name."""

    def replace(target: str, code: int = 0) -> StandIn:
        job = StandIn(code)
        monkeypatch.setattr(target, job)
        return job

    return replace


@pytest.fixture
def patchbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line, in an empty folder; the exit code, that of argparse as well."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> int:
        try:
            return main(["--quiet", "--home", str(tmp_path / "home"), *map(str, words)])
        except SystemExit as end:
            return int(end.code or 0)

    return run
