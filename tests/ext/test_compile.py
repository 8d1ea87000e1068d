from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import sysconfig
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.benchmarks.packages import PackageSource, pip_command
from bench.context import Context
from bench.run.base import base_build
from bench.util.console import Show
from builder.errors import BuildError, DataError, RequirementsError, StoreError
from builder.home import Home
from builder.process import Command, Completed, SystemRunner, clean_environment
from ext import kernels
from ext.compile import Compiler, Module, Target, Tools, requirements
from ext.kernels import Kernel, ModuleSource
from tests.recording import Call, RecordingRunner, completed

PACKAGES = Path(sysconfig.get_path("purelib"))
HEADER = Path(sysconfig.get_path("include")) / "Python.h"
HOST = Target(
    identity="host",
    python=Path(sys.executable),
    version=".".join(str(part) for part in sys.version_info[:3]),
)
needs_headers = pytest.mark.skipif(not HEADER.exists(), reason=f"there is no {HEADER}")


def compiling(failing: int = -1, error: BaseException | None = None) -> RecordingRunner:
    """Leaves what Cython and the compiler leave; the command with number `failing` fails."""

    def answer(call: Call) -> Completed:
        number = len(runner.calls) - 1
        assert call.log is not None
        with call.log.open("a") as file:
            file.write(f"command {number}\n")
        if number == failing:
            if error is not None:
                raise error
            return completed("sieve.c:7: error: bad\n", returncode=1)
        assert call.command.cwd is not None
        if number == 0:
            (call.command.cwd / "sieve.html").write_text("lines")
        elif number == 1:
            (call.command.cwd / "../site/sieve.so").write_text("machine code")
        return completed(seconds=0.5)

    runner = RecordingRunner(answer)
    return runner


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(
        cython=_installed(tmp_path / "c", "Cython", "3.3.1"),
        setuptools=_installed(tmp_path / "s", "setuptools", "84.2.1"),
    )


def _installed(folder: Path, name: str, version: str) -> Path:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> ModuleSource:
    (tmp_path / "sieve.py").write_text("def run(n): return n\n")
    (tmp_path / "sieve.pxd").write_text("cpdef run(int n)\n")
    return ModuleSource(name="sieve", path=tmp_path / "sieve.py", types=tmp_path / "sieve.pxd")


def _compiler(tmp_path: Path, tools: Tools, runner: Any, **more: Any) -> Compiler:
    given: dict[str, Any] = {"cache": tmp_path / "cache", "target": HOST} | more
    return Compiler(runner=runner, tools=tools, **given)


# -- the cache, with a runner that only records ----------------------------------------------------


def test_a_module_is_made_once(tmp_path: Path, tools: Tools, source: ModuleSource) -> None:
    runner = compiling()
    made = _compiler(tmp_path, tools, runner).provide(source)
    assert made.file.read_text() == "machine code"
    assert [path.name for path in made.site.iterdir()] == ["sieve.so"]
    assert made.lines is not None
    assert made.lines.read_text() == "lines"
    assert made.seconds == 1.0
    translate, build, check = runner.commands
    assert translate.argv[0] == sys.executable
    assert translate.env["PYTHONPATH"] == str(tools.cython)
    assert build.argv[0] == check.argv[0] == str(HOST.python)
    assert build.env["PYTHONPATH"] == str(tools.setuptools)
    assert "-ffp-contract=off" in build.argv
    assert check.env["PYTHONPATH"] == str(made.site)
    assert _compiler(tmp_path, tools, runner).provide(source) == made
    assert len(runner.commands) == 3


def test_what_decides_a_module_is_in_its_key(
    tmp_path: Path, tools: Tools, source: ModuleSource
) -> None:
    other_tools = replace(tools, cython=_installed(tmp_path / "older", "Cython", "3.0.12"))
    other_setuptools = replace(tools, setuptools=_installed(tmp_path / "o", "setuptools", "44.1.1"))

    def key(source: ModuleSource, tools: Tools = tools, **more: Any) -> str:
        return _compiler(tmp_path, tools, compiling(), **more).key(source)

    (tmp_path / "pyx").mkdir()
    pyx = tmp_path / "pyx" / "sieve.pyx"
    pyx.write_text(source.path.read_text())
    keys = [
        key(source),
        key(replace(source, types=None)),
        key(replace(source, types=None, compiled=False)),
        key(replace(source, types=None, path=pyx)),
        key(replace(source, name="other")),
        key(source, other_tools),
        key(source, other_setuptools),
        key(source, flags=("-O0",)),
        key(source, target=replace(HOST, identity="another build")),
    ]
    source.path.write_text("def run(n): return n + 1\n")
    keys.append(key(source))
    assert source.types is not None
    source.types.write_text("cpdef run(long n)\n")
    keys.append(key(source))
    assert len(set(keys)) == len(keys)
    # Neither where an interpreter lies nor where the cache does.
    assert key(source) == key(source, cache=tmp_path, target=replace(HOST, python=Path("/x")))


def test_a_pure_module_is_kept_the_same_way(
    tmp_path: Path, tools: Tools, source: ModuleSource
) -> None:
    runner = compiling()
    compiler = _compiler(tmp_path, tools, runner)
    pure = compiler.provide(replace(source, types=None, compiled=False))
    assert pure.file.name == "sieve.py"
    assert pure.lines is None
    assert len(runner.commands) == 1
    compiled = _compiler(tmp_path, tools, compiling()).provide(source)
    assert len(str(pure.site)) == len(str(compiled.site))


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failure_is_told_and_nothing_of_it_is_kept_but_its_log(
    tmp_path: Path, tools: Tools, source: ModuleSource, failing: int
) -> None:
    compiler = _compiler(tmp_path, tools, compiling(failing))
    with pytest.raises(BuildError, match="sieve cannot be compiled") as told:
        compiler.provide(source)
    assert "sieve.c:7: error: bad" in told.value.where
    assert str(source.path) in told.value.where
    assert told.value.hint
    key = compiler.key(source)
    assert not (tmp_path / "cache" / key).exists()
    kept = (tmp_path / "cache" / "failures" / f"{key}.log").read_text()
    assert kept.splitlines()[-1] == f"command {failing}"
    assert _compiler(tmp_path, tools, compiling()).provide(source).file.exists()


def test_an_interrupt_leaves_nothing_that_looks_whole(
    tmp_path: Path, tools: Tools, source: ModuleSource
) -> None:
    compiler = _compiler(tmp_path, tools, compiling(1, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        compiler.provide(source)
    assert not (tmp_path / "cache" / compiler.key(source)).exists()


@pytest.mark.parametrize("damage", ["module", "stamp", "no stamp"])
def test_a_damaged_module_is_made_again(
    tmp_path: Path, tools: Tools, source: ModuleSource, damage: str
) -> None:
    made = _compiler(tmp_path, tools, compiling()).provide(source)
    stamp = made.site.parent / "module.json"
    if damage == "module":
        made.file.write_text("other code")
    elif damage == "stamp":
        stamp.write_text('{"file": ')
    else:
        stamp.unlink()
    runner = compiling()
    assert _compiler(tmp_path, tools, runner).provide(source).file.read_text() == "machine code"
    assert len(runner.commands) == 3


def test_two_runs_make_it_once(tmp_path: Path, tools: Tools, source: ModuleSource) -> None:
    """The second waits for the lock, and finds what the first has made meanwhile."""
    key = _compiler(tmp_path, tools, compiling()).key(source)
    lock = tmp_path / "cache" / "locks" / key
    lock.parent.mkdir(parents=True)
    waits = threading.Event()
    second = compiling()
    made: list[Module] = []
    compiler = _compiler(tmp_path, tools, second, say=lambda _text: waits.set())
    thread = threading.Thread(target=lambda: made.append(compiler.provide(source)))
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(lock.open("w"))
        fcntl.flock(file, fcntl.LOCK_EX)
        thread.start()
        assert waits.wait(20)
        elsewhere = _compiler(tmp_path, tools, compiling(), cache=tmp_path / "elsewhere")
        elsewhere.provide(source).site.parent.rename(tmp_path / "cache" / key)
    thread.join(20)
    assert [one.key for one in made] == [key]
    assert second.commands == []


def test_tools_that_are_not_there_are_told(
    tmp_path: Path, tools: Tools, source: ModuleSource
) -> None:
    compiler = _compiler(tmp_path, replace(tools, cython=tmp_path / "none"), compiling())
    with pytest.raises(RequirementsError, match="Cython is not installed") as told:
        compiler.provide(source)
    assert "pip install" in told.value.hint


def test_a_source_that_is_not_there_is_told(
    tmp_path: Path, tools: Tools, source: ModuleSource
) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        _compiler(tmp_path, tools, compiling()).provide(replace(source, path=tmp_path / "no.py"))


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, tools: Tools, source: ModuleSource
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot write"):
        _compiler(tmp_path, tools, compiling(), cache=tmp_path / "file").provide(source)


@pytest.mark.parametrize(
    ("version", "cython", "setuptools"),
    [
        ("2.7.18", "3.0.12", "44.1.1"),
        ("3.5.10", "3.0.12", "50.3.2"),
        ("3.7.17", "3.0.12", "68.0.0"),
        ("3.9.2", "3.3.1", "82.0.1"),
        ("3.13.5", "3.3.1", "84.2.1"),
    ],
)
def test_the_tools_are_the_newest_that_support_a_target(
    version: str, cython: str, setuptools: str
) -> None:
    wanted = requirements(version)
    assert wanted.cython == f"Cython=={cython}"
    assert wanted.setuptools == f"setuptools=={setuptools}"


# -- really compiled -------------------------------------------------------------------------------


def _answer(target: Target, module: Module, size: int) -> dict[str, Any]:
    command = Command(
        argv=(str(target.python), "-c", kernels.find(module.name).program(size)),
        env=clean_environment(PYTHONPATH=str(module.site), PYTHONDONTWRITEBYTECODE="1"),
    )
    done = SystemRunner().run(command, timeout=120)
    assert done.ok, done.output
    answer: dict[str, Any] = json.loads(done.output)
    return answer


def _all_answer_the_same(compiler: Compiler, target: Target, kernel: Kernel) -> None:
    for size in (3, kernel.size):
        answers = {}
        for variant in kernel.variants:
            source = kernel.source(variant)
            assert source is not None
            answer = _answer(target, compiler.provide(source), size)
            assert answer["code"] == ("source" if variant == "pure" else "compiled")
            answers[variant] = answer["answer"]
        assert all(answer == answers["pure"] for answer in answers.values()), answers


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("modules")


def _for_host(cache: Path, *flags: str) -> Compiler:
    return Compiler(
        runner=SystemRunner(),
        cache=cache,
        target=HOST,
        tools=Tools(cython=PACKAGES, setuptools=PACKAGES),
        flags=("-ffp-contract=off", "-O0", *flags),
    )


@needs_headers
@pytest.mark.parametrize(("name", "variant"), [("collatz", "typed"), ("sieve", "hand")])
def test_a_variant_answers_as_the_pure_one(cache: Path, name: str, variant: str) -> None:
    on_host = _for_host(cache, "-g0")
    kernel = kernels.find(name)
    pure, other = kernel.source("pure"), kernel.source(variant)
    assert pure is not None
    assert other is not None
    expected = _answer(HOST, on_host.provide(pure), 500)
    module = on_host.provide(other)
    answer = _answer(HOST, module, 500)
    assert (expected["code"], answer["code"]) == ("source", "compiled")
    assert answer["answer"] == expected["answer"]
    assert module.lines is not None
    assert "run" in module.lines.read_text("utf-8")


def test_a_source_that_does_not_compile_is_told(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.pyx"
    path.write_text("cdef int f(:\n")
    with pytest.raises(BuildError, match="bad cannot be compiled") as told:
        _for_host(cache).provide(ModuleSource(name="bad", path=path))
    assert "bad.pyx:1" in told.value.where


@needs_headers
@pytest.mark.big
@pytest.mark.parametrize("kernel", kernels.load(), ids=lambda kernel: kernel.name)
def test_all_variants_answer_the_same_on_the_host(cache: Path, kernel: Kernel) -> None:
    _all_answer_the_same(_for_host(cache, "-g"), HOST, kernel)
    compiled = [path for path in cache.glob("*/site/*.so") if path.name.startswith(kernel.name)]
    assert compiled
    assert not any(str(cache).encode() in path.read_bytes() for path in compiled)


# Each variant takes seconds to compile: two kernels that have all of them, on the build that other
# tests make as well; all kernels on both branches are for `make big`.
@pytest.mark.real
@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("2.7.18", ("checksum", "sieve")),
        pytest.param("2.7.18", (), marks=pytest.mark.big),
        pytest.param("3.13.5", (), marks=pytest.mark.big),
    ],
)
def test_all_variants_answer_the_same_on_a_build(
    version: str, names: tuple[str, ...], real_home: Path, tmp_path: Path
) -> None:
    context = Context(
        home=Home(root=real_home, host_lock=real_home / "host"),
        project=Path(kernels.__file__).parent.parent,
        runner=SystemRunner(),
        show=Show(quiet=True),
    )
    wanted = requirements(version)
    tools = Tools(
        cython=_install(wanted.cython, tmp_path / "cython"),
        setuptools=_install(wanted.setuptools, tmp_path / "setuptools"),
    )
    with base_build(context, version, "debian") as build:
        target = Target(identity=build.key, python=build.python, version=version)
        compiler = Compiler(
            runner=SystemRunner(),
            cache=tmp_path / "modules",
            target=target,
            tools=tools,
            flags=("-ffp-contract=off", "-O0"),
        )
        for kernel in kernels.load():
            if not names or kernel.name in names:
                _all_answer_the_same(compiler, target, kernel)


def _install(requirement: str, folder: Path) -> Path:
    """Installed by our own pip, with the caller's settings: where packages come from."""
    source = PackageSource(environment=dict(os.environ))
    arguments = ["install", "--no-deps", "--target", str(folder), requirement]
    done = SystemRunner().run(pip_command(HOST.python, arguments, source), timeout=600)
    assert done.ok, done.output
    return folder


def test_what_would_be_started_is_what_is_started(
    tmp_path: Path, tools: Tools, source: ModuleSource
) -> None:
    for number, one in enumerate((source, replace(source, imports=False))):
        runner = compiling()
        compiler = _compiler(tmp_path, tools, runner, cache=tmp_path / f"cache{number}")
        planned, commands = compiler.planned(one), compiler.commands(one)
        assert runner.commands == []
        made = compiler.provide(one)
        assert [command.shown() for command in runner.commands] == [
            command.shown() for command in commands
        ]
        assert [command.env for command in runner.commands] == [one.env for one in commands]
        assert (planned.key, planned.site, planned.file) == (made.key, made.site, made.file)
        assert compiler.commands(one) == ()


def test_versions_that_are_known_need_no_tools(
    tmp_path: Path, tools: Tools, source: ModuleSource
) -> None:
    nowhere = Tools(cython=tmp_path / "no", setuptools=tmp_path / "no")
    before = _compiler(tmp_path, nowhere, compiling(), versions=("3.3.1", "84.2.1"))
    assert before.key(source) == _compiler(tmp_path, tools, compiling()).key(source)
