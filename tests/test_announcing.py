"""The stages that the tests of kills, signals and full disks wait for exist."""

from __future__ import annotations

import subprocess
import sys

from tests.pipeline import PROJECT


def test_every_stage_that_is_announced_exists() -> None:
    code = "from tests import announcing\nannouncing.announce_all()\nannouncing.slow_down()\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
