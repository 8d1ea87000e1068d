"""Whether the packages that benchmarks require can be had for a Python that is not built yet.

pip resolves the pinned packages for the Python's tags, with wheels alone (a dry run, which installs
nothing); where there is no wheel, it lists the source releases that claim to support the Python.
Nothing is built, so a source release says "unknown", never that it fits: whether it compiles is
seen when it is installed. Answers are stored: that of a wheel for good, others for a day.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging import tags
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from bench.benchmarks.packages import PackageSource, pip_command, pip_error
from bench.benchmarks.suites import Benchmark
from builder.errors import StoreError, ToolError
from builder.files import digest, write_atomically
from builder.process import Command, Completed, Runner
from builder.versions import abi_flags, minor, numbers

FITS, UNKNOWN, MISSING, UNCHECKED = "fits", "unknown", "missing", "not checked"
_WORST = (FITS, UNKNOWN, UNCHECKED, MISSING)
_DAY = 86400.0
_SECONDS = 600.0
_SCHEMA = 1
_BATCH = 8
_VERSIONS = re.compile(r"^Available versions: (.*)$", re.MULTILINE)
_NONE = re.compile(r"No matching distribution found for ([^\s(]+)")
_UNREACHABLE = re.compile(r"Retrying \(|Could not fetch URL|SSLError|ConnectionError")


@dataclass(frozen=True, kw_only=True)
class TargetPython:
    """A CPython before it is built: its version and the flags of its ABI (sys.abiflags)."""

    version: str
    flags: str = ""

    @classmethod
    def of(cls, version: str, configure: Sequence[str]) -> TargetPython:
        """The Python that a tree of a version gives with some options of configure."""
        return cls(version=version, flags=abi_flags(version, configure))

    @property
    def title(self) -> str:
        """3.15, 3.15t, 2.7."""
        shown = self.flags if minor(self.version) >= (3, 8) else ""
        return ".".join(map(str, minor(self.version))) + shown

    @property
    def abis(self) -> tuple[str, ...]:
        """The ABI's names in the tags of wheels; a debug build since 3.8 imports others' too."""
        name = "cp" + "".join(map(str, minor(self.version)))
        rest = self.flags.replace("d", "")
        is_both = "d" in self.flags and minor(self.version) >= (3, 8)
        return (name + self.flags, *([name + rest] if is_both else ()))

    def markers(self) -> Mapping[str, str]:
        """What a marker of a requirement reads that differs from the Python that runs this."""
        return {
            "python_version": ".".join(map(str, minor(self.version))),
            "python_full_version": numbers(self.version),
            "implementation_version": numbers(self.version),
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }


@dataclass(frozen=True, kw_only=True)
class RequirementState:
    """What is known of one requirement; `reason` is "" where it fits."""

    state: str
    reason: str = ""


class Availability:
    """Asks pip, with the user's settings, and keeps its answers in `folder`."""

    def __init__(self, folder: Path, runner: Runner, source: PackageSource) -> None:
        self._folder = folder
        self._runner = runner
        self._source = source

    def check(
        self, benchmarks: Iterable[Benchmark], python: TargetPython
    ) -> dict[str, RequirementState]:
        """The worst answer of each benchmark's requirements, by the benchmark's name."""
        needed = {one.name: _needed(one.requirements, python) for one in benchmarks}
        lines = dict.fromkeys(line for lines in needed.values() for line in lines)
        answers = self._answers(tuple(lines), python)
        return {name: _worst(answers[line] for line in lines) for name, lines in needed.items()}

    def _answers(self, lines: Sequence[str], python: TargetPython) -> dict[str, RequirementState]:
        files = {line: self._folder / f"{self._key(line, python)}.json" for line in lines}
        answers = {line: stored for line, file in files.items() if (stored := _read(file))}
        open_lines = [line for line in lines if line not in answers]
        try:
            new = self._ask(open_lines, python)
        except ToolError as error:  # without a pip that can be asked, a run goes on
            new = dict.fromkeys(open_lines, RequirementState(state=UNCHECKED, reason=error.what))
        for line, answer in new.items():
            if answer.state != UNCHECKED:
                _keep(files[line], answer)
        return answers | new

    def _key(self, line: str, python: TargetPython) -> str:
        source = [self._source.options(), sorted(self._source.environment.items())]
        return digest([_SCHEMA, line, python.abis, numbers(python.version), source])

    def _ask(self, lines: Sequence[str], python: TargetPython) -> dict[str, RequirementState]:
        answers: dict[str, RequirementState] = {}
        remaining = list(lines)
        while remaining:
            # pip takes each package once. It stops at the first that lacks a wheel: a short batch
            # is soon asked again without that.
            once = {Requirement(line).name.lower(): line for line in remaining}
            batch = list(once.values())[:_BATCH]
            completed = self._runner.run(
                wheels_command(self._source, batch, python), timeout=_SECONDS
            )
            lacking = _lacking(completed.output, batch)
            if completed.ok:
                answers |= dict.fromkeys(batch, RequirementState(state=FITS))
            elif lacking:
                answers[lacking] = self._from_source(lacking, python)
            else:
                return answers | dict.fromkeys(remaining, _unchecked(completed))
            remaining = [line for line in remaining if line not in answers]
        return answers

    def _from_source(self, line: str, python: TargetPython) -> RequirementState:
        """The answer for a requirement without a wheel."""
        requirement = Requirement(line)
        command = releases_command(self._source, requirement.name, python)
        completed = self._runner.run(command, timeout=_SECONDS)
        listed = _VERSIONS.search(completed.output)
        if not listed and not _NONE.search(completed.output):
            return _unchecked(completed)
        if listed and _admits(requirement, listed[1].split(", ")):
            reason = f"{line} has no wheel for Python {python.title} and would be built from source"
            return RequirementState(state=UNKNOWN, reason=reason)
        return RequirementState(
            state=MISSING,
            reason=f"{line} has neither a wheel nor a source release for Python {python.title}",
        )


def _needed(lines: Iterable[str], python: TargetPython) -> tuple[str, ...]:
    """The requirements that apply to a Python, without markers and without the suite's folders."""
    needed = []
    for line in lines:
        if line.startswith("./"):
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # pip's own error says what is wrong with it
        applies = requirement.marker is None or requirement.marker.evaluate(dict(python.markers()))
        if applies and not requirement.url:
            requirement.marker = None
            needed.append(str(requirement))
    return tuple(needed)


def _worst(answers: Iterable[RequirementState]) -> RequirementState:
    return max(
        answers, key=lambda one: _WORST.index(one.state), default=RequirementState(state=FITS)
    )


def _unchecked(completed: Completed) -> RequirementState:
    return RequirementState(state=UNCHECKED, reason=pip_error(completed))


def _lacking(output: str, lines: Iterable[str]) -> str:
    """The requirement that pip found no wheel for; "" for any other failure.

    An index that cannot be reached ends with the same message, after what went wrong with it.
    """
    named = _NONE.search(output)
    if named is None or _UNREACHABLE.search(output):
        return ""
    return next((line for line in lines if _same(line, named[1])), "")


def _same(line: str, other: str) -> bool:
    try:
        left, right = Requirement(line), Requirement(other)
    except InvalidRequirement:
        return False
    return (left.name.lower(), left.specifier) == (right.name.lower(), right.specifier)


def wheels_command(source: PackageSource, lines: Sequence[str], python: TargetPython) -> Command:
    """The command by which our own pip resolves requirements for a Python, with wheels alone."""
    arguments = ["install", "--dry-run", "--retries=0", "--ignore-installed", "--no-deps"]
    arguments += ["--only-binary=:all:"]
    arguments += ["--target", "NOT-INSTALLED", "--python-version", numbers(python.version)]
    arguments += ["--implementation", _implementation(python)]
    arguments += [word for abi in python.abis for word in ("--abi", abi)]
    arguments += [word for one in tags.platform_tags() for word in ("--platform", one)]
    return pip_command(Path(sys.executable), [*arguments, *source.options(), *lines], source)


def releases_command(source: PackageSource, name: str, python: TargetPython) -> Command:
    """The command by which our own pip lists the releases of a package for a Python."""
    arguments = ["index", "versions", name, "--pre", "--retries=0"]
    arguments += ["--python-version", numbers(python.version)]
    return pip_command(Path(sys.executable), [*arguments, *source.options()], source)


def _implementation(python: TargetPython) -> str:
    # For "cp" pip adds the stable ABI, which a free-threaded Python does not have (PEP 703); older
    # pips add it there too. Tags are compared in lower case: this is the same but for that.
    return "CP" if "t" in python.flags else "cp"


def _keep(file: Path, answer: RequirementState) -> None:
    # What cannot be stored is asked again.
    with contextlib.suppress(OSError, StoreError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps({"state": answer.state, "reason": answer.reason}))


def _admits(requirement: Requirement, versions: Iterable[str]) -> bool:
    for text in versions:
        try:
            if requirement.specifier.contains(Version(text), prereleases=True):
                return True
        except InvalidVersion:
            continue
    return False


def _read(file: Path) -> RequirementState | None:
    """A stored answer; None if there is none, or it may have changed since."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        answer = RequirementState(state=str(content["state"]), reason=str(content["reason"]))
        age = time.time() - file.stat().st_mtime
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if answer.state not in _WORST:
        return None
    return answer if answer.state == FITS or 0 <= age < _DAY else None
