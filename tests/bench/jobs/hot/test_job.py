"""`patchbench hot` on small programs, with the Python that runs the tests."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.jobs.hot import job
from bench.jobs.hot.analysis import HotModule
from bench.jobs.hot.compile import CompiledModule
from bench.jobs.hot.folder import FILE
from bench.jobs.hot.profile import ProgramRun, ProgramRunner
from builder.errors import DifferentError, MeasureError, StoreError, ToolError, UsageError
from ext import tools
from ext.compile import Tools

HEADER = Path(sysconfig.get_path("include")) / "Python.h"
needs_headers = pytest.mark.skipif(not HEADER.exists(), reason=f"there is no {HEADER}")
PACKAGES = Path(sysconfig.get_path("purelib"))

HELPER = """\
def spin(count):
    total = 0
    for number in range(count):
        total += number * number % 7
    return total
"""
SCRIPT = """\
import sys
import helper
if __name__ == "__main__":
    print(helper.spin(int(sys.argv[1])), helper.__file__.endswith("helper.py"))
    open("written", "w").close()
"""


class NoCompiler:
    """Compiles nothing, so that both arms are the program as it is."""

    def __init__(self, *_given: Any) -> None:
        pass

    def compile(
        self, modules: Sequence[HotModule], *, strict: bool
    ) -> tuple[list[Any], list[tuple[str, str]]]:
        return [], [(module.name, "nobody wanted to") for module in modules]


class PagesAlone:
    """Makes a page of each module, and leaves its code as it is."""

    def __init__(self, _context: Any, _subject: Any, scratch: Path, _wheels: str) -> None:
        self._scratch = scratch

    def compile(
        self, modules: Sequence[HotModule], *, strict: bool
    ) -> tuple[list[CompiledModule], list[tuple[str, str]]]:
        return [self._compiled(number, module) for number, module in enumerate(modules)], []

    def _compiled(self, number: int, module: HotModule) -> CompiledModule:
        page = self._scratch.with_name(f"page{number}")
        page.write_text(f"page of {module.name}")
        return CompiledModule(module=module, file=module.file, page=page, lines=(), seconds=0.0)


class AsItIs(ProgramRunner):
    """Runs the program as it is in both arms."""

    def run(self, seed: int, _compiled: Any = None, *, interval: float = 0.0) -> ProgramRun:
        return super().run(seed, interval=interval)


class Place:
    """A folder to stand in, and a home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "results"
        (folder / "helper.py").write_text(HELPER)

    def hot(self, text: str, *arguments: str, options: Sequence[str] = ()) -> int:
        (self.folder / "program.py").write_text(text)
        given = ["--home", str(self.folder / ".home"), "hot", "--out", str(self.out)]
        given += ["--python", sys.executable, "--blocks", "2", *options]
        return main([*given, "program.py", *arguments])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(tmp_path / ".host.lock"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "_FEW_SAMPLES", 1)
    monkeypatch.setattr(job, "_ENOUGH_SAMPLES", 3)
    return Place(tmp_path)


@needs_headers
def test_the_way_from_a_program_to_its_document(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(job, "ModuleCompiler", NoCompiler)
    assert place.hot(SCRIPT, "200000", options=["--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((place.out / FILE).read_text())
    assert document["profile"]["functions"][0]["function"] == "spin"
    assert document["program"] == ["./program.py", "200000"]
    # Whether the script itself has a tenth of the samples depends on how busy the machine is.
    assert {"module": "helper", "reason": "nobody wanted to"} in document["refused"]
    assert document["same"]["status"] == 0
    assert list(document["same"]["files"]) == ["written"]
    (row,) = document["comparisons"]
    assert row["blocks"] == len(document["blocks"]) == 2
    assert row["ratio"] > 0
    # The same folder again, and shown to people.
    assert place.hot(SCRIPT, "200000") == 0
    out = capsys.readouterr().out
    assert "spin" in out
    assert "helper: nobody wanted to" in out
    assert "identical in every run" in out


@needs_headers
@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("import nothing_of_that_name", MeasureError, "uncompiled program fails"),
        ("import os; print(os.urandom(9))", MeasureError, "Two runs of the program differ"),
        ("import inspect; print(len(inspect.stack()))", MeasureError, "when patchbench runs it"),
        ("import os; os._exit(0)", MeasureError, "there are no times"),
        ("import random; random.seed(1)", MeasureError, "has a tenth of its time|too short"),
    ],
)
def test_what_cannot_be_measured_is_an_error(
    place: Place,
    capsys: pytest.CaptureFixture[str],
    text: str,
    error: type[MeasureError],
    said: str,
) -> None:
    assert place.hot(text) == error.exit_code
    err = capsys.readouterr().err
    assert any(text in err for text in said.split("|"))
    assert "to do:" in err


@pytest.mark.parametrize(
    ("options", "script", "error"),
    [
        ((), "none.py", UsageError),
        (("--python", "/nowhere/python"), "program.py", UsageError),
        (("--python", "nothing-of-that-name"), "program.py", UsageError),
        (("--out", "."), "program.py", StoreError),
        (("--stdin", "none"), "program.py", StoreError),
    ],
)
def test_what_does_not_exist_is_an_error(
    place: Place,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    script: str,
    error: type[UsageError],
) -> None:
    (place.folder / "program.py").write_text("pass")
    python = () if "--python" in options else ("--python", sys.executable)
    given = ["--home", str(place.folder / ".home"), "hot", *python, *options, script]
    assert main(given) == error.exit_code
    assert "to do:" in capsys.readouterr().err


def _files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_a_folder_with_something_else_in_it_loses_nothing(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = {"leak.py": "pass", "precious.txt": "mine", "program.json": "{}"}
    for folder in (place.folder, place.folder / "other"):
        folder.mkdir(exist_ok=True)
        for name, text in mine.items():
            (folder / name).write_text(text)
        given = ["--home", str(place.folder / ".home"), "hot", "--python", sys.executable]
        given += ["--out", str(folder), "--modules", "nosuch", str(folder / "leak.py")]
        assert main(given) == StoreError.exit_code
        assert "Name an empty or a new folder" in capsys.readouterr().err
        assert mine.items() <= _files(folder).items()


@needs_headers
def test_results_are_replaced_by_whole_ones_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "ModuleCompiler", PagesAlone)
    monkeypatch.setattr(job, "ProgramRunner", AsItIs)
    # Of the script and of a module with nearly its name, each has a page.
    (place.folder / "main.py").write_text(HELPER)
    text = SCRIPT.replace("helper", "main")
    assert place.hot(text, "200000", options=["--modules", "__main__,main"]) == 0
    first = _files(place.out)
    pages = ["lines-__main__.html", "lines-main.html"]
    assert sorted(first) == [FILE, *pages, "profile.json"] == json.loads(first[FILE])["files"]
    assert [first[page] for page in pages] == ["page of __main__", "page of main"]
    assert place.hot("import nothing_of_that_name") == MeasureError.exit_code
    assert place.hot(text, "200000", options=["--modules", "nosuch"]) == UsageError.exit_code
    assert _files(place.out) == first
    assert place.hot(text, "200000", options=["--modules", "main"]) == 0
    assert sorted(_files(place.out)) == [FILE, "lines-main.html", "profile.json"]


@needs_headers
def test_a_program_that_writes_into_the_results_folder_is_refused_before_measuring(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.hot("open('results/hot.json', 'w').write('mine')") == StoreError.exit_code
    assert "files that this command did not write" in capsys.readouterr().err
    assert _files(place.out) == {"hot.json": "mine"}


def test_without_a_compiler_is_an_error(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.jobs.hot.program.shutil.which", lambda *_given, **_more: None)
    assert place.hot("pass") == ToolError.exit_code
    assert "no C compiler" in capsys.readouterr().err


@needs_headers
def test_the_scripts_own_interpreter_is_taken(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    (place.folder / "program.py").write_text(f"#!{sys.executable}\nimport nothing_of_that_name\n")
    given = ["--home", str(place.folder / ".home"), "hot", "--out", str(place.out), "program.py"]
    assert main(given) == MeasureError.exit_code
    assert "named in the script's first line" in capsys.readouterr().err


@pytest.mark.slow
@needs_headers
def test_hot_modules_are_compiled_for_real(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tools, "provide", lambda *_given: Tools(cython=PACKAGES, setuptools=PACKAGES)
    )
    assert place.hot(SCRIPT, "300000", options=["--json", "--modules", "helper,__main__"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [module["module"] for module in document["compiled"]] == ["helper", "__main__"]
    (helper, _script) = document["compiled"]
    assert any("total" in line["text"] for line in helper["lines"])
    assert "Cython" in (place.out / helper["page"]).read_text()
    assert document["comparisons"][0]["ratio"] < 1
    # What sees that it is compiled is not the same program.
    different = SCRIPT.replace("int(sys.argv[1])), ", "int(sys.argv[1])), type(helper.spin), ")
    assert place.hot(different, "300000") == DifferentError.exit_code
    assert "cython_function_or_method" in capsys.readouterr().err
