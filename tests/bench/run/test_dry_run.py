"""What `--dry-run` prints and what a run starts are the same commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import IO, Any

import pytest

from bench.cli import main
from bench.experiments import SessionOptions
from bench.run.dry_run import effort_text, typed
from bench.util import harmless
from builder.process import Command, SystemRunner
from tests import fake
from tests.fake.repository import commit_tree

EXPERIMENT = """
base = "main"
source = "SOURCE"
suite = ["suite/MANIFEST"]
[[candidate]]
patch = "slow.patch"
[session]
blocks = 2
seed = 7
process_seconds = 0.05
until = "blocks"
"""
MORE = "replicas = 2\naa = true\nplacebos = 1\n"

# The fake's pip has all packages and says of none that it is there; this one says so.
_TELLS = """
    for argument in sys.argv:
        name, _, version = argument.partition("==")
        if version:
            info = os.path.join(target, name + "-" + version + ".dist-info")
            os.mkdir(info)
            with open(os.path.join(info, "METADATA"), "w") as file:
                file.write("Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version))
"""

# What only a run knows: (how it looks there, what stands for it).
_KNOWN_LATER = (
    (r"/\S*/(pb|patchbench-gate)-\w+", "SCRATCH"),
    (r"(-m test -j\d+ --timeout=\d+)( test_\w+)+", r"\1 TESTS"),
    (r"TESTS-OF-\w+", "TESTS"),
    (r"--no-deps something==1.0", "--no-deps VERSIONS-OF-THE-FIRST"),
    # Of a script's tasks and their chances: a dry run does not know their names.
    (r"--stack=\d+:", "--stack=N:"),
    (r"--worker-task=\d+ --loops=\d+ --warmups=\d+ --values=\d+", "TASK"),
)
_PLAIN = re.compile(r"^(#.*|(experiment|base|suite|session|protocols|seed|time|packages) .*|)$")


class Recorded:
    """Everything that was started, in its order."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.commands: list[Command] = []
        start = SystemRunner._popen

        def popen(
            runner: SystemRunner, command: Command, stdout: int | IO[bytes]
        ) -> subprocess.Popen[bytes]:
            self.commands.append(command)
            return start(runner, command, stdout)

        patch.setattr(SystemRunner, "_popen", popen)

    def take(self) -> list[Command]:
        taken, self.commands = self.commands, []
        return taken


def lay_out(root: Path, more: str = "") -> Path:
    tree = fake.write_tree(root / "tree")
    pip = tree / "fake" / "fake_pip.py"
    pip.write_text(pip.read_text() + _TELLS)
    commit_tree(root / "fake.git", tree)
    (root / "slow.patch").write_bytes(fake.speed_patch(1.2))
    shutil.copytree(Path(fake.__file__).parent / "suite", root / "suite")
    (root / "suite" / "bm_pair" / "requirements.txt").write_text("something==1.0\n")
    experiment = root / "x.toml"
    experiment.write_text(EXPERIMENT.replace("SOURCE", str(root / "fake.git")) + more)
    return experiment


def alike(text: str) -> str:
    for pattern, placeholder in _KNOWN_LATER:
        text = re.sub(pattern, placeholder, text)
    return text


def dry_run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main.main([*arguments, "--dry-run"]) == 0
    return capsys.readouterr().out.splitlines()


def differing(lines: list[str], commands: list[Command]) -> tuple[list[str], list[str]]:
    """(what a run started and the dry run did not print, the other way round)."""
    printed = {alike(line) for line in lines if not _PLAIN.match(line)}
    started = {alike(harmless(typed(command))) for command in commands}
    return sorted(started - printed), sorted(printed - started)


@pytest.mark.parametrize("more", ["", pytest.param(MORE, marks=pytest.mark.slow)])
def test_it_prints_what_a_run_starts(
    more: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(tmp_path / "host.lock"))
    experiment = lay_out(tmp_path, more)
    recorded = Recorded(monkeypatch)
    arguments = ["--home", str(tmp_path / "home"), "--quiet", "run", str(experiment)]

    lines = dry_run(arguments, capsys)
    looking = recorded.take()
    # Settling what is asked for is the same in both; nothing else but a question is started.
    # pip answers for the requirement that it has no index for (the other arms' answer is stored).
    of_pip = [command for command in looking if command.argv[1:3] == ("-m", "pip")]
    assert {command.argv[3] for command in of_pip} == {"install", "index"}
    assert all("--dry-run" in one.argv for one in of_pip if one.argv[3] == "install")
    others = [command for command in looking if command not in of_pip]
    assert {command.argv[-1] for command in others} == {"--version", "true"}
    assert not list((tmp_path / "home").glob("builds/*"))

    assert main.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    commands = [command for command in recorded.take() if command.argv[-1] != "--version"]
    assert differing(lines, commands) == ([], [])
    assert _first_block(lines) <= {_exact(command) for command in commands}

    # What is stored is not made again, and not printed again.
    again = dry_run(arguments, capsys)
    shutil.rmtree(tmp_path / "out")
    recorded.take()
    assert main.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    commands = [command for command in recorded.take() if command.argv[-1] != "--version"]
    assert differing(again, commands) == ([], [])
    assert not any("./configure" in line or "pip install" in line for line in again)


def _first_block(lines: list[str]) -> set[str]:
    """The chances of a script whose one task has its name are known before it was run."""
    timed_lines = {
        _without_times(line) for line in lines if "bm_fast" in line and "--worker-task" in line
    }
    assert len(timed_lines) >= 2
    assert all("--stack=" in line or "setarch" not in line for line in timed_lines)
    return timed_lines


def _exact(command: Command) -> str:
    return _without_times(re.sub(*_KNOWN_LATER[0], typed(command)))


def _without_times(text: str) -> str:
    return re.sub(r"--(loops|warmups|values)=\d+", "", text)


def test_what_differs_is_seen() -> None:
    pinned = Command(argv=("taskset", "--cpu-list", "1", "python"))
    bare = Command(argv=("python",))
    lines = ["# a comment", "seed        7", "", "python"]
    assert differing(lines, [bare]) == ([], [])
    assert differing(lines, [pinned]) == (["taskset --cpu-list 1 python"], ["python"])


def test_the_callers_own_settings_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(tmp_path / "host.lock"))
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@127.0.0.1/simple")
    home = str(tmp_path / "home")
    lines = dry_run(["--home", home, "--quiet", "run", str(lay_out(tmp_path))], capsys)
    assert any("PIP_INDEX_URL=(yours)" in line for line in lines)
    assert not any("secret" in line for line in lines)
    variables = [line for line in lines if "PYTHONHASHSEED=" in line]
    assert all("HOME=SCRATCH" in line for line in variables)


def test_a_program_is_shown_by_its_length() -> None:
    command = Command(argv=("python", "-c", "\nimport sys\nprint(sys.path)\n"))
    assert typed(command) == "python -c PROGRAM-OF-2-LINES"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {},
            "no budget: measures until every verdict is decided or 40 blocks of each benchmark are "
            "done",
        ),
        ({"until": "blocks"}, "no budget: measures all 40 blocks of each benchmark"),
        (
            {"budget": 600.0},
            "measures until every verdict is decided, 40 blocks of each benchmark are done, or the "
            "budget of 10 min is spent",
        ),
        (
            {"until": "blocks", "budget": 90.0, "blocks": 7},
            "measures 7 blocks of each benchmark, or until the budget of 90 s is spent",
        ),
    ],
)
def test_what_ends_the_session_is_in_words(options: dict[str, Any], words: str) -> None:
    assert effort_text(SessionOptions(**options)) == words


@pytest.mark.slow
def test_every_stage_has_its_time_and_where_it_is_known_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["run", str(lay_out(tmp_path))]
    before = {line.split(":")[0]: line for line in dry_run(arguments, capsys)}
    assert "unknown: nothing like 3.13 was built here yet" in before["time        2 builds of 3.13"]
    assert "unknown: the core tests of 3.13 did not run here" in before["time        core tests"]
    assert "unknown: nothing was measured here yet" in before["time        timing"]
    assert "3 of them unknown on this machine" in before["time        in all"]

    assert main.main(arguments) == 0
    said = capsys.readouterr().err
    assert "gate passed (3 test files, core regrtest)" in said
    after = {line.split(":")[0]: line for line in dry_run(arguments, capsys)}
    assert "nothing to build: all are in the store" in after["time        builds of 3.13"]
    assert "its results are stored" in after["time        core tests"]
    assert "here (" in after["time        timing"]
