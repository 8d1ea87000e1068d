from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.benchmarks.environments import Environment, Interpreter
from bench.benchmarks.packages import PackageSource
from bench.benchmarks.suites import Benchmark
from bench.context import Context
from bench.experiments.plan import PlannedArm
from bench.measure.trial import RunnableArm
from bench.planning import fitting as fittings
from bench.planning.fitting import Fitting
from bench.util.console import Show
from builder.errors import BuildError
from builder.home import Home
from builder.process import Command, Completed
from ext.compile import Module
from ext.kernels import ModuleSource
from tests.recording import Call, RecordingRunner, completed


def interpreters(*answers: object) -> RecordingRunner:
    """Scripts give these answers, in the order in which they run; a string is their error."""
    remaining = iter(answers)

    def complete(call: Call) -> Completed:
        answer = next(remaining)
        if isinstance(answer, str):
            return completed(f"Traceback\nValueError: {answer}\n", returncode=1)
        if "PATCHBENCH_ANSWERS" not in call.command.env:
            return completed(json.dumps({"answer": answer}))
        Path(call.command.env["PATCHBENCH_ANSWERS"]).write_text(json.dumps(answer))
        return completed()

    return RecordingRunner(complete)


@dataclass
class Compiling:
    """In place of a compiler: it makes an empty module, or fails."""

    folder: Path
    error: BuildError | None = None
    made: list[ModuleSource] = field(default_factory=list)

    def provide(self, source: ModuleSource) -> Module:
        self.made.append(source)
        if self.error is not None:
            raise self.error
        site = self.folder / "key" / "site"
        site.mkdir(parents=True, exist_ok=True)
        return Module(key="key", name=source.name, site=site, file=site / "x.so", seconds=1.0)


@pytest.fixture
def compiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compiling:
    one = Compiling(folder=tmp_path / "modules")
    monkeypatch.setattr(Fitting, "_compiler", lambda _self, _environment: one)
    return one


def fitted(root: Path, benchmark: Benchmark, variant: str, *answers: object) -> RunnableArm | str:
    context = Context(
        home=Home(root=root / "home", host_lock=root / "lock"),
        project=root,
        runner=interpreters(*answers),
        show=Show(quiet=True),
    )
    interpreter = Interpreter(identity="b0", python=Path("/b0/python"), version="3.13.5")
    environment = Environment(key="e0", folder=root / "e0", interpreter=interpreter)
    planned = PlannedArm(name="fast", variant=variant)
    return Fitting(context, PackageSource()).arm(planned, environment, benchmark, 0)


def script(root: Path) -> Benchmark:
    return Benchmark(name="go", source=root / "bm_go", folder="9.9/bm_go", script="9.9/bm_go/go.py")


def kernel(root: Path) -> Benchmark:
    folder = root / "bm_sieve"
    (folder / "pure").mkdir(parents=True)
    (folder / "pure" / "sieve.py").write_text("def run(n): return n\n")
    (folder / "run_benchmark.py").write_text("SIZE = 3\n")
    return Benchmark(name="sieve", source=folder, folder="x/bm_sieve", script="x/bm_sieve/run.py")


def test_without_a_variant_nothing_is_compiled(tmp_path: Path, compiling: Compiling) -> None:
    arm = fitted(tmp_path, script(tmp_path), "")
    assert isinstance(arm, RunnableArm)
    assert (arm.kind, arm.module) == ("cpython-3.13", None)
    assert compiling.made == []


def test_a_script_is_run_as_its_module(tmp_path: Path, compiling: Compiling) -> None:
    arm = fitted(tmp_path, script(tmp_path), "cython", [["go", "1"]], [["go", "1"]])
    assert isinstance(arm, RunnableArm)
    assert arm.kind == "cpython-3.13+cython"
    assert arm.module == tmp_path / "modules" / "key" / "site" / "x.so"
    assert [module.name for module in compiling.made] == ["go"]
    assert not compiling.made[0].imports


def test_a_kernel_has_its_module_in_front(tmp_path: Path, compiling: Compiling) -> None:
    arm = fitted(tmp_path, kernel(tmp_path), "cython", 3, 3)
    assert isinstance(arm, RunnableArm)
    assert arm.pythonpath[0] == tmp_path / "modules" / "key" / "site"
    assert arm.module is None


def test_what_was_seen_to_agree_is_not_asked_again(tmp_path: Path, compiling: Compiling) -> None:
    answer = [["go", "1"]]
    fitted(tmp_path, script(tmp_path), "cython", answer, answer)
    assert isinstance(fitted(tmp_path, script(tmp_path), "cython"), RunnableArm)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            ([["go", "1"]], [["go", "2"]], [["go", "2"]]),
            "its compiled code returns other answers in go",
        ),
        (("no such name",), "its compiled code exited with status 1: ValueError: no such name"),
        (([], "odd"), "its pure code exited with status 1: ValueError: odd"),
    ],
)
def test_code_that_answers_otherwise_is_no_variant(
    tmp_path: Path, compiling: Compiling, answers: tuple[object, ...], reason: str
) -> None:
    fitted_arm = fitted(tmp_path, script(tmp_path), "cython", *answers)
    assert isinstance(fitted_arm, str)
    assert reason in fitted_arm


def test_what_does_not_answer_alike_twice_cannot_be_compared(
    tmp_path: Path, compiling: Compiling
) -> None:
    answers = ([["go", "1"]], [["go", "2"]], [["go", "3"]])
    assert isinstance(fitted(tmp_path, script(tmp_path), "cython", *answers), RunnableArm)


def test_a_source_that_does_not_compile_is_a_reason(tmp_path: Path, compiling: Compiling) -> None:
    compiling.error = BuildError(
        "go cannot be compiled.", where="x\ngo.py:3: error: bad\n", hint=""
    )
    fitted_arm = fitted(tmp_path, script(tmp_path), "cython")
    assert fitted_arm == "go cannot be compiled. go.py:3: error: bad"


@pytest.mark.parametrize("variant", ["typed", "hand"])
def test_a_kernel_without_the_variant_is_told(
    tmp_path: Path, compiling: Compiling, variant: str
) -> None:
    assert fitted(tmp_path, kernel(tmp_path), variant) == f"the kernel has no {variant} variant"
    assert compiling.made == []


def test_the_reason_has_no_paths_of_this_machine() -> None:
    line = fittings._main_error("/home/ann/cache/x.c:7: error: bad\n")
    assert "/home/ann" not in line


# -- what would be started -----------------------------------------------------------------------


def workshop() -> RecordingRunner:
    """A runner that installs, compiles and answers as the real programs do."""

    def complete(call: Call) -> Completed:
        command = call.command
        if "--target" in command.argv:
            folder = Path(command.argv[command.argv.index("--target") + 1])
            name, _, version = command.argv[-1].partition("==")
            info = folder / f"{name}-{version}.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        elif "../site" in command.argv:
            assert command.cwd is not None
            (command.cwd / "../site" / f"{command.argv[2]}.so").write_text("machine code")
        if "PATCHBENCH_ANSWERS" in command.env:
            Path(command.env["PATCHBENCH_ANSWERS"]).write_text("[1]")
        return completed(json.dumps({"answer": [1]}))

    return RecordingRunner(complete)


@pytest.mark.parametrize("make", [script, kernel])
def test_what_would_be_started_is_what_is_started(
    tmp_path: Path, make: Callable[[Path], Benchmark]
) -> None:
    benchmark, runner = make(tmp_path), workshop()
    (tmp_path / "bm_go").mkdir()
    (tmp_path / "bm_go" / "go.py").write_text("NAME = 'go'\n")
    context = Context(
        home=Home(root=tmp_path / "home", host_lock=tmp_path / "lock"),
        project=tmp_path,
        runner=runner,
        show=Show(quiet=True),
    )
    context.home.prepare()
    interpreter = Interpreter(identity="b0", python=Path("/b0/python"), version="3.13.5")
    environment = Environment(key="e0", folder=tmp_path / "e0", interpreter=interpreter)
    arm = PlannedArm(name="fast", variant="cython")
    fitting = Fitting(context, PackageSource())

    planned, commands = fitting.planned(arm, environment, benchmark, 0)
    assert runner.commands == []
    assert fitting.arm(arm, environment, benchmark, 0) == planned
    assert [_anywhere(command) for command in runner.commands] == [
        _anywhere(command) for command in commands
    ]
    assert fitting.planned(arm, environment, benchmark, 0) == (planned, ())


def _anywhere(command: Command) -> tuple[str, list[str]]:
    scratch = re.compile(r"/\S*/pb-\w+")
    variables = [f"{name}={value}" for name, value in command.env.items()]
    return scratch.sub("SCRATCH", command.shown()), [
        scratch.sub("SCRATCH", variable) for variable in variables
    ]


def test_a_variant_that_there_is_not_starts_nothing(tmp_path: Path) -> None:
    interpreter = Interpreter(identity="b0", python=Path("/b0/python"), version="3.13.5")
    environment = Environment(key="e0", folder=tmp_path / "e0", interpreter=interpreter)
    context = Context(
        home=Home(root=tmp_path / "home", host_lock=tmp_path / "lock"),
        project=tmp_path,
        runner=workshop(),
        show=Show(quiet=True),
    )
    fitting = Fitting(context, PackageSource())
    wanted = PlannedArm(name="fast", variant="typed")
    reason, commands = fitting.planned(wanted, environment, script(tmp_path), 0)
    assert isinstance(reason, str)
    assert commands == ()
