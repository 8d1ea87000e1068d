"""Which modules of a program could be compiled, and what is done about those that could not."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bench.context import Context
from bench.jobs.hot import compile as compiling
from bench.jobs.hot.analysis import MAIN, HotModule
from bench.jobs.hot.compile import ModuleCompiler
from bench.jobs.hot.program import Program
from bench.util.console import Show
from builder.errors import BuildError, DataError
from builder.home import Home
from ext.compile import Module
from ext.kernels import ModuleSource
from tests.recording import RecordingRunner, no_command


class Compiler:
    """Makes a file of each module, and fails for those that are `failing`."""

    def __init__(self, folder: Path, *failing: str) -> None:
        self.folder = folder
        self.failing = failing
        self.sources: list[ModuleSource] = []
        self.lines: Path | None = None

    def provide(self, source: ModuleSource) -> Module:
        self.sources.append(source)
        if source.name in self.failing:
            raise BuildError(f"{source.name} cannot be compiled.")
        return Module(
            key="k",
            name=source.name,
            site=self.folder,
            file=self.folder / f"{source.name}.so",
            seconds=2.0,
            lines=self.lines,
        )


class Place:
    """A program, and the compiling of its modules with a compiler that is none."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.stream = io.StringIO()
        self.compiler = Compiler(folder)
        monkeypatch.setattr(compiling, "compiler_for", lambda *_given: self.compiler)
        context = Context(
            home=Home(root=folder / "home", host_lock=folder / "lock"),
            project=folder,
            runner=RecordingRunner(no_command),
            show=Show(stream=self.stream),
        )
        program = Program(
            script=folder / "go-faster",
            python=Path("/python"),
            version="3.13.5",
            identity="host",
            description="",
        )
        self.compiling = ModuleCompiler(context, program, folder / "scratch", "")

    def module(self, name: str, file: str = "x.py") -> HotModule:
        (self.folder / file).write_text("x = 1\n")
        return HotModule(name=name, file=self.folder / file, samples=1)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_a_module_is_compiled_under_its_package(place: Place) -> None:
    (made,), refused = place.compiling.compile([place.module("kit.parts")], strict=False)
    assert refused == []
    assert (made.file.name, made.seconds, made.page, made.lines) == ("parts.so", 2.0, None, ())
    (source,) = place.compiler.sources
    assert (source.name, source.package, source.imports) == ("parts", "kit", False)
    assert source.path == place.folder / "x.py"


def test_a_console_script_is_compiled_from_a_copy_with_a_suffix(place: Place) -> None:
    place.compiling.compile([place.module(MAIN, "go-faster")], strict=False)
    (source,) = place.compiler.sources
    assert source.path == place.folder / "scratch" / "go_faster.py"
    assert source.path.read_text() == "x = 1\n"


def test_a_module_that_cannot_be_compiled_is_left_out(place: Place) -> None:
    place.compiler.failing = ("bad",)
    modules = [place.module("bad"), place.module("good")]
    made, refused = place.compiling.compile(modules, strict=False)
    assert [one.module.name for one in made] == ["good"]
    assert refused == [("bad", "bad cannot be compiled.")]
    assert "bad cannot be compiled. The module is not compiled." in place.stream.getvalue()


def test_a_module_that_was_named_must_compile(place: Place) -> None:
    place.compiler.failing = ("bad",)
    modules = [place.module("good"), place.module("bad")]
    with pytest.raises(BuildError, match="bad cannot"):
        place.compiling.compile(modules, strict=True)


def test_where_none_can_be_compiled_that_is_an_error(place: Place) -> None:
    place.compiler.failing = ("a", "b")
    with pytest.raises(BuildError, match="b cannot"):
        place.compiling.compile([place.module("a"), place.module("b")], strict=False)


def test_a_page_that_is_none_is_an_error(place: Place) -> None:
    place.compiler.lines = place.folder / "page.html"
    place.compiler.lines.write_text("<html>nothing</html>")
    with pytest.raises(DataError):
        place.compiling.compile([place.module("a")], strict=False)
