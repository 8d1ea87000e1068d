"""The command as a process among the caller's variables and files, and where it is broken."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline import PATIENCE, PROJECT, lay_out

LAUNCHER = PROJECT / "patchbench" / "__main__.py"
# What scripts/venv.sh writes into .venv/bin/patchbench starts this.
ISOLATED = (sys.executable, "-I", str(LAUNCHER))
# What pip writes there for a wheel, and `python -m patchbench`.
PROGRAM = (sys.executable, "-c", "from patchbench.__main__ import main; raise SystemExit(main())")
MODULE = (sys.executable, "-m", "patchbench")
# Imported before the first line of ours runs: a path entry with one of these, in a checkout that is
# installed as editable, stops Python itself, unless it is isolated from the start.
SHADOWS = ("argparse", "json", "random", "signal", "statistics", "tempfile")
VARIABLES = {
    "PYTHONDEVMODE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONINSPECT": "1",
    "PYTHONIOENCODING": "ascii",
    "PYTHONMALLOC": "debug",
    "PYTHONOPTIMIZE": "2",
    "PYTHONSAFEPATH": "1",
    "PYTHONSTARTUP": "{folder}/statistics.py",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "0",
    "PYTHONWARNINGS": "error",
}
# These stop an interpreter that reads them, so they are for the isolated command alone.
DEADLY = {"PYTHONHASHSEED": "none", "PYTHONHOME": "/nowhere", "PYTHONPLATLIBDIR": "nothing"}


def run(
    command: tuple[str, ...], *arguments: str, cwd: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *arguments],
        cwd=cwd,
        env={**os.environ, "PATCHBENCH_HOME": str(cwd / "home"), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose files stand for modules of Python's library, and end the process."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')\n")
    return folder


@pytest.mark.parametrize("command", [ISOLATED, PROGRAM, MODULE], ids=["made", "pip", "module"])
def test_the_callers_variables_and_files_change_nothing(
    command: tuple[str, ...], hostile: Path
) -> None:
    variables = {name: value.format(folder=hostile) for name, value in VARIABLES.items()}
    if command == ISOLATED:
        variables |= DEADLY
    path = f"{PROJECT}:{hostile}" if command != ISOLATED else str(hostile)
    done = run(command, "builds", "--json", cwd=hostile, PYTHONPATH=path, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize("command", [ISOLATED, MODULE], ids=["made", "module"])
def test_an_error_has_its_exit_code_and_never_that_of_slower(
    command: tuple[str, ...], hostile: Path
) -> None:
    done = run(
        command, "compare", "a", "b", cwd=hostile, PYTHONPATH=str(PROJECT), PYTHONWARNINGS="error"
    )
    assert done.returncode == 13
    assert "Traceback" not in done.stderr


BROKEN = {
    "a requirement is missing": ("import no_such_module", 71, "No module named 'no_such_module'"),
    "a compiled module is damaged": ("raise ImportError('x.so: ELF')", 71, "x.so: ELF"),
    "a bug while it is imported": ("1 / 0", 70, "ZeroDivisionError"),
    "an interrupt while it is imported": ("raise KeyboardInterrupt", 130, "Interrupted"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_fails_before_the_command_line_is_told_without_a_traceback(
    case: str, tmp_path: Path
) -> None:
    source, code, message = BROKEN[case]
    (tmp_path / "patchbench").mkdir()
    shutil.copy(LAUNCHER, tmp_path / "patchbench")
    (tmp_path / "bench" / "cli").mkdir(parents=True)
    (tmp_path / "bench" / "cli" / "__init__.py").write_text(source)
    launcher = str(tmp_path / "patchbench" / "__main__.py")
    for command in ((sys.executable, "-I", launcher), (sys.executable, launcher)):
        done = run(command, "builds", cwd=tmp_path)
        assert done.returncode == code
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [("scipy", 71, "installation of patchbench is broken"), ("bench.no_such", 70, "is a bug")],
)
def test_a_module_that_a_command_lacks(name: str, code: int, message: str, tmp_path: Path) -> None:
    source = (
        "import sys\n"
        f"sys.path.insert(0, {str(PROJECT)!r})\n"
        "from bench.cli import main, parser\n"
        "def fail(module):\n"
        f"    raise ModuleNotFoundError('No module named {name}', name={name!r})\n"
        "parser.import_module = fail\n"
        "raise SystemExit(main.main(['builds']))\n"
    )
    done = run((sys.executable, "-I", "-c", source), cwd=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_json_in_every_encoding(tmp_path: Path) -> None:
    source = (
        f"import sys; sys.path.insert(0, {str(PROJECT)!r})\n"
        "sys.stdout.reconfigure(encoding=sys.argv[1], errors='backslashreplace')\n"
        "from bench.util import print_json\n"
        "print_json(['\\xe9', '\\u4e16', '\\U0001f40d'])\n"
    )
    for encoding in ("ascii", "latin-1", "utf-8", "cp1251"):
        done = run((sys.executable, "-I", "-c", source, encoding), cwd=tmp_path)
        assert json.loads(done.stdout) == ["\xe9", "\u4e16", "\U0001f40d"], encoding


def test_a_pipe_for_a_patch_survives_the_second_start(tmp_path: Path) -> None:
    """The shell's <(git diff) is an open file, which the isolated process inherits."""
    line = (
        f"{sys.executable} -m patchbench run --base main --source . --patch <(echo nothing) "
        "--dry-run"
    )
    done = run(("bash", "-c", line), cwd=tmp_path, PYTHONPATH=str(PROJECT))
    assert "No such file" not in done.stderr
    assert done.returncode not in (0, 1)


def test_an_ignored_interrupt_stays_ignored(tmp_path: Path) -> None:
    line = f"trap '' INT; exec {sys.executable} -m patchbench --version"
    done = run(("bash", "-c", line), cwd=tmp_path, PYTHONPATH=str(PROJECT))
    assert done.returncode == 0
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


@pytest.mark.slow
def test_the_measured_interpreters_are_not_the_callers_either(
    tmp_path: Path, hostile: Path
) -> None:
    """A whole run with PYTHONHOME and a hostile PYTHONPATH."""
    ground = lay_out(tmp_path, blocks=2)
    variables = {name: value.format(folder=hostile) for name, value in VARIABLES.items()}
    done = subprocess.run(
        [*ISOLATED, *ground.arguments("--json")],
        cwd=hostile,
        env={**ground.environment(), **variables, **DEADLY, "PYTHONPATH": str(hostile)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    (candidate,) = result["candidates"]
    assert candidate["comparisons"]
    assert candidate["missing"] == []
