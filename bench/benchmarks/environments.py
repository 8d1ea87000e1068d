"""Environments: an interpreter, the packages that benchmarks need, and its copy of their scripts.

    envs/<key>/bin/python       symlink to the build's interpreter, which finds its prefix by it
                                and calls itself by this path: one path length for all arms
               base/            pyperf and what it imports
               layers/<hash>/   one folder per set of requirements, installed when first needed;
                                layers/<hash>.json is its stamp
               suite/<folder>/  copies of the benchmarks' folders: Python 2.7 writes .pyc files
                                beside them, and a candidate may have a bytecode of its own
               pip/             the interpreter's own bundled pip, unpacked: certificates in a
                                zip cannot be read by the pip of 2.7
               env.json         the stamp, written last

Nothing is ever written into the build. Packages are found through PYTHONPATH alone.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.benchmarks import packages
from bench.benchmarks.packages import PackageSource
from bench.benchmarks.suites import Benchmark, Missing, Suite, Wheel, worker_requirements
from builder.errors import RequirementsError
from builder.files import digest, guard_writes, hold_lock, write_atomically
from builder.home import Home
from builder.process import Command, Completed, Runner, clean_environment, last_lines
from builder.runtimes import Runtime

STAMP = "env.json"
# Stands in commands that are shown for versions that a pip has not chosen yet.
VERSIONS = "VERSIONS-OF-THE-FIRST"
CPYTHON = "cpython"
_PROCEDURE = 1
_PIP_SECONDS = 1800.0
# Its name for itself, its version, and the folders that may hold the pip it brings: CPython's own,
# and the one that a distribution's configure option names instead.
_ASK = """
import ensurepip, json, os, sys
folders = [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")]
folders.append(str(getattr(ensurepip, "_WHEEL_PKG_DIR", None) or ""))
print(json.dumps([sys.executable, ".".join(map(str, sys.version_info[:3])), folders]))
"""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """An interpreter to make an environment for.

    `identity` says what it is (a build's key): the same identity means the same environment.
    `kind` names the kind of runtime: calibrations are shared within a kind. `version` is that of
    the language, `implementation` as platform.python_implementation() has it, in lower case.
    """

    identity: str
    python: Path
    version: str
    implementation: str = CPYTHON

    @property
    def kind(self) -> str:
        """cpython-2.7, cpython-3.13, pypy-3.11."""
        return f"{self.implementation}-{'.'.join(self.version.split('.')[:2])}"


def of_runtime(runtime: Runtime) -> Interpreter:
    """A runtime as an interpreter to make an environment for."""
    return Interpreter(
        identity=runtime.identity,
        python=runtime.python,
        version=runtime.facts.version,
        implementation=runtime.facts.implementation,
    )


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A finished environment."""

    key: str
    folder: Path
    interpreter: Interpreter

    @property
    def python(self) -> Path:
        """The interpreter, by the path that measured processes call it."""
        return self.folder / "bin" / "python"

    @property
    def base(self) -> Path:
        """The folder of pyperf."""
        return self.folder / "base"

    @property
    def scripts(self) -> Path:
        """The root that benchmarks' `script` is relative to."""
        return self.folder / "suite"

    @property
    def pip(self) -> Path:
        """The folder of the unpacked pip."""
        return self.folder / "pip"

    def layer(self, benchmark: Benchmark) -> Path | None:
        """The folder of the benchmark's requirements; None when it has none."""
        if not benchmark.requirements:
            return None
        return self.folder / "layers" / layer_name(benchmark)

    def pythonpath(self, benchmark: Benchmark) -> tuple[Path, ...]:
        """What PYTHONPATH must hold for the benchmark."""
        layer = self.layer(benchmark)
        return (self.base,) if layer is None else (layer, self.base)


def layer_name(benchmark: Benchmark) -> str:
    """The name of the layer that the benchmark's requirements share."""
    local = any(line.startswith("./") for line in benchmark.requirements)
    return digest([benchmark.folder if local else "", sorted(benchmark.requirements)])


class Environments:
    """The environments of one home."""

    def __init__(
        self,
        home: Home,
        runner: Runner,
        source: PackageSource,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._home = home
        self._runner = runner
        self._source = source
        self._say = say

    def find(self, interpreter: Interpreter) -> Environment | None:
        """The finished environment of an interpreter, or None."""
        found = self.planned(interpreter)
        needed = (found.folder / STAMP, found.python, found.base / "pyperf")
        return found if all(path.exists() for path in needed) else None

    def provide(self, interpreter: Interpreter) -> Environment:
        """The environment of an interpreter, made if it is not there.

        Raises RequirementsError when pyperf cannot be installed into it.
        """
        found = self.find(interpreter)
        if found is not None:
            return found
        planned = self.planned(interpreter)
        with self._hold(f"env-{planned.key}") as held:
            return self.find(interpreter) or self._make(planned, held)

    def add(self, suite: Suite, environment: Environment, benchmark: Benchmark) -> Missing | None:
        """Give the environment the benchmark's scripts and requirements.

        None when it is ready; Missing, with pip's own last error, when it cannot be installed.
        Raises RequirementsError when the suite's scripts cannot be had at all.
        """
        self.fetch(suite)
        self._copy(environment, benchmark)
        layer = environment.layer(benchmark)
        if layer is None or _stamp_of(layer).exists():
            return None
        # One lock for all interpreters of a kind: the first install decides the versions of what
        # the requirements leave open, and the others follow it.
        kind = environment.interpreter.kind
        with self._hold(f"layer-{kind}-{layer.name}") as held, guard_writes(layer):
            if _stamp_of(layer).exists():
                return None
            return self._install_layer(environment, benchmark, layer, held)

    def commands(self, interpreter: Interpreter) -> tuple[Command, ...]:
        """What `provide` would start now: nothing where the environment is there."""
        if self.find(interpreter) is not None:
            return ()
        planned = self.planned(interpreter)
        return _asking(planned), self._base_command(planned)

    def add_commands(
        self, environment: Environment, benchmark: Benchmark, *, follows: bool = False
    ) -> tuple[Command, ...]:
        """What `add` would start now for a benchmark whose scripts are there.

        `follows`: another environment of its kind is given the same before; the versions that its
        pip chooses, which this one will be told to take, are not known yet.
        """
        layer = environment.layer(benchmark)
        if layer is None or _stamp_of(layer).exists():
            return ()
        pins = self._pins(environment, layer.name) or [VERSIONS] * follows
        return (self._layer_command(environment, benchmark, layer, pins),)

    def fetch_commands(self, suite: Suite) -> tuple[Command, ...]:
        """What `fetch` would start now."""
        wheel = suite.wheel
        if wheel is None or wheel.root.exists():
            return ()
        return (packages.download_command(self._source, _half_of(wheel), wheel.requirement),)

    def fetch(self, suite: Suite) -> None:
        """Download the suite's scripts, once, where they are not installed beside us."""
        wheel = suite.wheel
        if wheel is None or wheel.root.exists():
            return
        with self._hold(f"suite-{wheel.root.name}") as held:
            if not wheel.root.exists():
                with guard_writes(wheel.root):
                    self._fetch(wheel, held)

    def planned(self, interpreter: Interpreter) -> Environment:
        """Where the environment of an interpreter is or will be."""
        key = digest(
            {
                "procedure": _PROCEDURE,
                "identity": interpreter.identity,
                "requirements": worker_requirements(interpreter.version),
            }
        )
        return Environment(key=key, folder=self._home.envs / key, interpreter=interpreter)

    def _hold(self, name: str) -> contextlib.AbstractContextManager[int]:
        return hold_lock(
            self._home.lock(name),
            on_wait=lambda _path: self._say("Another run is installing the same; waiting for it."),
        )

    # -- the environment itself -----------------------------------------------------------------

    def _make(self, planned: Environment, held: int) -> Environment:
        with guard_writes(planned.folder):
            shutil.rmtree(planned.folder, ignore_errors=True)
            try:
                self._fill(planned, held)
            except BaseException:
                shutil.rmtree(planned.folder, ignore_errors=True)
                raise
        return planned

    def _fill(self, planned: Environment, held: int) -> None:
        interpreter = planned.interpreter
        self._say(f"Preparing {interpreter.kind} for pyperf.")
        planned.python.parent.mkdir(parents=True)
        planned.python.symlink_to(interpreter.python.absolute())
        for wheel in self._pip_wheels(planned):
            packages.unpack(wheel, planned.pip)
        wanted = worker_requirements(interpreter.version)
        done = self._run_pip(self._base_command(planned, (held,)))
        if not done.ok:
            raise RequirementsError(
                f"{wanted[0]} cannot be installed for Python {interpreter.version}: "
                f"{packages.pip_error(done)}",
                where=last_lines(packages.anonymous(done.output)),
                hint="If this machine has no package index, put wheels or sdists of "
                f"{', '.join(wanted)} into a folder and name it with --wheels.",
            )
        stamp = {
            "schema": 1,
            "interpreter": asdict(interpreter) | {"python": str(interpreter.python)},
            "packages": packages.distributions(planned.base),
        }
        write_atomically(planned.folder / STAMP, json.dumps(stamp, indent=1))

    def _pip_wheels(self, planned: Environment) -> tuple[Path, ...]:
        """The wheels of its own pip, after seeing that it works and knows itself by the symlink."""
        command = _asking(planned)
        done = self._runner.run(command, timeout=60)
        try:
            executable, version, folders = json.loads(done.output.splitlines()[-1])
        except (ValueError, IndexError, TypeError) as error:
            raise RequirementsError(
                f"The interpreter {done.how()} when asked about itself.",
                where=f"{command.shown()}\n{last_lines(done.output)}",
                hint="Build it with zlib and the standard library's ensurepip (CPython has it from "
                "2.7.9 and 3.4 on); `patchbench doctor` lists the headers that takes.",
            ) from error
        expected = planned.interpreter
        if version != expected.version or executable != str(planned.python):
            raise RequirementsError(
                f"The interpreter calls itself {version} at {executable}.",
                where=f"{expected.python}, which should be {expected.version}",
                hint="Remove the build with `patchbench gc` and build it again.",
            )
        wheels = packages.bundled_wheels([Path(folder) for folder in folders if folder])
        if not wheels:
            raise RequirementsError(
                f"Python {expected.version} brings no pip of its own.",
                where=", ".join(filter(None, folders)),
                hint="CPython bundles one in ensurepip; this one was built without.",
            )
        return wheels

    def _base_command(self, planned: Environment, held: tuple[int, ...] = ()) -> Command:
        wanted = worker_requirements(planned.interpreter.version)
        return self._pip_command(planned, ["--no-deps", *wanted], planned.base, held)

    def _run_pip(self, command: Command) -> Completed:
        return self._runner.run(command, timeout=_PIP_SECONDS)

    def _pip_command(
        self,
        environment: Environment,
        arguments: list[str],
        target: Path,
        held: tuple[int, ...],
    ) -> Command:
        """Install into `target`: an option that every pip since 1.1 has, unlike --prefix."""
        interpreter = environment.interpreter
        python2 = interpreter.version.startswith("2.")
        # The last pip for 2.7 asks for names of .pyc files that are CPython's.
        plain = ("--no-compile",) if python2 and interpreter.implementation != CPYTHON else ()
        options = (*plain, *self._source.options())
        return packages.pip_command(
            environment.python,
            ["install", "--target", str(target), *options, *arguments],
            self._source,
            pip=environment.pip,
            python2=python2,
            keep_fds=held,
        )

    # -- benchmarks ---------------------------------------------------------------------------

    def _copy(self, environment: Environment, benchmark: Benchmark) -> None:
        target = environment.scripts / benchmark.folder
        if target.exists():
            return
        with self._hold(f"env-{environment.key}"), guard_writes(target):
            if target.exists():
                return
            environment.scripts.mkdir(exist_ok=True)
            with _half(environment.scripts / ".half") as half:
                ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(benchmark.source, half / "copy", ignore=ignored)
                target.parent.mkdir(exist_ok=True)
                (half / "copy").rename(target)

    def _install_layer(
        self, environment: Environment, benchmark: Benchmark, layer: Path, held: int
    ) -> Missing | None:
        shutil.rmtree(layer, ignore_errors=True)
        self._say(f"Installing the requirements of {benchmark.name}.")
        pins = self._pins(environment, layer.name)
        done = self._run_pip(self._layer_command(environment, benchmark, layer, pins, (held,)))
        if not done.ok:
            shutil.rmtree(layer, ignore_errors=True)
            reason = f"its requirements cannot be installed: {packages.pip_error(done)}"
            return Missing(benchmark=benchmark.name, reason=reason)
        installed = packages.distributions(layer)
        self._pin(environment, layer.name, installed)
        write_atomically(_stamp_of(layer), json.dumps({"packages": installed}, indent=1))
        return None

    def _layer_command(
        self,
        environment: Environment,
        benchmark: Benchmark,
        layer: Path,
        pins: list[str],
        held: tuple[int, ...] = (),
    ) -> Command:
        source = environment.scripts / benchmark.folder
        wanted = [
            str(source / line) if line.startswith("./") else line for line in benchmark.requirements
        ]
        local = any(line.startswith("./") for line in benchmark.requirements)
        arguments = ["--no-deps", *pins] if pins and not local else wanted
        return self._pip_command(environment, arguments, layer, held)

    def _pin_file(self, environment: Environment, layer: str) -> Path:
        return self._home.envs / "pins" / f"{environment.interpreter.kind}-{layer}.json"

    def _pins(self, environment: Environment, layer: str) -> list[str]:
        """What the first install of these requirements for this kind of runtime led to."""
        path = self._pin_file(environment, layer)
        if not path.exists():
            return []
        return list(json.loads(path.read_text(encoding="utf-8"))["packages"])

    def _pin(self, environment: Environment, layer: str, installed: tuple[str, ...]) -> None:
        path = self._pin_file(environment, layer)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps({"packages": installed}, indent=1))

    # -- a release that is not installed beside us ---------------------------------------------

    def _fetch(self, wheel: Wheel, held: int) -> None:
        self._say(f"Fetching {wheel.requirement}.")
        wheel.root.parent.mkdir(parents=True, exist_ok=True)
        with _half(_half_of(wheel)) as half:
            found = packages.download(
                self._runner,
                self._source,
                half,
                requirement=wheel.requirement,
                sha256=wheel.sha256,
                held=held,
            )
            packages.unpack(found, half / "unpacked")
            (half / "unpacked").rename(wheel.root)


@contextlib.contextmanager
def _half(folder: Path) -> Iterator[Path]:
    """An empty folder for what is not whole yet; what a killed run left in it is gone.

    The caller holds the lock of what is made there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _half_of(wheel: Wheel) -> Path:
    return wheel.root.with_name(f".{wheel.root.name}.half")


def _asking(planned: Environment) -> Command:
    return Command(argv=(str(planned.python), "-c", _ASK), env=clean_environment())


def _stamp_of(layer: Path) -> Path:
    return layer.with_name(f"{layer.name}.json")
