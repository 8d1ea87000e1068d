"""How a process of patchbench ends: signals, streams closed or full, files of somebody else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bench.cli import main
from tests import fake
from tests.faults import BASE_ONLY, Place, World, stores
from tests.test_faults import at, world

__all__ = ["at", "world"]  # fixtures

ROOT = Path(__file__).parent.parent


def patchbench(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bench.cli.main", *arguments]


def ended(
    command: Sequence[str], *, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> tuple[int, str, str]:
    done = subprocess.run(
        command, cwd=ROOT, check=False, stdout=stdout, stderr=stderr, text=True, timeout=60
    )
    return done.returncode, done.stdout or "", done.stderr or ""


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


# -- streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
def test_a_reader_that_has_gone_is_no_error(form: list[str], unread: int) -> None:
    assert ended(patchbench("series", *form), stdout=unread) == (0, "", "")


def test_a_reader_that_has_gone_changes_no_verdict(at: Place, unread: int) -> None:
    arguments = stores.again(at)
    with os.fdopen(os.dup(unread), "w") as stdout:
        at.patch.setattr(sys, "stdout", stdout)
        code = main.main(["--home", str(at.home), *arguments, "--fail-on", "slower"])
    assert code == 1


def test_messages_that_nobody_reads_do_not_end_a_run(at: Place, unread: int) -> None:
    arguments = at.patched(fake.speed_patch(7), *BASE_ONLY, "--dry-run")
    code, out, _err = ended(patchbench("--home", str(at.home), *arguments), stderr=unread)
    assert code == 0
    assert "configure" in out


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(closed: str, at: Place) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *patchbench("series", "--json")]
    code, out, err = ended(command)
    assert (code, err) == (0, "")
    assert out.startswith("[") or ">&-" in closed.split()


def test_a_stdout_that_is_full() -> None:
    with Path("/dev/full").open("wb") as full:
        code, _out, err = ended(patchbench("series", "--json"), stdout=full.fileno())
    assert code == 9
    assert err.startswith("patchbench: The operating system reports: No space left on device.")
    assert "to do:" in err


# -- signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_a_build(number: signal.Signals, code: int, at: Place) -> None:
    home = at.own_home()
    patch = at.file("change.diff", fake.speed_patch(2))
    arguments = at.adhoc("--patch", str(patch), base="slow-to-build")
    process = subprocess.Popen(
        patchbench("--home", str(home), *arguments), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    log = _wait_for_configure(process, home)
    process.send_signal(number)
    said = process.stderr.read()
    process.stderr.close()

    assert process.wait(timeout=30) == code
    last = [line for line in said.splitlines() if line.startswith("patchbench: ")]
    assert len(last) == 1
    assert "kept" in last[0]
    assert "Run the same command again" in last[0]
    assert "Traceback" not in said
    assert at.half_made() == []
    with pytest.raises(ProcessLookupError):
        os.kill(log, 0)


def _wait_for_configure(process: subprocess.Popen[str], home: Path) -> int:
    """Wait until the fake's configure runs, and return its process id: it prints that first."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.endswith(": configure\n"):
            break
    while True:
        logs = [path.read_text() for path in (home / "builds").glob("*/log/configure.log")]
        lines = [line for text in logs for line in text.splitlines() if line.isdigit()]
        if lines:
            return int(lines[0])
        assert process.poll() is None


def test_ctrl_c_before_anything_is_done(at: Place) -> None:
    arguments = at.adhoc("--patch", "-")
    process = subprocess.Popen(
        patchbench("--home", str(at.home), *arguments),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()  # and now it waits for the patch
    process.send_signal(signal.SIGINT)
    said += process.stderr.read()
    process.communicate()
    assert process.returncode == 130, said
    assert "Traceback" not in said


SWALLOWED = """
import signal, sys
from bench.cli import main as cli

def importing(*_ignored):
    try:
        signal.raise_signal({number})
    except BaseException:
        raise ImportError("initialization failed") from None

cli._context = importing
sys.exit(cli.main(["doctor"]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_an_import_makes_an_error_of(number: signal.Signals, code: int) -> None:
    got, _out, said = ended([sys.executable, "-c", SWALLOWED.format(number=int(number))])
    assert got == code, said
    assert said.startswith("patchbench: Interrupted")
    assert "bug" not in said


# -- somebody else's files ----------------------------------------------------------------------


@pytest.fixture
def commons(world: World) -> Iterator[Path]:
    """A folder that every user can read, and nobody else but us can write to."""
    folder = Path(tempfile.mkdtemp(prefix="patchbench-commons-", dir="/tmp"))
    shutil.copytree(world.repository, folder / "fake.git")
    (folder / "home").mkdir()
    (folder / "home").chmod(0o777)
    for name, content in (("change.diff", fake.speed_patch(2)), ("x.toml", b'base = "main"\n')):
        (folder / name).write_bytes(content)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def _as_somebody_else(command: list[str]) -> list[str]:
    """Permissions do not bind root; where we are not root, we are somebody who is bound."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root without setpriv(1) cannot become somebody whom permissions bind")
    return [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", *command]


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ("home", 9, ("home cannot be used: Permission denied", "--home")),
        ("out", 9, ("Cannot write: Permission denied", "--out")),
        ("patch", 5, ("The patch cannot be read: Permission denied", "change.diff")),
        ("file", 3, ("The experiment file cannot be read: Permission denied", "x.toml")),
    ],
)
def test_what_permissions_forbid(
    fault: str, code: int, says: tuple[str, ...], commons: Path, at: Place
) -> None:
    for name, which in (("change.diff", "patch"), ("x.toml", "file")):
        (commons / name).chmod(0o000 if which == fault else 0o644)
    home = commons / ("new" if fault == "home" else "home")
    out = commons / "out" if fault == "out" else commons / "home" / "out"
    adhoc = ["--base", "main", "--source", str(commons / "fake.git")]
    adhoc += ["--patch", str(commons / "change.diff"), "--suite", "quick"]
    what = [str(commons / "x.toml")] if fault == "file" else adhoc
    at.patch.setenv("PATCHBENCH_HOST_LOCK", str(commons / "home" / "host.lock"))

    command = patchbench("--home", str(home), "run", *what, "--out", str(out))
    ended_with, stdout, err = ended(_as_somebody_else(command))

    if "No module named" in err:
        pytest.skip("somebody else cannot read this checkout")
    assert ended_with == code, err
    assert stdout == ""
    for text in (*says, "to do:"):
        assert text in err
    assert len([line for line in err.splitlines() if line.startswith("patchbench: ")]) == 1
    assert not list((commons / "home").glob("builds/*"))


def test_an_interrupt_while_text_is_executed_has_the_exit_code_of_all(tmp_path: Path) -> None:
    """Python would die of the signal after all, however the interrupt was handled."""
    (tmp_path / "interrupted.py").write_text(
        "import sys\n"
        "from bench.cli import main as cli\n"
        "def interrupt(*_):\n"
        "    exec('raise KeyboardInterrupt')\n"
        "cli._context = interrupt\n"
        "sys.exit(cli.main(['builds']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(main.__file__).parents[2]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert "Interrupted" in done.stderr
