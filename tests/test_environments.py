"""Two arms of one build whose processes have another environment, from the file to the bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline import PATIENCE, Ground, lay_out

EXPERIMENT = """
base = "main"
source = "{root}/fake.git"
suite = ["suite/MANIFEST"]
[[candidate]]
flavor = {{ environment = {{ run = {{ PYTHONMALLOC = "malloc" }} }} }}
[session]
blocks = 2
seed = 7
process_seconds = 0.05
protocol = "lockstep"
"""


def run(ground: Ground, *line: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "patchbench", *line],
        env=ground.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_arms_of_one_build_in_two_environments(tmp_path: Path) -> None:
    ground = lay_out(tmp_path, candidates=())
    ground.experiment.write_text(EXPERIMENT.format(root=tmp_path))
    run(ground, *ground.arguments())

    result = json.loads((ground.out / "result.json").read_text())
    base, (arm,) = result["base"], result["candidates"]
    assert arm["build"]["key"] == base["build"]["key"]
    assert len(ground.configured.read_text().splitlines()) == 1
    assert arm["environment"] == ["PYTHONMALLOC=malloc"]
    assert "environment" not in base
    trials = {
        path.stem: json.loads(path.read_text())["benchmarks"][0]["runs"][0]["metadata"]
        for path in (ground.out / "raw" / "blocks").glob("*/*.json")
        if path.stem != "block"
    }
    assert trials[arm["name"]]["patchbench_environment"] == "PYTHONMALLOC=malloc"
    assert "patchbench_environment" not in trials["base"]
    for report in ("report.md", "report.html", "mail.txt"):
        assert "PYTHONMALLOC=malloc" in (ground.out / report).read_text()

    bundle = tmp_path / "evidence.tar.gz"
    home = ("--home", str(ground.home))
    run(ground, *home, "bundle", str(ground.out), "--out", str(bundle))
    assert "Every figure follows from the raw data." in run(ground, *home, "verify", str(bundle))
