"""Where a user's program spends its time, and which of its modules can be compiled.

Pure: from the reports of bench/inside/run_program.py to the figures of `patchbench hot`.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import DataError, UsageError

MAIN = "__main__"
# By default, modules with a smaller share of the samples are not compiled.
LEAST_SHARE = 0.1
_DIFF_LINES = 40
# The folders of installed packages, below the standard library.
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, kw_only=True)
class Function:
    """A sampled function: `own` samples in itself and in C code that it calls, `total` with all
    callees. `line` is its first line.
    """

    file: Path
    name: str
    line: int
    own: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Samples of one or more runs. `lines` has counts by (file, line), `modules` files."""

    samples: int
    functions: tuple[Function, ...]
    lines: Mapping[tuple[Path, int], int]
    modules: Mapping[str, Path]
    library: Path

    def share(self, samples: int) -> float:
        """The fraction of all samples."""
        return samples / self.samples if self.samples else 0.0


@dataclass(frozen=True, kw_only=True)
class HotModule:
    """A module with samples. `refused` says why it cannot be compiled; "" if it can."""

    name: str
    file: Path
    samples: int
    refused: str = ""

    @property
    def package(self) -> str:
        """The package of the module, "" if none."""
        return self.name.rpartition(".")[0]

    @property
    def stem(self) -> str:
        """The module's name without its package."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, kw_only=True)
class ProgramOutcome:
    """The output of one run; `files` are the hashes of the files that it wrote, by name."""

    status: int
    stdout: bytes
    stderr: bytes
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one run: CPU time, with that of ended children, and wall-clock time."""

    cpu: float
    wall: float


def read_cost(report: Path) -> Cost | None:
    """Read the times of a run; None if it ended without a report (os._exit, a signal)."""
    try:
        times = json.loads(report.read_text(encoding="utf-8"))
        return Cost(cpu=float(times["cpu"]), wall=float(times["wall"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def read_profile(reports: Iterable[Path]) -> Profile:
    """The samples of several runs together. Raises DataError for a file that is no report."""
    own: Counter[tuple[str, str, int]] = Counter()
    total: Counter[tuple[str, str, int]] = Counter()
    lines: Counter[tuple[Path, int]] = Counter()
    modules: dict[str, str] = {}
    samples, library = 0, ""
    for path in reports:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            samples += document.get("samples", 0)
            for file, name, line, own_count, total_count in document.get("functions", ()):
                own[file, name, line] += own_count
                total[file, name, line] += total_count
            for file, line, count in document.get("lines", ()):
                lines[Path(file), line] += count
            modules |= document.get("modules", {})
            library = document.get("library", library)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise DataError(
                f"The profile cannot be read: {error}.", where=str(path), hint="Run it again."
            ) from error
    functions = (
        Function(file=Path(key[0]), name=key[1], line=key[2], own=own[key], total=count)
        for key, count in total.items()
    )
    return Profile(
        samples=samples,
        functions=tuple(
            sorted(
                functions, key=lambda function: (-function.own, -function.total, str(function.file))
            )
        ),
        lines=lines,
        modules={name: Path(path) for name, path in modules.items()},
        library=Path(library),
    )


def hot_modules(profile: Profile) -> tuple[HotModule, ...]:
    """The modules with samples, those with most first; files without a module name are left out.

    Files that are frozen or made up ("<string>") have no module.
    """
    names: dict[Path, str] = {}
    for name, file in profile.modules.items():
        # A script that is also imported has two names: its own code runs as __main__.
        if names.setdefault(_real(file), name) != MAIN and name == MAIN:
            names[_real(file)] = name
    counts: Counter[tuple[str, Path]] = Counter()
    for (file, _line), count in profile.lines.items():
        if _real(file) in names:
            counts[names[_real(file)], _real(file)] += count
    return tuple(
        HotModule(name=name, file=file, samples=count, refused=_refused(name, file, profile))
        for (name, file), count in counts.most_common()
    )


def lines_of(profile: Profile, file: Path) -> Counter[int]:
    """The samples of each line of a file, under all paths that lead to it."""
    counts: Counter[int] = Counter()
    for (sampled, line), count in profile.lines.items():
        if _real(sampled) == file:
            counts[line] += count
    return counts


def _real(file: Path) -> Path:
    return file.resolve()


def _refused(name: str, file: Path, profile: Profile) -> str:
    if not file.is_file():
        return "its source is not a file"
    if name != MAIN and file.suffix != ".py":
        return f"it is not a Python source ({file.suffix or 'no suffix'})"
    if file.is_relative_to(profile.library) and not _INSTALLED & set(file.parts):
        return "it belongs to the standard library, not to the program"
    if file.name == "__init__.py":
        return "it is the __init__ of a package, which cannot be compiled alone"
    if not name.isascii():
        return "its name is not ASCII"
    return ""


def chosen(
    profile: Profile, modules: Sequence[HotModule], asked: Sequence[str]
) -> tuple[HotModule, ...]:
    """Choose the modules to compile: those named in `asked`, else all with a tenth of the samples.

    Raises UsageError for a named module that cannot be compiled. Empty if no module is hot.
    """
    if not asked:
        return tuple(
            module
            for module in modules
            if not module.refused and profile.share(module.samples) >= LEAST_SHARE
        )
    return tuple(_named(profile, modules, name) for name in dict.fromkeys(asked))


def _named(profile: Profile, modules: Sequence[HotModule], name: str) -> HotModule:
    module = next((candidate for candidate in modules if candidate.name == name), None)
    if module is None and name in profile.modules:
        file = _real(profile.modules[name])
        module = HotModule(name=name, file=file, samples=0, refused=_refused(name, file, profile))
    if module is None or module.refused:
        others = [candidate.name for candidate in modules if not candidate.refused]
        why = module.refused if module else "the program imports no such module"
        raise UsageError(
            f"{name} cannot be compiled: {why}.",
            where=str(module.file) if module else "--modules",
            hint=f"The hot modules that can be compiled: {', '.join(others) or 'none'}.",
        )
    return module


def difference(expected: ProgramOutcome, got: ProgramOutcome) -> str:
    """How two runs differ, as a diff of their output; "" if they do not."""
    parts = []
    if expected.status != got.status:
        parts.append(f"exit status: {expected.status}, then {got.status}")
    for name, before, after in (
        ("stdout", expected.stdout, got.stdout),
        ("stderr", expected.stderr, got.stderr),
    ):
        if before != after:
            parts += _diff(name, before, after)
    names = sorted(set(expected.files) | set(got.files))
    parts += [
        f"file {name}: {_wrote(expected, name)}, then {_wrote(got, name)}"
        for name in names
        if expected.files.get(name) != got.files.get(name)
    ]
    return "\n".join(parts)


def _wrote(outcome: ProgramOutcome, name: str) -> str:
    return f"SHA-256 {outcome.files[name][:16]}" if name in outcome.files else "not written"


def _diff(name: str, before: bytes, after: bytes) -> list[str]:
    old, new = (text.decode("utf-8", "backslashreplace").splitlines() for text in (before, after))
    lines = list(difflib.unified_diff(old, new, name, f"{name}, then", lineterm="", n=1))
    if not lines:
        return [f"{name}: its line endings differ"]
    omitted = len(lines) - _DIFF_LINES
    return lines[:_DIFF_LINES] + ([f"... and {omitted} more lines"] if omitted > 0 else [])


def as_json(profile: Profile, modules: Sequence[HotModule], most: int) -> dict[str, Any]:
    """The profile for hot.json: the `most` hottest functions, and all modules."""
    return {
        "samples": profile.samples,
        "functions": [
            {
                "function": function.name,
                "file": str(function.file),
                "line": function.line,
                "share": round(profile.share(function.own), 4),
                "with_callees": round(profile.share(function.total), 4),
            }
            for function in profile.functions[:most]
        ],
        "modules": [
            {
                "module": module.name,
                "file": str(module.file),
                "share": round(profile.share(module.samples), 4),
                "refused": module.refused,
            }
            for module in modules
        ],
    }
