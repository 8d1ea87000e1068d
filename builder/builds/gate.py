"""No timing before correctness: regrtest on base and candidate.

The candidate must pass what its base passes. A test that fails only on the candidate is run again
alone, twice, on both: it breaks the candidate when the base passes both times and it does not.
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
from builder.files import NO_SPACE, guard_writes, hold_lock, write_atomically
from builder.home import Home
from builder.process import Command, Runner, clean_environment

# The interpreter's own tests: the loop, the compiler, the objects that both handle, tracing,
# threads and memory. Names that a branch lacks are left out.
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

# For builds of a source that was tested already, laid out otherwise: was this one linked well?
SHORT = (
    "test_grammar test_opcodes test_builtin test_generators test_exceptions test_descr test_int "
    "test_long test_float test_list test_tuple test_dict test_set test_gc test_sys test_struct"
).split()
_NAMES = {"core": CORE, "short": SHORT}

_RERUNS = 2
# So many failures at once are no accident of timing.
_MOST_RERUN = 10
_TEST_SECONDS = 600
_LONGEST_SECONDS = 3 * 3600.0
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """How one build fared: names of test modules. `seconds` of wall time."""

    selection: str
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the gate says of a candidate.

    `broken`: fails what the base passes. `flaky`: failed once, and not when run again or the base
    failed with it. `base_failed`: fails on the base already, so says nothing.
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
    """Runs regrtest on builds; results are kept beside each build."""

    def __init__(self, *, home: Home, runner: Runner, say: Say, jobs: int) -> None:
        self._home = home
        self._runner = runner
        self._say = say
        self._jobs = jobs

    def judge(self, base: Build, candidate: Build, selection: str) -> Judgement:
        """Compare two builds on `selection`: short, core or full. Raises BuildError if the base
        passes nothing.
        """
        ours = self.result(base, selection)
        if not ours.passed:
            raise BuildError(
                f"The base, {base.title}, passes no test at all.",
                where=str(base.logs / f"gate-{selection}.log"),
                hint="Read the log there; --gate none goes on without.",
            )
        theirs = self.result(candidate, selection)
        suspects = [name for name in ours.passed if name not in theirs.passed]
        broken = suspects
        if len(suspects) <= _MOST_RERUN:
            broken = [name for name in suspects if not self._forgiven(base, candidate, name)]
        return Judgement(
            selection=selection,
            tests=len(ours.passed),
            broken=tuple(broken),
            flaky=tuple(name for name in suspects if name not in broken),
            base_failed=ours.failed,
        )

    def result(self, build: Build, selection: str) -> GateResult:
        """How a build fares, from what is kept or by running the tests now."""
        kept = _result_file(build.folder, selection)
        with hold_lock(self._home.lock(f"gate-{build.key}"), on_wait=self._waiting):
            found = _load(kept)
            if found is None:
                found = self._test(build, selection)
                if not found.passed:
                    return found  # an accident of the machine must not stick to a build
                with guard_writes(build.folder):
                    write_atomically(kept, json.dumps(asdict(found), indent=1))
        return found

    def has_result(self, folder: Path, selection: str) -> bool:
        """Whether the build in `folder` was tested before, so that `result` starts nothing."""
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
        """What `result` starts for a build of that version, with the tests that it has."""
        return regrtest(python, version, names, scratch=scratch, jobs=self._jobs, locks=locks)

    def _waiting(self, _path: str) -> None:
        self._say("Another run tests the same build; waiting for it.")

    def _waiting_host(self, _path: str) -> None:
        self._say("Another run is timing on this host; waiting for it.")

    def _test(self, build: Build, selection: str) -> GateResult:
        self._say(f"{build.title}: gate ({selection} regrtest)")
        names = tests_of(build, selection)
        done = self._regrtest(build, names, build.logs / f"gate-{selection}.log")
        outcome = parse(done.output, names)
        return GateResult(
            selection=selection,
            passed=outcome.passed,
            failed=outcome.failed,
            skipped=outcome.skipped,
            seconds=done.seconds,
        )

    def _forgiven(self, base: Build, candidate: Build, name: str) -> bool:
        """Whether a test that failed on the candidate alone does not hold up when run again."""
        self._say(f"{candidate.title}: {name} failed; running it again alone on both arms")
        theirs = all(self._passes_alone(candidate, name) for _ in range(_RERUNS))
        return theirs or not all(self._passes_alone(base, name) for _ in range(_RERUNS))

    def _passes_alone(self, build: Build, name: str) -> bool:
        done = self._regrtest(build, (name,), build.logs / "gate-again.log")
        return name in parse(done.output, (name,)).passed

    def _regrtest(self, build: Build, names: Sequence[str], log: Path) -> _Run:
        with (
            guard_writes(build.folder),
            hold_lock(self._home.host_lock, shared=True, on_wait=self._waiting_host) as host,
            tempfile.TemporaryDirectory(prefix="patchbench-gate-") as scratch,
        ):
            command = self.command(
                build.python,
                build.facts.version,
                names,
                scratch=Path(scratch),
                locks=(host,),
            )
            done = self._runner.run(command, log=log, timeout=_limit(names))
        if NO_SPACE in done.output and not done.ok:
            # What failed for want of space would be held against the build for ever.
            raise StoreError(
                f"The gate of {build.title} failed: no space left on the device.",
                where=str(log),
                hint="Free some space; the tests write below TMPDIR.",
            )
        return _Run(output=done.output, seconds=done.seconds, ending=done.how())


@dataclass(frozen=True, kw_only=True)
class _Run:
    output: str
    seconds: float
    ending: str

    def how(self) -> str:
        return f"regrtest {self.ending}"


def _limit(names: Sequence[str]) -> float:
    """Seconds for a whole regrtest: the one of 2.7 has no limit of its own for a test."""
    return min(_TEST_SECONDS + 60.0 * len(names), _LONGEST_SECONDS)


def tests_of(build: Build, selection: str) -> tuple[str, ...]:
    """The names to give to regrtest: those of the selection that the build has.

    A test is a module or a package; an empty tuple means all (selection full).
    """
    folder = Path(build.prefix) / "lib" / f"python{'.'.join(build.facts.version.split('.')[:2])}"
    # Not what tests read, such as 2.7's test_doctest3.txt.
    there = {
        path.stem
        for path in (folder / "test").glob("test_*")
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    names = there if selection == "full" else there & set(_NAMES[selection])
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
    """The command that runs `names` in worker processes, so that a crash ends one test only."""
    python2 = version.startswith("2.")
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
    """Test names by how they ended."""

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
    """Read regrtest's closing lists (2.7 and 3.x alike).

    A test passed when it was asked for, regrtest came to its end, and no list names it; an altered
    environment counts as passed, as regrtest itself has it.
    """
    found: dict[str, set[str]] = {}
    for match in _SECTION.finditer(output + "\n"):
        listed = re.findall(r"\btest_\w+(?:\.\w+)*", match.group(3))
        found.setdefault(match.group(2), set()).update(listed)
    skipped = found.get("skipped", set()) | found.get("run no tests", set())
    skipped |= found.get("omitted", set())
    failed = found.get("failed", set())
    asked = set(names)
    failed_modules = {name for name in asked if any(_is_of(test, name) for test in failed)}
    if not _ENDED.search(output):
        failed_modules = asked - skipped
    return TestOutcomes(
        passed=tuple(sorted(asked - failed_modules - skipped)),
        failed=tuple(sorted(failed_modules)),
        skipped=tuple(sorted(skipped & asked)),
    )


def _is_of(test: str, name: str) -> bool:
    """Whether a listed test is the module `name` or one that regrtest split off it."""
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
