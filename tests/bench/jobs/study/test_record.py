"""Recordings of our own: what pyperf is asked, and what is kept of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.benchmarks.environments import Environment, Interpreter
from bench.benchmarks.suites import Benchmark
from bench.context import Context
from bench.jobs.study import record
from bench.jobs.study.record import RecordingRequest
from bench.util.console import Show
from bench.validation import recordings
from builder.errors import MeasureError
from builder.process import Completed
from tests.bench.validation.test_recordings import FIVE, result
from tests.builder.upstream import home_at
from tests.recording import Call, RecordingRunner, completed


def benchmark(name: str) -> Benchmark:
    return Benchmark(
        name=name,
        source=Path(),
        folder=f"x/bm_{name}",
        script=f"x/bm_{name}/run_benchmark.py",
        options=("--fast-mode",),
    )


class Place:
    """A build with two benchmarks; pyperf writes what it would, or fails for those `failing`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.failing: set[str] = set()
        self.words: list[tuple[str, ...]] = []
        self.runner = RecordingRunner(self._complete)
        self.context = Context(
            home=home_at(folder / "home"),
            project=folder,
            runner=self.runner,
            show=Show(quiet=True),
        )
        interpreter = Interpreter(identity="k", python=Path("/python"), version="3.13.5")
        self.ready: Any = SimpleNamespace(
            build=SimpleNamespace(key="k"),
            environment=Environment(key="e", folder=folder / "e", interpreter=interpreter),
            benchmarks=(benchmark("go"), benchmark("nbody")),
        )
        monkeypatch.setattr(record.interpreters, "base_build", self._build)
        monkeypatch.setattr(record.interpreters, "prepare", self._prepare)

    @contextlib.contextmanager
    def _build(self, _context: Context, _base: str, _source: str) -> Iterator[Any]:
        yield self.ready.build

    def _prepare(
        self, _context: Context, _build: Any, words: tuple[str, ...], *, wheels: str
    ) -> Any:
        self.words.append(words)
        return self.ready

    def _complete(self, call: Call) -> Completed:
        name = Path(call.command.argv[1]).parent.name.removeprefix("bm_")
        if name in self.failing:
            return completed("Traceback\nValueError: 1\n", returncode=1)
        (output,) = [word[9:] for word in call.command.argv if word.startswith("--output=")]
        assert not Path(output).exists()  # pyperf refuses to write over a file
        Path(output).write_text(json.dumps(result(name, *FIVE)))
        return completed()

    def record(self, **more: Any) -> Path:
        out = self.folder / "out" / "recording.json.gz"
        request = RecordingRequest(out=out, processes=5, **more)
        assert record.record(self.context, request) == 0
        return out


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_all_benchmarks_are_in_one_file_without_what_names_the_machine(place: Place) -> None:
    out = place.record()
    recorded = recordings.read(out)
    assert {name: len(processes) for name, processes in recorded.items()} == {"go": 5, "nbody": 5}
    assert b"secret" not in recordings.pack(recordings.joined([result("go", *FIVE)]))
    assert place.words == [record.BENCHMARKS]


def test_pyperf_runs_the_script_with_its_options_in_a_clean_environment(place: Place) -> None:
    output = place.folder / "x.json"
    command = record.command(place.ready, benchmark("go"), 40, output)
    assert command.argv[2] == "--fast-mode"
    assert "--processes=40" in command.argv
    assert f"--output={output}" in command.argv
    assert command.env["HOME"] == str(place.folder)
    assert str(place.ready.environment.base) in command.env["PYTHONPATH"]


def test_what_was_recorded_is_not_again_and_halves_are_removed(place: Place) -> None:
    place.failing = {"nbody"}
    with pytest.raises(MeasureError, match="nbody exited with status 1") as caught:
        place.record()
    assert "ValueError: 1" in caught.value.where
    (kept,) = (place.context.home.root / "studies").iterdir()
    (kept / ".nbody.half").write_text("{")
    place.failing.clear()
    place.record(words=("go", "nbody"))
    names = [Path(argv[1]).parent.name for argv in place.runner.argvs]
    assert names == ["bm_go", "bm_nbody", "bm_nbody"]
    assert place.words[-1] == ("go", "nbody")
