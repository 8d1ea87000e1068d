"""What pip says of requirements before a Python is built, with a pip that only pretends."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.benchmarks.availability import (
    FITS,
    MISSING,
    UNCHECKED,
    UNKNOWN,
    Availability,
    TargetPython,
)
from bench.benchmarks.packages import PackageSource
from bench.benchmarks.suites import Benchmark
from builder.errors import ToolError
from builder.process import Command, Completed

PYTHON = TargetPython.of("3.15.0rc1+", ("--disable-gil",))


class Pip:
    """Answers for packages with wheels, with sources only, and for none; or cannot be reached."""

    def __init__(self, *, wheels: tuple[str, ...], sources: tuple[str, ...] = ()) -> None:
        self.wheels = wheels
        self.sources = sources
        self.is_reachable = True
        self.commands: list[Command] = []

    def run(self, command: Command, **_options: object) -> Completed:
        self.commands.append(command)
        if not self.is_reachable:
            return _ended(1, "WARNING: Retrying (Retry(total=0\nERROR: No matching distribution"
                          " found for a==1.0")  # fmt: skip
        if "index" in command.argv:
            name = command.argv[command.argv.index("versions") + 1]
            listed = [line.partition("==")[2] for line in self.sources if line.startswith(name)]
            if listed:
                return _ended(0, f"{name} (9)\nAvailable versions: 9, {', '.join(listed)}\n")
            return _ended(1, f"ERROR: No matching distribution found for {name}\n")
        for word in command.argv:
            if "==" in word and word not in self.wheels:
                return _ended(1, f"ERROR: No matching distribution found for {word}\n")
        return _ended(0, "")


def _ended(status: int, output: str) -> Completed:
    return Completed(returncode=status, output=output, seconds=0.1)


def _benchmark(name: str, *lines: str) -> Benchmark:
    return Benchmark(name=name, source=Path(), folder="f", script="s", requirements=lines)


def _states(folder: Path, pip: Pip, *benchmarks: Benchmark) -> dict[str, str]:
    asked = Availability(folder, pip, PackageSource())  # type: ignore[arg-type]
    return {name: one.state for name, one in asked.check(benchmarks, PYTHON).items()}


def test_wheels_sources_and_nothing_are_told_apart(tmp_path: Path) -> None:
    pip = Pip(wheels=("a==1.0",), sources=("b==1.0",))
    states = _states(
        tmp_path,
        pip,
        _benchmark("wheel", "a==1.0"),
        _benchmark("source", "a==1.0", "b==1.0"),
        _benchmark("none", "a==1.0", "b==1.0", "c==2.0"),
        _benchmark("marked", "c==2.0; python_version < '3.15'"),
        _benchmark("local", "./vendor"),
        _benchmark("two-pins", "a==2.0"),
    )
    assert states == {
        "wheel": FITS,
        "source": UNKNOWN,
        "none": MISSING,
        "marked": FITS,
        "local": FITS,
        "two-pins": MISSING,
    }
    wheels = pip.commands[0].argv
    assert wheels[wheels.index("--abi") + 1] == "cp315t"
    assert wheels[wheels.index("--python-version") + 1] == "3.15.0"


def test_an_answer_is_kept_and_asked_once(tmp_path: Path) -> None:
    pip = Pip(wheels=("a==1.0",))
    one, two = _benchmark("one", "a==1.0"), _benchmark("two", "b==1.0")
    first = _states(tmp_path, pip, one, two)
    count = len(pip.commands)
    assert _states(tmp_path, pip, one, two) == first
    assert len(pip.commands) == count


def test_an_index_that_cannot_be_reached_is_no_missing_package(tmp_path: Path) -> None:
    pip = Pip(wheels=("a==1.0",))
    pip.is_reachable = False
    one = _benchmark("one", "a==1.0")
    assert _states(tmp_path, pip, one) == {"one": UNCHECKED}
    pip.is_reachable = True
    assert _states(tmp_path, pip, one) == {"one": FITS}


def test_a_pip_that_cannot_be_started_is_no_missing_package(tmp_path: Path) -> None:
    class NoPip:
        def run(self, *_arguments: object, **_options: object) -> Completed:
            raise ToolError("pip cannot be started: not found.", where="pip")

    states = _states(tmp_path, NoPip(), _benchmark("x", "a==1.0"))  # type: ignore[arg-type]
    assert states == {"x": UNCHECKED}


def test_damaged_answers_are_asked_again(tmp_path: Path) -> None:
    pip, one = Pip(wheels=("a==1.0",)), _benchmark("one", "a==1.0")
    _states(tmp_path, pip, one)
    for file in tmp_path.iterdir():
        file.write_text("{")
    assert _states(tmp_path, pip, one) == {"one": FITS}


@pytest.mark.parametrize("line", ["https://x/y.whl", "-e ."])
def test_what_is_no_package_of_an_index_is_left_to_pip(tmp_path: Path, line: str) -> None:
    assert _states(tmp_path, Pip(wheels=()), _benchmark("one", line)) == {"one": FITS}
