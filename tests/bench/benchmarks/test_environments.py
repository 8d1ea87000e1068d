"""Environments of the host's interpreter, filled by its real pip from wheels made here."""

from __future__ import annotations

import json
import platform
import sys
import threading
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.benchmarks import suites
from bench.benchmarks.environments import (
    VERSIONS,
    Environment,
    Environments,
    Interpreter,
    layer_name,
)
from bench.benchmarks.packages import PackageSource
from bench.benchmarks.suites import Benchmark, Suite, Wheel
from builder.errors import RequirementsError, StoreError
from builder.files import sha256_of
from builder.home import Home
from builder.process import Command, Runner, SystemRunner
from tests.bench.surroundings import MANIFEST
from tests.recording import RecordingRunner

VERSION = platform.python_version()


def recording() -> RecordingRunner:
    """Records the commands, and executes them."""
    return RecordingRunner(through=SystemRunner())


def pips(runner: RecordingRunner) -> list[Command]:
    """The commands of pip among those that were run."""
    return [command for command in runner.commands if command.argv[1:3] == ("-m", "pip")]


def _wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    everything = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "".join(f"{file},,\n" for file in files),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in everything.items():
            archive.writestr(file, text)
    return path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    _wheel(folder, "pyperf", "2.10.0", {"pyperf/__init__.py": ""})
    _wheel(folder, "tiny_dependency", "1.0", {"tiny_dependency.py": "def work(): pass\n"})
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "host.lock")
    home.prepare()
    return home


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> tuple[Home, Environment]:
    root = tmp_path_factory.mktemp("ready")
    home = Home(root=root, host_lock=root / "host.lock")
    home.prepare()
    return home, _environments(home, wheels).provide(_interpreter("build-1"))


def _environments(home: Home, wheels: Path, runner: Runner | None = None) -> Environments:
    return Environments(home, runner or SystemRunner(), PackageSource(wheels=wheels))


def _interpreter(identity: str, version: str = VERSION) -> Interpreter:
    return Interpreter(identity=identity, python=Path(sys.executable), version=version)


def _suite() -> Suite:
    return suites.from_manifest(MANIFEST, VERSION)


def _benchmark(name: str) -> Benchmark:
    return next(item for item in _suite().benchmarks if item.name == name)


def _runs(environment: Environment, code: str, *paths: Path) -> str:
    done = SystemRunner().run(
        Command(
            argv=(str(environment.python), "-c", code),
            env={"PYTHONPATH": ":".join(map(str, paths))},
        )
    )
    assert done.ok, done.output
    return done.output.strip()


def test_an_environment_calls_itself_by_its_own_path(ready: tuple[Home, Environment]) -> None:
    _home, environment = ready
    code = "import sys, pyperf; print(sys.executable, pyperf.__file__)"
    executable, pyperf = _runs(environment, code, environment.base).split()
    assert executable == str(environment.python)
    assert pyperf == str(environment.base / "pyperf" / "__init__.py")
    stamp = json.loads((environment.folder / "env.json").read_text())
    assert stamp["packages"] == ["pyperf==2.10.0"]


def test_it_is_made_once(ready: tuple[Home, Environment], wheels: Path) -> None:
    home, environment = ready
    runner = recording()
    again = _environments(home, wheels, runner)
    assert again.provide(_interpreter("build-1")) == environment
    assert again.find(_interpreter("build-2")) is None
    assert pips(runner) == []


def test_paths_have_one_length_for_all_builds(
    ready: tuple[Home, Environment], wheels: Path
) -> None:
    home, environment = ready
    environments = _environments(home, wheels)
    other = environments.provide(_interpreter("build-with-another-name"))
    assert other.folder != environment.folder
    assert len(str(other.python)) == len(str(environment.python))


def test_scripts_are_copies(ready: tuple[Home, Environment], wheels: Path) -> None:
    home, environment = ready
    benchmark = _benchmark("tiny")
    assert _environments(home, wheels).add(_suite(), environment, benchmark) is None
    script = environment.scripts / benchmark.script
    assert script.read_bytes() == (benchmark.source / "run_benchmark.py").read_bytes()
    assert not script.is_symlink()
    assert environment.pythonpath(benchmark) == (environment.base,)


def test_requirements_are_installed_once_into_a_layer(
    ready: tuple[Home, Environment], wheels: Path
) -> None:
    home, environment = ready
    runner = recording()
    environments = _environments(home, wheels, runner)
    benchmark = _benchmark("needs")
    assert environments.add(_suite(), environment, benchmark) is None
    assert environments.add(_suite(), environment, benchmark) is None
    assert len(pips(runner)) == 1
    layer = environment.layer(benchmark)
    assert layer is not None
    assert environment.pythonpath(benchmark) == (layer, environment.base)
    assert layer.name == layer_name(benchmark)
    _runs(environment, "import tiny_dependency, pyperf", layer, environment.base)
    assert not (environment.base / "tiny_dependency.py").exists()


def test_a_failing_install_makes_only_its_benchmark_missing(
    ready: tuple[Home, Environment], wheels: Path
) -> None:
    home, environment = ready
    missing = _environments(home, wheels).add(_suite(), environment, _benchmark("unmet"))
    assert missing is not None
    assert missing.benchmark == "unmet"
    assert missing.reason.startswith("its requirements cannot be installed: ERROR: Could not find")
    assert "no-such-package-anywhere==1.0" in missing.reason
    layer = environment.layer(_benchmark("unmet"))
    assert layer is not None
    assert not layer.exists()


def test_later_environments_get_the_versions_of_the_first(
    home: Home, wheels: Path, tmp_path: Path
) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    for wheel in wheels.iterdir():
        (offered / wheel.name).symlink_to(wheel)
    environments = _environments(home, offered)
    open_ended = Benchmark(
        name="open",
        source=_benchmark("tiny").source,
        folder="x/bm_tiny",
        script="x/bm_tiny/run_benchmark.py",
        requirements=("tiny-dependency",),
    )
    base, cand = (environments.provide(_interpreter(name)) for name in ("base", "cand"))
    assert environments.add(_suite(), base, open_ended) is None
    _wheel(offered, "tiny_dependency", "2.0", {"tiny_dependency.py": "def work(): pass\n"})
    assert environments.add(_suite(), cand, open_ended) is None
    layer = cand.layer(open_ended)
    assert layer is not None
    stamp = json.loads(layer.with_name(f"{layer.name}.json").read_text())
    assert stamp["packages"] == ["tiny_dependency==1.0"]


def test_what_a_killed_run_left_is_made_again(home: Home, wheels: Path) -> None:
    environments = _environments(home, wheels)
    planned = environments.planned(_interpreter("killed"))
    (planned.folder / "base" / "half").mkdir(parents=True)
    (planned.folder / "bin").mkdir()
    (planned.folder / "bin" / "python").symlink_to("nowhere")
    environment = environments.provide(_interpreter("killed"))
    assert not (environment.base / "half").exists()
    layer = environment.layer(_benchmark("needs"))
    assert layer is not None
    (layer / "half").mkdir(parents=True)
    assert environments.add(_suite(), environment, _benchmark("needs")) is None
    assert not (layer / "half").exists()


def test_two_runs_make_one_environment(home: Home, wheels: Path) -> None:
    runner = recording()
    provided: list[Environment] = []

    def provide() -> None:
        provided.append(_environments(home, wheels, runner).provide(_interpreter("shared")))

    threads = [threading.Thread(target=provide) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(provided)) == 1
    assert len(provided) == 3
    assert len(pips(runner)) == 1
    # pip has the lock's descriptor: if we are killed, the next run waits until pip is gone too.
    assert len(pips(runner)[0].keep_fds) == 1


def test_without_pyperf_there_is_no_environment(home: Home, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RequirementsError) as caught:
        _environments(home, empty).provide(_interpreter("poor"))
    assert "pyperf==2.10.0 cannot be installed" in caught.value.what
    assert "--wheels" in caught.value.hint
    assert list(home.envs.iterdir()) == []


@pytest.mark.parametrize(
    ("python", "version", "said"),
    [
        (sys.executable, "3.13.4", "reports version"),
        ("/bin/false", VERSION, "exited with status 1 when its version"),
        ("/bin/echo", VERSION, "when its version was queried"),
    ],
)
def test_an_interpreter_that_is_not_what_it_should_be(
    home: Home, wheels: Path, python: str, version: str, said: str
) -> None:
    interpreter = Interpreter(identity="odd", python=Path(python), version=version)
    with pytest.raises(RequirementsError, match=said):
        _environments(home, wheels).provide(interpreter)
    assert list(home.envs.iterdir()) == []


def test_a_home_that_cannot_be_written(home: Home, wheels: Path) -> None:
    home.envs.rmdir()
    home.envs.write_text("in the way")
    with pytest.raises(StoreError):
        _environments(home, wheels).provide(_interpreter("full"))


@pytest.mark.parametrize("damage", ["none", "hash", "absent"])
def test_a_release_is_fetched_once_and_checked(home: Home, tmp_path: Path, damage: str) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    wheel = _wheel(offered, "oldsuite", "0.1", {"oldsuite/benchmarks/bm_x.py": "print()\n"})
    sha256 = sha256_of(wheel) if damage != "hash" else "0" * 64
    if damage == "absent":
        wheel.unlink()
    root = home.suites / "oldsuite-0.1"
    suite = Suite(
        name="old",
        release="old 0.1",
        version="2.7.18",
        benchmarks=(),
        wheel=Wheel(requirement="oldsuite==0.1", sha256=sha256, root=root),
    )
    runner = recording()
    environments = _environments(home, offered, runner)
    if damage != "none":
        with pytest.raises(RequirementsError):
            environments.fetch(suite)
        assert not root.exists()
        assert list(home.suites.iterdir()) == []
        return
    planned = environments.fetch_commands(suite)
    environments.fetch(suite)
    environments.fetch(suite)
    assert (root / "oldsuite" / "benchmarks" / "bm_x.py").is_file()
    assert _shown(pips(runner)) == _shown(planned)
    assert len(planned) == 1
    assert environments.fetch_commands(suite) == ()


def _shown(commands: Iterable[Command]) -> list[tuple[str, dict[str, str]]]:
    return [(command.shown(), dict(command.env)) for command in commands]


def test_what_would_be_started_is_what_is_started(home: Home, wheels: Path) -> None:
    runner = recording()
    environments = _environments(home, wheels, runner)
    needy = Benchmark(
        name="needy",
        source=_benchmark("tiny").source,
        folder="bm_needy",
        script="bm_needy/run_benchmark.py",
        requirements=("tiny-dependency",),
    )
    for number, follows in ((1, False), (2, True)):
        interpreter = _interpreter(f"build-{number}")
        asking, installing = environments.commands(interpreter)
        assert asking.argv[1] == "-c"
        planned = environments.planned(interpreter)
        assert asking.argv[0] == str(planned.python)
        adding = environments.add_commands(planned, needy)
        made = environments.provide(interpreter)
        assert made == planned
        assert environments.add(_suite(), made, needy) is None
        assert _shown(pips(runner)) == _shown([installing, *adding])
        assert ("tiny_dependency==1.0" in adding[0].argv) == follows
        assert environments.commands(interpreter) == ()
        assert environments.add_commands(made, needy, follows=True) == ()
        runner.calls.clear()


def test_versions_that_another_will_choose_are_not_known(home: Home, wheels: Path) -> None:
    environments = _environments(home, wheels)
    planned = environments.planned(_interpreter("build-1"))
    needy = replace(_benchmark("tiny"), requirements=("tiny-dependency",))
    (first,) = environments.add_commands(planned, needy)
    (second,) = environments.add_commands(planned, needy, follows=True)
    assert first.argv[-1] == "tiny-dependency"
    assert second.argv[-2:] == ("--no-deps", VERSIONS)
