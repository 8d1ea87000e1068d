"""Programs of a user's own, run for real by the Python that runs the tests."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.jobs.hot import analysis
from bench.jobs.hot.profile import ProfiledCommand, ProgramRun, ProgramRunner, refuse_failure
from builder.errors import MeasureError
from builder.process import SystemRunner, clean_environment

PICKLING = """\
import pickle, sys, os
class Thing(object):
    pass
def last():
    sys.stdout.write("at the end\\n")
import atexit
atexit.register(last)
if __name__ == "__main__":
    assert isinstance(pickle.loads(pickle.dumps(Thing())), Thing)
    print(sys.argv[1:], os.path.basename(__file__), os.environ["MINE"], sys.stdin.read())
    sys.stderr.write("beside\\n")
    with open("out/made.txt", "w") as file:
        file.write("made")
    sys.exit(3)
"""


def _program(tmp_path: Path, text: str, *arguments: str) -> ProfiledCommand:
    script = tmp_path / "a script.py"
    script.write_text(text)
    (tmp_path / "out").mkdir(exist_ok=True)
    return ProfiledCommand(
        script=script,
        arguments=arguments,
        cwd=tmp_path,
        environment=clean_environment(MINE="mine"),
        stdin=b"read",
        ignored=tmp_path / "scratch",
    )


def _programs(
    program: ProfiledCommand, *, version: str = "3.11.2", timeout: float = 60.0
) -> ProgramRunner:
    scratch = program.cwd / "scratch"
    scratch.mkdir(exist_ok=True)
    python = Path(sys.executable)
    return ProgramRunner(program, python, SystemRunner(), scratch, version=version, timeout=timeout)


def test_a_program_does_the_same_under_our_hands_as_by_itself(tmp_path: Path) -> None:
    programs = _programs(_program(tmp_path, PICKLING, "--x", "a b"))
    plain, ours = programs.run_directly(1), programs.run(2)
    assert analysis.difference(plain.outcome, ours.outcome) == ""
    assert ours.outcome.status == 3
    assert ours.outcome.stdout == b"['--x', 'a b'] a script.py mine read\nat the end\n"
    assert ours.outcome.stderr == b"beside\n"
    assert list(ours.outcome.files) == ["out/made.txt"]
    assert plain.cost is None
    assert ours.cost is not None
    assert ours.cost.cpu > 0


# All that Python gives the module that it runs. What it is loaded by has another address each time.
GIVEN = """\
import sys
for name, value in sorted(globals().items()):
    print(name, type(value), value if value is None or isinstance(value, (str, dict)) else "")
print(__loader__.name, __loader__.path, getattr(sys, "orig_argv", None), sys.path[0])
"""


def test_a_script_is_given_what_python_gives_it(tmp_path: Path) -> None:
    programs = _programs(_program(tmp_path, GIVEN, "--x"))
    plain, ours = programs.run_directly(1), programs.run(1)
    assert plain.outcome.status == 0
    assert analysis.difference(plain.outcome, ours.outcome) == ""


@pytest.mark.parametrize(("version", "kept"), [("3.8.0", True), ("3.7.9", False)])
def test_what_is_imported_is_compiled_once_and_not_beside_its_source(
    tmp_path: Path, version: str, kept: bool
) -> None:
    (tmp_path / "mine.py").write_text("")
    program = _program(tmp_path, "import mine")
    forbidden = dict(program.environment) | {"PYTHONDONTWRITEBYTECODE": "1"}
    programs = _programs(replace(program, environment=forbidden), version=version)
    programs.run(1)
    # What has no folder of its own for bytecode stays as the user wants it.
    assert bool(list((tmp_path / "scratch").rglob("mine.*.pyc"))) == kept
    assert not (tmp_path / "__pycache__").exists()


def test_a_program_that_fails_is_refused(tmp_path: Path) -> None:
    program = _program(tmp_path, "import nothing_of_that_name")
    with pytest.raises(MeasureError, match=r"uncompiled program fails \(status 1\)") as raised:
        refuse_failure(program, _programs(program).run_directly(1))
    assert "nothing_of_that_name" in raised.value.where
    program = _program(tmp_path, "this is no Python")
    with pytest.raises(MeasureError, match="uncompiled program fails"):
        refuse_failure(program, _programs(program).run_directly(1))
    program = _program(tmp_path, "import os\nos.kill(os.getpid(), 9)")
    with pytest.raises(MeasureError, match=r"\(status 137\)|\(signal 9\)"):
        refuse_failure(program, _programs(program).run_directly(1))


def test_a_status_of_its_own_is_no_failure(tmp_path: Path) -> None:
    program = _program(tmp_path, "raise SystemExit(1)")
    refuse_failure(program, _programs(program).run_directly(1))


def test_a_program_that_hangs_is_stopped(tmp_path: Path) -> None:
    program = _program(tmp_path, "import time\ntime.sleep(600)")
    with pytest.raises(MeasureError, match="time-out"):
        _programs(program, timeout=0.2).run_directly(1)


def test_a_program_that_ends_abruptly_tells_no_cost(tmp_path: Path) -> None:
    program = _program(tmp_path, "import os\nos._exit(0)")
    assert _programs(program).run(1).cost is None


def test_samples_name_functions_lines_and_modules(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(
        "import os\n\ndef work():\n    while sum(os.times()[:2]) < LIMIT:\n        pass\n"
    )
    text = "import busy, os\nbusy.LIMIT = sum(os.times()[:2]) + 0.3\nbusy.work()\n"
    program = _program(tmp_path, text)
    report = _programs(program).run(1, interval=0.001).report
    profile = analysis.read_profile([report])
    assert profile.samples > 3
    (work,) = [function for function in profile.functions if function.name == "work"]
    assert work.line == 3
    assert work.own > profile.samples * 0.5
    (script,) = [
        one for one in profile.functions if one.file == program.script and one.name == "<module>"
    ]
    assert script.total >= work.total
    (first, *_) = analysis.hot_modules(profile)
    assert (first.name, first.refused) == ("busy", "")


def test_a_compiled_module_stands_in_for_its_source(tmp_path: Path) -> None:
    import _bisect

    path = getattr(_bisect, "__file__", None)
    if path is None:
        pytest.skip("this Python has no extension module of its own to try it with")
    text = "import _bisect\nprint(_bisect.__file__, _bisect.__name__, _bisect.bisect_left([1], 2))"
    programs = _programs(_program(tmp_path, text))
    ran: ProgramRun = programs.run(1, {"_bisect": (Path(path), Path("/sources/_bisect.py"))})
    assert ran.outcome.stdout == b"/sources/_bisect.py _bisect 1\n"


def test_a_folder_with_very_many_files_is_not_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.jobs.hot.profile.MOST_FILES", 3)
    for number in range(5):
        (tmp_path / str(number)).touch()
    program = _program(tmp_path, "open('made', 'w').close()\nopen('out/named', 'w').close()")
    programs = _programs(program)
    assert not programs.can_scan
    assert programs.run(1).outcome.files == {}
    named = ProfiledCommand(**{**vars(program), "files": (Path("out/named"),)})
    assert list(_programs(named).run(1).outcome.files) == ["out/named"]
