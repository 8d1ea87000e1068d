from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.errors import ToolError
from builder.process import Command, SystemRunner, clean_environment, last_lines

ENV = clean_environment()


def python(code: str, **more: object) -> Command:
    return Command(argv=(sys.executable, "-c", code), env=ENV, **more)  # type: ignore[arg-type]


def test_output_goes_to_log_lines_and_result(tmp_path: Path) -> None:
    lines: list[str] = []
    log = tmp_path / "logs" / "step.log"
    done = SystemRunner().run(
        python("import sys; print('one'); sys.stderr.write('two\\n')"),
        log=log,
        on_line=lines.append,
    )
    assert done.ok
    assert sorted(lines) == ["one", "two"]
    assert sorted(done.output.split()) == ["one", "two"]
    text = log.read_text()
    assert text.startswith("$ ")
    assert "one" in text
    assert "two" in text


def test_the_child_gets_the_given_environment_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CALLERS", "1")
    done = SystemRunner().run(python("import os; print(sorted(os.environ))"))
    assert "CALLERS" not in done.output
    assert "PATH" in done.output


def test_stdin_is_fed_or_empty() -> None:
    echo = "import sys; print(len(sys.stdin.buffer.read()))"
    assert SystemRunner().run(python(echo)).output == "0\n"
    big = b"x" * 1_000_000
    assert SystemRunner().run(python(echo, stdin=big)).output == "1000000\n"


def test_how_it_ended() -> None:
    runner = SystemRunner()
    assert runner.run(python("raise SystemExit(3)")).how() == "exited with status 3"
    crash = runner.run(python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))
    assert crash.how() == "was killed by SIGSEGV"


def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    """A grandchild that ignores SIGTERM is gone as well."""
    file = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)'])\n"
        f"open({str(file)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    done = SystemRunner().run(python(code), timeout=2)
    assert done.timed_out
    assert not done.ok
    assert _gone(int(file.read_text()))


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_children_have_default_signals_though_we_were_started_with_ignored_ones() -> None:
    """What CPython's profile task needs when patchbench runs as a background job."""
    ask = "import signal; print(signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP))"
    script = (
        "import sys\n"
        "from builder.process import *\n"
        "reset_inherited_signals()\n"
        f"print(SystemRunner().run(Command(argv=({sys.executable!r}, '-c', {ask!r}),"
        " env=clean_environment())).output)"
    )
    shell = f"trap '' INT HUP; exec {sys.executable} -c \"$SCRIPT\""
    done = subprocess.run(
        ["sh", "-c", shell],
        env={**os.environ, "SCRIPT": script, "PYTHONPATH": os.getcwd()},  # noqa: PTH109
        capture_output=True,
        text=True,
        check=True,
    )
    # Python's own handler for SIGINT, and SIG_DFL.
    assert done.stdout.split() == ["<built-in", "function", "default_int_handler>", "0"]


def test_a_killed_parent_takes_its_child_with_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    inner = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    script = (
        "from builder.process import *\n"
        f"SystemRunner().run(Command(argv=({sys.executable!r}, '-c', {inner!r}),"
        " env=clean_environment()))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109
    )
    while not (file.exists() and file.read_text()):
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    assert _gone(int(file.read_text()))


def test_a_started_process_lives_beside_others_and_can_be_killed() -> None:
    process = SystemRunner().start(python("import time; time.sleep(600)"))
    os.kill(process.pid, 0)
    process.kill()
    assert process.wait().returncode == -signal.SIGTERM


@pytest.mark.parametrize("program", ["no-such-program", "./no-such-program"])
def test_a_program_that_cannot_be_started(program: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        SystemRunner().run(Command(argv=(program, "x"), env=ENV, cwd=tmp_path))
    assert program in caught.value.what
    assert "doctor" in caught.value.hint


def test_commands_are_echoed_as_one_would_type_them(tmp_path: Path) -> None:
    told: list[str] = []
    SystemRunner(told.append).run(Command(argv=("echo", "a b"), env=ENV, cwd=tmp_path))
    assert told == [f"cd {tmp_path} && echo 'a b'"]


def test_last_lines() -> None:
    assert last_lines("a\n\nb\n  \nc\n", 2) == "b\nc"
