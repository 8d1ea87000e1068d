"""Any Python executable as a runtime. Those from packages are in test_install.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from builder.errors import UsageError
from builder.process import SystemRunner
from builder.runtimes import runtime
from builder.runtimes.install import Unpacking
from tests.builder.upstream import home_at

RUNNER = SystemRunner()
VERSION = ".".join(str(part) for part in sys.version_info[:3])


def test_an_executable_says_what_it_is(tmp_path: Path) -> None:
    found = runtime.find(home_at(tmp_path), RUNNER, sys.executable)
    assert found.python == Path(sys.executable)
    assert (found.facts.implementation, found.facts.version) == ("cpython", VERSION)
    assert found.facts.kind == "cpython-" + VERSION.rpartition(".")[0]
    assert found.folder is None
    assert found.identity == runtime.find(home_at(tmp_path), RUNNER, sys.executable).identity


def test_a_program_on_path_may_be_a_script_that_chooses_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "bin" / "somepython"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:/usr/bin:/bin")
    found = runtime.find(home_at(tmp_path), RUNNER, "somepython")
    assert (found.name, found.python) == ("somepython", Path(sys.executable))


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "no such executable"), ("#!/bin/sh\nexit 3\n", "no Python that runs: it exited")],
)
def test_what_is_no_python_is_told(tmp_path: Path, content: str | None, what: str) -> None:
    path = tmp_path / "python"
    if content is not None:
        path.write_text(content)
        path.chmod(0o755)
    with pytest.raises(UsageError, match=what):
        runtime.find(home_at(tmp_path), RUNNER, str(path))


def test_a_file_that_is_not_executable_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no program")
    with pytest.raises(UsageError, match=r"notes\.txt is a file that is not executable") as caught:
        runtime.find(home_at(tmp_path), RUNNER, str(path))
    assert caught.value.where == str(path)


def test_interpreters_on_path_are_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("python3", "python3.11", "pypy"):
        (tmp_path / name).symlink_to(sys.executable if name != "pypy" else "/bin/false")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    here = [one for one in runtime.on_path(RUNNER) if one.python.is_relative_to(tmp_path)]
    assert [one.name for one in here] == ["python3"]


@pytest.mark.real
@pytest.mark.parametrize(("name", "kind"), [("pypy3", "pypy-3."), ("pypy2", "pypy-2.7")])
def test_pypy_comes_from_the_archive_and_runs(name: str, kind: str, real_home: Path) -> None:
    home = home_at(real_home)
    provided, _new = Unpacking(home, RUNNER, lambda _text: None).provide(name)
    assert provided.facts.kind.startswith(kind)
    assert runtime.find(home, RUNNER, name) == provided
    assert runtime.ask(RUNNER, provided.python) == provided.facts
