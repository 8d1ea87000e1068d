"""The machine of made_up.py, in place of jobs.run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.context import Context
from bench.jobs.bisect import steps as module
from bench.util.console import Show
from builder.process import SystemRunner
from tests.bench.jobs.bisect.made_up import Machine
from tests.builder.upstream import Upstream, home_at


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(
        upstream=Upstream(tmp_path / "up.git"),
        context=Context(
            home=home_at(tmp_path / "home"),
            project=tmp_path,
            runner=SystemRunner(),
            show=Show(quiet=True),
        ),
        out=tmp_path / "out",
    )
    monkeypatch.setattr(module.running, "measured", machine.measured)
    return machine
