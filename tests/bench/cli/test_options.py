"""Options of several commands: the typed values that they become, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from bench.cli.options import condition_changes, experiment_request
from bench.experiments.experiment import ConditionChanges
from bench.experiments.request import ExperimentRequest
from bench.experiments.session_options import SessionChanges

SHARED = {"suite": None, "gate": None, "wheels": None}
ARMS = {
    **dict.fromkeys(("file", "base", "candidate", "variant", "runtime", "source")),
    **{"patch": [], "series": [], "pgo": False, "lto": False, "worktree": False},
    **{"thin_lto": False, "bolt": False, "cc": None, "configure": [], "configure_var": []},
    **{"build_env": [], "run_env": [], "try_env": []},
}


def test_what_is_not_given_changes_nothing() -> None:
    assert condition_changes(Namespace(**SHARED)) == ConditionChanges()
    assert experiment_request(Namespace(**ARMS, **SHARED)) == ExperimentRequest()


def test_texts_become_seconds_and_whole_paths() -> None:
    given = Namespace(suite=("nbody",), gate="none", wheels="w", budget="1.5h", seed=0, aa=True)
    assert condition_changes(given) == ConditionChanges(
        suite=("nbody",),
        gate="none",
        wheels=str(Path.cwd() / "w"),
        session=SessionChanges(budget=5400.0, seed=0, aa=True),
    )


def test_arms_are_taken_over() -> None:
    given = {**ARMS, "base": "3.13", "patch": ["-"], "series": ["a/b"], "pgo": True}
    assert experiment_request(Namespace(**given, **SHARED)) == ExperimentRequest(
        base="3.13", patches=("-",), series=("a/b",), pgo=True
    )


def test_what_the_ranges_come_from_imports_nothing_heavy() -> None:
    """Every command line is parsed with them, whatever it then does."""
    heavy = {"scipy", "numpy", "pyperf", "pyperformance", "sqlalchemy", "matplotlib"}
    heavy |= {"capstone", "elftools", "git", "jinja2"}
    code = "import bench.experiments, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not heavy & {name.partition(".")[0] for name in done.stdout.split()}
