"""The gate: CPython's regrtest on base and candidate, before anything is timed.

The candidate must pass every test that its base passes. A test that fails only on the candidate is
run again alone, twice, on both: the candidate is broken if the base passes both times and the
candidate does not.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.builds import facts
from builder.builds.gate.regrtest import limit, parse, regrtest
from builder.builds.gate.selections import Selected, has_test, selected
from builder.builds.store import Build
from builder.errors import BuildError, StoreError
from builder.files import NO_SPACE, guard_writes, write_atomically
from builder.home import Home
from builder.locks import LockOrder
from builder.process import Command, Runner

_RERUNS = 2
# More failures than this are not chance, and are not run again.
_MOST_RERUN = 10
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """The test result of one build: names of test modules; `seconds` of wall time.

    `left_out` are names of the selection that the tree of the build does not have.
    """

    selection: str
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds: float
    left_out: tuple[str, ...] = ()

    def is_of(self, names: Sequence[str]) -> bool:
        """Whether it is the result of these tests, and of no others."""
        return {*self.passed, *self.failed, *self.skipped} == set(names)


class UntestedError(BuildError):
    """A candidate of which no test could be run."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The gate's judgement of a candidate.

    `broken`: tests that fail, but pass on the base. `flaky`: tests that failed once, and when run
    again passed or failed on the base too. `base_failed`: tests that fail on the base already.
    `absent`: tests that pass on the base and do not apply to the candidate, since its revision is
    another one and does not have them, or since only one of the builds has a GIL and the candidate
    skips them. `left_out`: names of the selection that the base does not have.
    """

    selection: str
    tests: int
    broken: tuple[str, ...]
    flaky: tuple[str, ...]
    base_failed: tuple[str, ...]
    absent: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the candidate may be timed."""
        return not self.broken


class NoTestsError(BuildError):
    """A build that has no test of a selection."""


class Gate:
    """Runs regrtest on builds; results are stored in the folder of each build."""

    def __init__(self, *, home: Home, runner: Runner, say: Say, jobs: int) -> None:
        self._home = home
        self._runner = runner
        self._say = say
        self._jobs = jobs

    def judge(self, base: Build, candidate: Build, selection: str) -> Judgement:
        """Compare two builds on `selection`: short, core or full.

        Raises BuildError if the base passes no test, UntestedError if the candidate has none.
        """
        base_result = self.result(base, selection)
        if not base_result.passed:
            raise BuildError(
                f"The base, {base.title}, passes no test at all.",
                where=str(base.logs / f"gate-{selection}.log"),
                hint="Read the log there; --gate none skips the tests.",
            )
        try:
            candidate_result = self.result(candidate, selection)
        except NoTestsError as error:
            raise UntestedError(error.what, where=error.where, hint=error.hint) from error
        suspects = [name for name in base_result.passed if name not in candidate_result.passed]
        absent = self._absent(base, candidate, suspects, candidate_result)
        suspects = [name for name in suspects if name not in absent]
        broken = suspects
        if len(suspects) <= _MOST_RERUN:
            broken = [name for name in suspects if not self._is_flaky(base, candidate, name)]
        return Judgement(
            selection=selection,
            tests=len(base_result.passed) - len(absent),
            broken=tuple(broken),
            flaky=tuple(name for name in suspects if name not in broken),
            base_failed=base_result.failed,
            absent=absent,
            left_out=base_result.left_out,
        )

    def _absent(
        self, base: Build, candidate: Build, suspects: Sequence[str], result: GateResult
    ) -> tuple[str, ...]:
        """The tests that do not apply to a candidate of another revision, or with another GIL.

        Any other candidate must have them and run them: a patch that removes a test, or has it
        skipped, has not passed it.
        """
        absent = set()
        if suspects and _commit(base) != _commit(candidate):
            folder = self._folder(candidate)
            absent |= {name for name in suspects if not has_test(folder, name)}
        if _is_free_threaded(base) != _is_free_threaded(candidate):
            absent |= set(suspects) & set(result.skipped)
        return tuple(sorted(absent))

    def result(self, build: Build, selection: str) -> GateResult:
        """The test result of a build: the stored one, or a new one from running the tests.

        Raises BuildError if the build has no test of the selection.
        """
        tests = self.tests_of(build, selection)
        file = _result_file(build.folder, selection)
        with self._home.queue.hold(
            self._home.lock(f"gate-{build.key}"),
            order=LockOrder.GATE,
            doing="tests the same build",
            say=self._say,
        ):
            result = _load(file)
            if result is None or not result.is_of(tests.names):
                result = self._test(build, selection, tests)
                if not result.passed:
                    return result  # perhaps the machine's fault, and therefore not stored
                with guard_writes(build.folder):
                    write_atomically(file, json.dumps(asdict(result), indent=1))
        return result

    def has_result(self, build: Build, selection: str) -> bool:
        """Whether the build has a stored result, so that `result` starts nothing."""
        result = _load(_result_file(build.folder, selection))
        return result is not None and result.is_of(self._selected(build, selection).names)

    def tests_of(self, build: Build, selection: str) -> Selected:
        """The tests of a selection that the build has.

        Raises BuildError if it has none: regrtest without names would run everything.
        """
        tests = self._selected(build, selection)
        if not tests.names:
            raise NoTestsError(
                f"{build.title} has no test of the {selection} selection: nothing could be tested.",
                where=str(self._folder(build)),
                hint="Build it with its tests: leave out the option of configure that omits them. "
                "--gate none skips the tests.",
            )
        return tests

    def _selected(self, build: Build, selection: str) -> Selected:
        return selected(
            self._folder(build),
            selection,
            version=build.facts.version,
            free_threaded=_is_free_threaded(build),
        )

    def _folder(self, build: Build) -> Path:
        library = facts.library_folder(build.python, build.prefix, build.facts, self._runner)
        return library / "test"

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

    def _test(self, build: Build, selection: str, tests: Selected) -> GateResult:
        self._say(f"{build.title}: gate ({selection} regrtest)")
        names = tests.names
        result = self._regrtest(build, names, build.logs / f"gate-{selection}.log")
        outcome = parse(result.output, names)
        return GateResult(
            selection=selection,
            passed=outcome.passed,
            failed=outcome.failed,
            skipped=outcome.skipped,
            seconds=result.seconds,
            left_out=tests.left_out,
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
            result = self._runner.run(command, log=log, timeout=limit(names))
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


def _commit(build: Build) -> object:
    revision = build.recipe.get("revision")
    return revision.get("commit") if isinstance(revision, dict) else None


def _is_free_threaded(build: Build) -> bool:
    return build.facts.config.get("Py_GIL_DISABLED") == "1"


def _result_file(folder: Path, selection: str) -> Path:
    return folder / f"gate-{selection}.json"


def _load(path: Path) -> GateResult | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        lists = {key: tuple(data[key]) for key in ("passed", "failed", "skipped")}
        left_out = tuple(data.get("left_out", ()))
        return GateResult(
            selection=data["selection"], seconds=data["seconds"], left_out=left_out, **lists
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
