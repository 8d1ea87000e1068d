"""What the study of real runs does to a session from outside."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from bench.benchmarks.packages import PackageSource
from bench.jobs.study import processes
from builder.errors import MeasureError
from builder.process import Command, SystemRunner
from tests.recording import RecordedProcess, RecordingRunner, completed

COMMAND = Command(argv=("true",))


def test_a_session_is_killed_at_the_process_after_the_first_few() -> None:
    recorder = RecordingRunner()
    runner = processes.KillingRunner(recorder, after=2)
    runner.start(COMMAND)
    runner.run(COMMAND)  # what is run to its end is no block's process
    runner.start(COMMAND)
    with pytest.raises(processes.Killed):
        runner.start(COMMAND)
    assert len(recorder.commands) == 3
    assert not issubclass(processes.Killed, Exception)  # nothing in a session may swallow it


def test_the_load_is_on_the_measured_core_and_goes_away() -> None:
    recorder = RecordingRunner()
    with processes.load_on(recorder, 1):
        assert recorder.commands[0].argv[:3] == ("taskset", "--cpu-list", "1")
        (process,) = recorder.processes
        assert isinstance(process, RecordedProcess)
        assert process.kills == 0
    assert process.kills == 1


def test_pyperformance_is_asked_as_a_user_would(tmp_path: Path) -> None:
    source = PackageSource(environment={"PIP_INDEX_URL": "x", "HOME": "/home"})
    command = processes.peer_command(Path("/p"), "a,b", tmp_path / "o.json", tmp_path, source)
    assert command.argv[1:5] == ("-m", "pyperformance", "run", "--fast")
    assert "--python=/p" in command.argv
    assert "--benchmarks=a,b" in command.argv
    (inherited,) = [option for option in command.argv if option.startswith("--inherit-environ=")]
    assert "PIP_INDEX_URL" in inherited.split("=")[1].split(",")
    assert command.env["HOME"] == "/home"
    assert command.cwd == tmp_path


def test_the_clock_starts_with_the_first_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making the environments is not counted."""
    times = iter([100.0, 107.5])
    monkeypatch.setattr(processes.time, "monotonic", lambda: next(times))
    lines = ("( 1/12) creating venv for benchmark (a)", "[ 1/12] a...", "[ 2/12] b...")
    runner = RecordingRunner(completed("\n".join(lines)))
    assert processes.run_peer(runner, COMMAND, tmp_path / "log") == 7.5


@pytest.mark.parametrize(
    ("lines", "returncode"), [((), 0), (("[ 1/12] a...", "ERROR: a failed"), 1)]
)
def test_a_peer_that_fails_is_told_with_its_last_lines(
    lines: tuple[str, ...], returncode: int, tmp_path: Path
) -> None:
    runner = RecordingRunner(completed("\n".join(lines), returncode=returncode))
    with pytest.raises(MeasureError) as failed:
        processes.run_peer(runner, COMMAND, tmp_path / "log")
    assert str(tmp_path / "log") in str(failed.value)


def test_the_load_is_a_program_that_stays() -> None:
    """For real, on whatever core."""
    with processes.load_on(SystemRunner(), None):
        # A child that has not come to its exec yet still has this process's command line.
        while not any("time.sleep(4)" in " ".join(child.cmdline()) for child in _children()):
            assert _children()


def _children() -> list[psutil.Process]:
    return psutil.Process().children()
