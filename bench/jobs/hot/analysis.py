"""What a user's own program is hot in, which of its modules can be compiled, and what that shows.

Pure: from what bench/inside/run_program.py has written to what `patchbench hot` tells.
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
# A module with less of the samples than this is not worth compiling unasked.
LEAST_SHARE = 0.1
_DIFF_LINES = 40
# Where an installation keeps what was installed into it, below its standard library.
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function that was sampled: `own` samples in itself and C code that it calls, `total` with
    all that it calls. `line` is its first.
    """

    file: Path
    name: str
    line: int
    own: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Samples of one or more runs. `lines` counts them by (file, line), `modules` names sources."""

    samples: int
    functions: tuple[Function, ...]
    lines: Mapping[tuple[Path, int], int]
    modules: Mapping[str, Path]
    library: Path

    def share(self, samples: int) -> float:
        """Of all samples."""
        return samples / self.samples if self.samples else 0.0


@dataclass(frozen=True, kw_only=True)
class HotModule:
    """A module that samples fell into. `refused` says why it cannot be compiled; "" if it can."""

    name: str
    file: Path
    samples: int
    refused: str = ""

    @property
    def package(self) -> str:
        """The package that it is imported from; empty for none."""
        return self.name.rpartition(".")[0]

    @property
    def stem(self) -> str:
        """Its name in its package."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, kw_only=True)
class ProgramOutcome:
    """What a run of the program gave: `files` it wrote, by name, with their hashes."""

    status: int
    stdout: bytes
    stderr: bytes
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one run: of CPU time, ended children's included, and of the clock on the wall."""

    cpu: float
    wall: float


def read_cost(report: Path) -> Cost | None:
    """What a run cost; None when it ended without telling (os._exit, a signal)."""
    try:
        told = json.loads(report.read_text(encoding="utf-8"))
        return Cost(cpu=float(told["cpu"]), wall=float(told["wall"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def read_profile(reports: Iterable[Path]) -> Profile:
    """The samples of several runs together. Raises DataError for a report that is no report."""
    own: Counter[tuple[str, str, int]] = Counter()
    total: Counter[tuple[str, str, int]] = Counter()
    lines: Counter[tuple[Path, int]] = Counter()
    modules: dict[str, str] = {}
    samples, library = 0, ""
    for path in reports:
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            samples += told.get("samples", 0)
            for file, name, line, mine, all_of_it in told.get("functions", ()):
                own[file, name, line] += mine
                total[file, name, line] += all_of_it
            for file, line, count in told.get("lines", ()):
                lines[Path(file), line] += count
            modules |= told.get("modules", {})
            library = told.get("library", library)
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
        functions=tuple(sorted(functions, key=lambda one: (-one.own, -one.total, str(one.file)))),
        lines=lines,
        modules={name: Path(path) for name, path in modules.items()},
        library=Path(library),
    )


def hot_modules(profile: Profile) -> tuple[HotModule, ...]:
    """The modules that samples fell into, the hottest first; those that nobody can name left out.

    Files that are frozen or made up ("<string>") have no module.
    """
    names: dict[Path, str] = {}
    for name, file in profile.modules.items():
        # A script that is imported as well is both: its own code runs as __main__.
        if names.setdefault(_real(file), name) != MAIN and name == MAIN:
            names[_real(file)] = name
    found: Counter[tuple[str, Path]] = Counter()
    for (file, _line), count in profile.lines.items():
        if _real(file) in names:
            found[names[_real(file)], _real(file)] += count
    return tuple(
        HotModule(name=name, file=file, samples=count, refused=_refused(name, file, profile))
        for (name, file), count in found.most_common()
    )


def lines_of(profile: Profile, file: Path) -> Counter[int]:
    """The samples of each line of a file, by whatever path it was run."""
    found: Counter[int] = Counter()
    for (sampled, line), count in profile.lines.items():
        if _real(sampled) == file:
            found[line] += count
    return found


def _real(file: Path) -> Path:
    return file.resolve()


def _refused(name: str, file: Path, profile: Profile) -> str:
    if not file.is_file():
        return "its source is no file"
    if name != MAIN and file.suffix != ".py":
        return f"it is no Python source ({file.suffix or 'no suffix'})"
    if file.is_relative_to(profile.library) and not _INSTALLED & set(file.parts):
        return "it is of the standard library, which is not the program's own"
    if file.name == "__init__.py":
        return "it is a package's own __init__, which cannot be compiled alone"
    if not name.isascii():
        return "its name is not ASCII"
    return ""


def chosen(
    profile: Profile, modules: Sequence[HotModule], asked: Sequence[str]
) -> tuple[HotModule, ...]:
    """The modules to compile: those that were asked for, else all that have a tenth of the samples.

    Raises UsageError for a module that was asked for and cannot be had. Empty when nothing is hot.
    """
    if not asked:
        return tuple(
            one for one in modules if not one.refused and profile.share(one.samples) >= LEAST_SHARE
        )
    return tuple(_asked(profile, modules, name) for name in dict.fromkeys(asked))


def _asked(profile: Profile, modules: Sequence[HotModule], name: str) -> HotModule:
    found = next((one for one in modules if one.name == name), None)
    if found is None and name in profile.modules:
        file = _real(profile.modules[name])
        found = HotModule(name=name, file=file, samples=0, refused=_refused(name, file, profile))
    if found is None or found.refused:
        why = found.refused if found else "the program imports no such module"
        raise UsageError(
            f"{name} cannot be compiled: {why}.",
            where=str(found.file) if found else "--modules",
            hint="Of those that are hot there are: "
            f"{', '.join(one.name for one in modules if not one.refused) or 'none'}.",
        )
    return found


def difference(expected: ProgramOutcome, got: ProgramOutcome) -> str:
    """How two runs differ, as a diff of what they printed; "" when they do not."""
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
        return [f"{name}: its line ends differ"]
    left = len(lines) - _DIFF_LINES
    return lines[:_DIFF_LINES] + ([f"... and {left} lines more"] if left > 0 else [])


def as_json(profile: Profile, modules: Sequence[HotModule], most: int) -> dict[str, Any]:
    """The profile for a document: the hottest functions, and all modules."""
    return {
        "samples": profile.samples,
        "functions": [
            {
                "function": one.name,
                "file": str(one.file),
                "line": one.line,
                "share": round(profile.share(one.own), 4),
                "with_callees": round(profile.share(one.total), 4),
            }
            for one in profile.functions[:most]
        ],
        "modules": [
            {
                "module": one.name,
                "file": str(one.file),
                "share": round(profile.share(one.samples), 4),
                "refused": one.refused,
            }
            for one in modules
        ],
    }
