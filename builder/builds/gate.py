"""The gate: CPython's regrtest on base and candidate, before anything is timed.

The candidate must pass every test that its base passes. A test that fails only on the candidate is
run again alone, twice, on both: the candidate is broken if the base passes both times and the
candidate does not.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.builds.store import Build
from builder.errors import BuildError, StoreError
from builder.files import NO_SPACE, guard_writes, write_atomically
from builder.home import Home
from builder.locks import LockOrder
from builder.process import Command, Runner, clean_environment
from builder.versions import is_python2, language

# Tests of the interpreter: evaluation loop, compiler, built-in types, tracing, threads and memory.
# Names that a branch does not have are left out.
CORE = (
    "test_grammar test_opcodes test_compile test_dis test_peepholer test_code test_builtin "
    "test_generators test_genexps test_coroutines test_exceptions test_raise test_with test_scope "
    "test_class test_descr test_super test_property test_call test_extcall test_funcattrs "
    "test_int test_long test_float test_complex test_bool test_str test_unicode test_bytes "
    "test_string test_list test_tuple test_dict test_set test_slice test_range test_xrange "
    "test_iter test_itertools test_enumerate test_unpack test_unpack_ex test_listcomps "
    "test_binop test_augassign test_compare test_richcmp test_contains test_global test_dynamic "
    "test_operator test_functools test_weakref test_gc test_sys test_sys_settrace "
    "test_sys_setprofile test_trace test_thread test_threading test_signal test_import "
    "test_marshal test_pickle test_copy test_json test_re test_struct test_decimal"
).split()

# For further layouts of a source that was tested already: checks that the build was linked well.
SHORT = (
    "test_grammar test_opcodes test_builtin test_generators test_exceptions test_descr test_int "
    "test_long test_float test_list test_tuple test_dict test_set test_gc test_sys test_struct"
).split()
_NAMES = {"core": CORE, "short": SHORT}

_RERUNS = 2
# More failures than this are not chance, and are not run again.
_MOST_RERUN = 10
_TEST_SECONDS = 600
_LONGEST_SECONDS = 3 * 3600.0
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """The test result of one build: names of test modules; `seconds` of wall time."""

    selection: str
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The gate's judgement of a candidate.

    `broken`: tests that fail, but pass on the base. `flaky`: tests that failed once, and when run
    again passed or failed on the base too. `base_failed`: tests that fail on the base already.
    """

    selection: str
    tests: int
    broken: tuple[str, ...]
    flaky: tuple[str, ...]
    base_failed: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the candidate may be timed."""
        return not self.broken


class Gate:
    """Runs regrtest on builds; results are stored in the folder of each build."""

    def __init__(self, *, home: Home, runner: Runner, say: Say, jobs: int) -> None:
        self._home = home
        self._runner = runner
        self._say = say
        self._jobs = jobs

    def judge(self, base: Build, candidate: Build, selection: str) -> Judgement:
        """Compare two builds on `selection`: short, core or full.

        Raises BuildError if the base passes no test.
        """
        base_result = self.result(base, selection)
        if not base_result.passed:
            raise BuildError(
                f"The base, {base.title}, passes no test at all.",
                where=str(base.logs / f"gate-{selection}.log"),
                hint="Read the log there; --gate none skips the tests.",
            )
        candidate_result = self.result(candidate, selection)
        suspects = [name for name in base_result.passed if name not in candidate_result.passed]
        broken = suspects
        if len(suspects) <= _MOST_RERUN:
            broken = [name for name in suspects if not self._is_flaky(base, candidate, name)]
        return Judgement(
            selection=selection,
            tests=len(base_result.passed),
            broken=tuple(broken),
            flaky=tuple(name for name in suspects if name not in broken),
            base_failed=base_result.failed,
        )

    def result(self, build: Build, selection: str) -> GateResult:
        """The test result of a build: the stored one, or a new one from running the tests."""
        file = _result_file(build.folder, selection)
        with self._home.queue.hold(
            self._home.lock(f"gate-{build.key}"),
            order=LockOrder.GATE,
            doing="tests the same build",
            say=self._say,
        ):
            result = _load(file)
            if result is None:
                result = self._test(build, selection)
                if not result.passed:
                    return result  # perhaps the machine's fault, and therefore not stored
                with guard_writes(build.folder):
                    write_atomically(file, json.dumps(asdict(result), indent=1))
        return result

    def has_result(self, folder: Path, selection: str) -> bool:
        """Whether the build in `folder` has a stored result, so that `result` starts nothing."""
        return _load(_result_file(folder, selection)) is not None

    def command(
        self,
        python: Path,
        version: str,
        names: Sequence[str],
        *,
        scratch: Path,
        locks: tuple[int, ...] = (),
    ) -> Command:
        """The command that `result` starts for a build of that version and these tests."""
        return regrtest(python, version, names, scratch=scratch, jobs=self._jobs, locks=locks)

    def _test(self, build: Build, selection: str) -> GateResult:
        self._say(f"{build.title}: gate ({selection} regrtest)")
        names = tests_of(build, selection)
        result = self._regrtest(build, names, build.logs / f"gate-{selection}.log")
        outcome = parse(result.output, names)
        return GateResult(
            selection=selection,
            passed=outcome.passed,
            failed=outcome.failed,
            skipped=outcome.skipped,
            seconds=result.seconds,
        )

    def _is_flaky(self, base: Build, candidate: Build, name: str) -> bool:
        """Whether a test that failed only on the candidate passes, or fails on both, if rerun."""
        self._say(f"{candidate.title}: {name} failed; running it again alone on both arms")
        passes = all(self._passes_alone(candidate, name) for _ in range(_RERUNS))
        return passes or not all(self._passes_alone(base, name) for _ in range(_RERUNS))

    def _passes_alone(self, build: Build, name: str) -> bool:
        result = self._regrtest(build, (name,), build.logs / "gate-again.log")
        return name in parse(result.output, (name,)).passed

    def _regrtest(self, build: Build, names: Sequence[str], log: Path) -> _Run:
        with (
            guard_writes(build.folder),
            self._home.queue.hold(
                self._home.host_lock,
                order=LockOrder.HOST,
                doing="tests a build",
                say=self._say,
                shared=True,
            ) as host,
            tempfile.TemporaryDirectory(prefix="patchbench-gate-") as scratch,
        ):
            command = self.command(
                build.python,
                build.facts.version,
                names,
                scratch=Path(scratch),
                locks=(host,),
            )
            result = self._runner.run(command, log=log, timeout=_limit(names))
        if NO_SPACE in result.output and not result.ok:
            # These failures must not be stored as the result of the build.
            raise StoreError(
                f"The gate of {build.title} failed: no space left on the device.",
                where=str(log),
                hint="Free some space; the tests write below TMPDIR.",
            )
        return _Run(output=result.output, seconds=result.seconds, ending=result.how())


@dataclass(frozen=True, kw_only=True)
class _Run:
    output: str
    seconds: float
    ending: str

    def how(self) -> str:
        return f"regrtest {self.ending}"


def _limit(names: Sequence[str]) -> float:
    """The time limit of a regrtest run, in seconds: 2.7's regrtest has none for each test."""
    return min(_TEST_SECONDS + 60.0 * len(names), _LONGEST_SECONDS)


def tests_of(build: Build, selection: str) -> tuple[str, ...]:
    """The names of a selection's tests that the build has; a test is a module or a package."""
    folder = Path(build.prefix) / "lib" / f"python{language(build.facts.version)}"
    # Data files such as 2.7's test_doctest3.txt are left out.
    available = {
        path.stem
        for path in (folder / "test").glob("test_*")
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    names = available if selection == "full" else available & set(_NAMES[selection])
    return tuple(sorted(names))


def regrtest(
    python: Path,
    version: str,
    names: Sequence[str],
    *,
    scratch: Path,
    jobs: int,
    locks: tuple[int, ...] = (),
) -> Command:
    """The command that runs tests in worker processes, so that a crash ends only one test."""
    python2 = is_python2(version)
    module = "test.regrtest" if python2 else "test"
    options = [f"-j{max(1, jobs)}"] + ([] if python2 else [f"--timeout={_TEST_SECONDS}"])
    return Command(
        argv=(str(python), "-m", module, *options, *names),
        cwd=scratch,
        env=clean_environment(HOME=str(scratch), TMPDIR=str(scratch)),
        keep_fds=locks,
    )


@dataclass(frozen=True, kw_only=True)
class TestOutcomes:
    """Names of tests by outcome."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]


# "2 tests failed:", "1 test skipped (env changed):" and the indented names that follow.
_SECTION = re.compile(
    r"^(\d+) (?:re-run )?tests? (failed|skipped|altered|run no tests|omitted)[^:\n]*:\n"
    r"((?:[ \t]+\S.*\n?)+)",
    re.MULTILINE,
)
_ENDED = re.compile(r"^(?:All \d+ tests? OK|\d+ tests? OK|\d+ tests? failed)", re.MULTILINE)


def parse(output: str, names: Sequence[str]) -> TestOutcomes:
    """Read the lists at the end of regrtest's output (of 2.7 and 3.x).

    A test passed if it is one of `names`, regrtest ran to its end, and no list contains it; an
    altered environment counts as passed, as in regrtest.
    """
    lists: dict[str, set[str]] = {}
    for match in _SECTION.finditer(output + "\n"):
        listed = re.findall(r"\btest_\w+(?:\.\w+)*", match.group(3))
        lists.setdefault(match.group(2), set()).update(listed)
    skipped = lists.get("skipped", set()) | lists.get("run no tests", set())
    skipped |= lists.get("omitted", set())
    failed = lists.get("failed", set())
    requested = set(names)
    failed_modules = {name for name in requested if any(_is_of(test, name) for test in failed)}
    if not _ENDED.search(output):
        failed_modules = requested - skipped
    return TestOutcomes(
        passed=tuple(sorted(requested - failed_modules - skipped)),
        failed=tuple(sorted(failed_modules)),
        skipped=tuple(sorted(skipped & requested)),
    )


def _is_of(test: str, name: str) -> bool:
    """Whether a listed test is the module `name` or a part of it that regrtest runs separately."""
    return test == name or test.startswith(f"{name}.") or test.endswith(f".{name}")


def _result_file(folder: Path, selection: str) -> Path:
    return folder / f"gate-{selection}.json"


def _load(path: Path) -> GateResult | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        lists = {key: tuple(data[key]) for key in ("passed", "failed", "skipped")}
        return GateResult(selection=data["selection"], seconds=data["seconds"], **lists)
    except (OSError, ValueError, KeyError, TypeError):
        return None
