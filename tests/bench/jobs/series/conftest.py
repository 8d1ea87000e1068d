"""A fixture: the project of made_up.py, in which the commands run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import main
from tests.bench.jobs.series.made_up import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(main, "PROJECT", tmp_path)
    return Bench(tmp_path)
