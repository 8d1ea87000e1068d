"""The reference run of a program, and programs that are refused: with real runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.jobs.hot import observe
from bench.jobs.hot.profile import ProfiledCommand, ProgramRunner
from builder.errors import MeasureError
from builder.process import SystemRunner, clean_environment

# Each run appends a line, and what it prints depends on how many there are.
COUNTING = """\
with open("counted", "a+") as file:
    file.write("x")
    file.seek(0)
    print(len(file.read()) {})
"""


def _observed(tmp_path: Path, text: str) -> observe.Reference:
    script = tmp_path / "program.py"
    script.write_text(text)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program = ProfiledCommand(
        script=script, cwd=tmp_path, environment=clean_environment(), ignored=scratch
    )
    runner, python = SystemRunner(), Path(sys.executable)
    programs = ProgramRunner(program, python, runner, scratch, version="3.11.2", timeout=60.0)
    return observe.observe(program, programs)


def test_what_does_the_same_is_a_reference(tmp_path: Path) -> None:
    reference = _observed(tmp_path, "print(__loader__ is not None, __spec__, __name__)")
    assert reference.ran.outcome.stdout == b"True None __main__\n"
    assert reference.any_seed
    assert reference.warnings == ()


def test_a_hash_seed_that_matters_is_a_warning(tmp_path: Path) -> None:
    reference = _observed(tmp_path, "print(hash('a'))")
    assert not reference.any_seed
    assert reference.warnings[0].startswith("hash-seed: ")


@pytest.mark.parametrize(
    "text",
    [
        "import inspect; print(len(inspect.stack()))",
        "import sys; print('json' in sys.modules)",
        # With a hash seed that matters as well.
        "import sys; print('json' in sys.modules, hash('a'))",
    ],
)
def test_a_program_that_sees_what_runs_it_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MeasureError, match="when patchbench runs it") as raised:
        _observed(tmp_path, text)
    assert "sys.modules" in raised.value.hint
    assert "stdout" in raised.value.where


@pytest.mark.parametrize(
    "text",
    [
        "import os; print(os.urandom(9))",
        COUNTING.format(""),
        # Neither by itself nor under our hands.
        "import sys\n" + COUNTING.format(", 'json' in sys.modules"),
    ],
)
def test_what_differs_by_itself_is_not_blamed_on_what_runs_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(MeasureError, match="Two runs of the program differ") as raised:
        _observed(tmp_path, text)
    assert "Fix its seed" in raised.value.hint
