"""Environments: an interpreter, the packages that benchmarks need, and its copy of their scripts.

    envs/<key>/bin/python       symlink to the build's interpreter, which finds its prefix through
    it
                                and has this path as sys.executable: the same length for all arms
               base/            pyperf and what it imports
               layers/<hash>/   one folder per set of requirements, installed when first needed;
                                layers/<hash>.json is its stamp
               suite/<folder>/  copies of the benchmarks' folders: Python 2.7 writes .pyc files
                                beside them, and the bytecode of a candidate may differ
               pip/             the interpreter's own bundled pip, unpacked: certificates in a
                                zip cannot be read by the pip of 2.7
               env.json         the stamp, written last

Nothing is ever written into the build. Packages are found only through PYTHONPATH.
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
from builder.files import digest, guard_writes, write_atomically
from builder.home import Home
from builder.locks import LockOrder
from builder.process import Command, Completed, Runner, clean_environment, last_lines
from builder.runtimes import Runtime
from builder.versions import is_python2, language

STAMP = "env.json"
# Placeholder in shown commands for versions that pip has not chosen yet.
VERSIONS = "VERSIONS-OF-THE-FIRST"
CPYTHON = "cpython"
_PROCEDURE = 1
_PIP_SECONDS = 1800.0
# Prints sys.executable, the version, and the folders that may hold the bundled pip: CPython's own,
# and the one that a distribution sets by a configure option.
_QUERY = """
import ensurepip, json, os, sys
folders = [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")]
folders.append(str(getattr(ensurepip, "_WHEEL_PKG_DIR", None) or ""))
print(json.dumps([sys.executable, ".".join(map(str, sys.version_info[:3])), folders]))
"""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """An interpreter to make an environment for.

    `identity` identifies it (a build's key): the same identity means the same environment. `kind`
    is the kind of runtime: calibrations are shared within a kind. `version` is that of the
    language, `implementation` is platform.python_implementation() in lower case.
    """

    identity: str
    python: Path
    version: str
    implementation: str = CPYTHON

    @property
    def kind(self) -> str:
        """The kind of runtime: cpython-2.7, cpython-3.13, pypy-3.11."""
        return f"{self.implementation}-{language(self.version)}"


def of_runtime(runtime: Runtime) -> Interpreter:
    """Convert a runtime to an interpreter to make an environment for."""
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
        """The path of the interpreter in measured processes."""
        return self.folder / "bin" / "python"

    @property
    def base(self) -> Path:
        """The folder of pyperf."""
        return self.folder / "base"

    @property
    def scripts(self) -> Path:
        """The folder that `Benchmark.script` is relative to."""
        return self.folder / "suite"

    @property
    def pip(self) -> Path:
        """The folder of the unpacked pip."""
        return self.folder / "pip"

    def layer(self, benchmark: Benchmark) -> Path | None:
        """Return the folder of the benchmark's requirements, None if it has none."""
        if not benchmark.requirements:
            return None
        return self.folder / "layers" / layer_name(benchmark)

    def pythonpath(self, benchmark: Benchmark) -> tuple[Path, ...]:
        """Return the folders of PYTHONPATH for the benchmark."""
        layer = self.layer(benchmark)
        return (self.base,) if layer is None else (layer, self.base)


def layer_name(benchmark: Benchmark) -> str:
    """Return the name of the layer of the benchmark's requirements."""
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
        """Return the finished environment of an interpreter, or None."""
        planned = self.planned(interpreter)
        needed = (planned.folder / STAMP, planned.python, planned.base / "pyperf")
        return planned if all(path.exists() for path in needed) else None

    def provide(self, interpreter: Interpreter) -> Environment:
        """Return the environment of an interpreter, and make it if needed.

        Raises RequirementsError if pyperf cannot be installed into it.
        """
        finished = self.find(interpreter)
        if finished is not None:
            return finished
        planned = self.planned(interpreter)
        with self._hold(f"env-{planned.key}") as held:
            return self.find(interpreter) or self._make(planned, held)

    def add(self, suite: Suite, environment: Environment, benchmark: Benchmark) -> Missing | None:
        """Install the benchmark's scripts and requirements into the environment.

        Returns None, or Missing with pip's error if the requirements cannot be installed. Raises
        RequirementsError if the suite's scripts cannot be fetched.
        """
        self.fetch(suite)
        self._copy(environment, benchmark)
        layer = environment.layer(benchmark)
        if layer is None or _stamp_of(layer).exists():
            return None
        # One lock for all interpreters of a kind: the first installation chooses the versions that
        # the requirements leave open, and the others use the same.
        kind = environment.interpreter.kind
        with self._hold(f"layer-{kind}-{layer.name}") as held, guard_writes(layer):
            if _stamp_of(layer).exists():
                return None
            return self._install_layer(environment, benchmark, layer, held)

    def commands(self, interpreter: Interpreter) -> tuple[Command, ...]:
        """Return the commands that `provide` would start now; none if the environment exists."""
        if self.find(interpreter) is not None:
            return ()
        planned = self.planned(interpreter)
        return _query_command(planned), self._base_command(planned)

    def add_commands(
        self, environment: Environment, benchmark: Benchmark, *, follows: bool = False
    ) -> tuple[Command, ...]:
        """Return the commands that `add` would start now for a benchmark whose scripts are copied.

        `follows`: another environment of its kind gets the same requirements first; the versions
        that its pip will choose, which this one will use, are not known yet.
        """
        layer = environment.layer(benchmark)
        if layer is None or _stamp_of(layer).exists():
            return ()
        pins = self._pins(environment, layer.name) or [VERSIONS] * follows
        return (self._layer_command(environment, benchmark, layer, pins),)

    def fetch_commands(self, suite: Suite) -> tuple[Command, ...]:
        """Return the commands that `fetch` would start now."""
        wheel = suite.wheel
        if wheel is None or wheel.root.exists():
            return ()
        return (
            packages.download_command(self._source, _incomplete_folder(wheel), wheel.requirement),
        )

    def fetch(self, suite: Suite) -> None:
        """Download the suite's scripts, once, if they are not installed beside us."""
        wheel = suite.wheel
        if wheel is None or wheel.root.exists():
            return
        with self._hold(f"suite-{wheel.root.name}") as held:
            if not wheel.root.exists():
                with guard_writes(wheel.root):
                    self._fetch(wheel, held)

    def planned(self, interpreter: Interpreter) -> Environment:
        """Return the environment of an interpreter, which may not exist yet."""
        key = digest(
            {
                "procedure": _PROCEDURE,
                "identity": interpreter.identity,
                "requirements": worker_requirements(interpreter.version),
            }
        )
        return Environment(key=key, folder=self._home.envs / key, interpreter=interpreter)

    def _hold(self, name: str) -> contextlib.AbstractContextManager[int]:
        return self._home.queue.hold(
            self._home.lock(name),
            order=LockOrder.ENVIRONMENT,
            doing="installs the same",
            say=self._say,
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
        requirements = worker_requirements(interpreter.version)
        completed = self._run_pip(self._base_command(planned, (held,)))
        if not completed.ok:
            raise RequirementsError(
                f"{requirements[0]} cannot be installed for Python {interpreter.version}: "
                f"{packages.pip_error(completed)}",
                where=last_lines(packages.anonymous(completed.output)),
                hint="If this machine has no package index, put wheels or sdists of "
                f"{', '.join(requirements)} into a folder and pass the folder with --wheels.",
            )
        stamp = {
            "schema": 1,
            "interpreter": asdict(interpreter) | {"python": str(interpreter.python)},
            "packages": packages.distributions(planned.base),
        }
        write_atomically(planned.folder / STAMP, json.dumps(stamp, indent=1))

    def _pip_wheels(self, planned: Environment) -> tuple[Path, ...]:
        """Return the wheels of its bundled pip, after checking its version and sys.executable."""
        command = _query_command(planned)
        completed = self._runner.run(command, timeout=60)
        try:
            executable, version, folders = json.loads(completed.output.splitlines()[-1])
        except (ValueError, IndexError, TypeError) as error:
            raise RequirementsError(
                f"The interpreter {completed.how()} when its version was queried.",
                where=f"{command.shown()}\n{last_lines(completed.output)}",
                hint="Build it with zlib and the standard library's ensurepip (CPython has it from "
                "2.7.9 and 3.4 on); `patchbench doctor` lists the headers that this needs.",
            ) from error
        expected = planned.interpreter
        if version != expected.version or executable != str(planned.python):
            raise RequirementsError(
                f"The interpreter reports version {version} and the path {executable}.",
                where=f"{expected.python}; {expected.version} is expected",
                hint=f"If it is a stored build: `patchbench gc --build {expected.identity}`, then "
                "run again, which builds it again. Another interpreter: install it again.",
            )
        wheels = packages.bundled_wheels([Path(folder) for folder in folders if folder])
        if not wheels:
            raise RequirementsError(
                f"Python {expected.version} has no bundled pip.",
                where=", ".join(filter(None, folders)),
                hint="CPython bundles pip in ensurepip: install that of this interpreter (Debian: "
                "python3-venv), or name another interpreter.",
            )
        return wheels

    def _base_command(self, planned: Environment, held: tuple[int, ...] = ()) -> Command:
        requirements = worker_requirements(planned.interpreter.version)
        return self._pip_command(planned, ["--no-deps", *requirements], planned.base, held)

    def _run_pip(self, command: Command) -> Completed:
        return self._runner.run(command, timeout=_PIP_SECONDS)

    def _pip_command(
        self,
        environment: Environment,
        arguments: list[str],
        target: Path,
        held: tuple[int, ...],
    ) -> Command:
        """Return an install command with --target: every pip since 1.1 has it, unlike --prefix."""
        interpreter = environment.interpreter
        python2 = is_python2(interpreter.version)
        # When it compiles, the last pip for 2.7 expects CPython's names of .pyc files.
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
            with _incomplete(environment.scripts / ".half") as incomplete:
                ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(benchmark.source, incomplete / "copy", ignore=ignored)
                target.parent.mkdir(exist_ok=True)
                (incomplete / "copy").rename(target)

    def _install_layer(
        self, environment: Environment, benchmark: Benchmark, layer: Path, held: int
    ) -> Missing | None:
        shutil.rmtree(layer, ignore_errors=True)
        self._say(f"Installing the requirements of {benchmark.name}.")
        pins = self._pins(environment, layer.name)
        completed = self._run_pip(self._layer_command(environment, benchmark, layer, pins, (held,)))
        if not completed.ok:
            shutil.rmtree(layer, ignore_errors=True)
            reason = f"its requirements cannot be installed: {packages.pip_error(completed)}"
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
        requirements = [
            str(source / line) if line.startswith("./") else line for line in benchmark.requirements
        ]
        local = any(line.startswith("./") for line in benchmark.requirements)
        arguments = ["--no-deps", *pins] if pins and not local else requirements
        return self._pip_command(environment, arguments, layer, held)

    def _pin_file(self, environment: Environment, layer: str) -> Path:
        return self._home.envs / "pins" / f"{environment.interpreter.kind}-{layer}.json"

    def _pins(self, environment: Environment, layer: str) -> list[str]:
        """Return the versions that the first installation for this kind of runtime chose."""
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
        with _incomplete(_incomplete_folder(wheel)) as incomplete:
            archive = packages.download(
                self._runner,
                self._source,
                incomplete,
                requirement=wheel.requirement,
                sha256=wheel.sha256,
                held=held,
            )
            packages.unpack(archive, incomplete / "unpacked")
            (incomplete / "unpacked").rename(wheel.root)


@contextlib.contextmanager
def _incomplete(folder: Path) -> Iterator[Path]:
    """Provide an empty folder for incomplete files, and remove what a killed run left in it.

    The caller must hold the lock of what is made there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _incomplete_folder(wheel: Wheel) -> Path:
    return wheel.root.with_name(f".{wheel.root.name}.half")


def _query_command(planned: Environment) -> Command:
    # Not in the current folder, whose files could stand for modules of Python's library.
    return Command(
        argv=(str(planned.python), "-c", _QUERY),
        cwd=planned.python.parent,
        env=clean_environment(),
    )


def _stamp_of(layer: Path) -> Path:
    return layer.with_name(f"{layer.name}.json")
