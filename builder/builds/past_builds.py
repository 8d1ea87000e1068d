"""What builds of this home took: their durations by step, and the files that make compiled.

Read from the stamps and logs of the store, without checking that the builds are whole: an estimate
needs no more, and a check reads every interpreter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.builds import make_progress
from builder.builds.make_progress import MakeState
from builder.builds.recipe import Recipe
from builder.builds.store import STAMP
from builder.files import write_atomically
from builder.home import Home
from builder.versions import language

_LOG = "make.log"
_STAGES = "make-stages.json"
MAKE = "make"


@dataclass(frozen=True, kw_only=True)
class PastBuild:
    """A finished build: `seconds` by step, and in `made` the seconds of the stages of make.

    `ended` is in seconds since 1970; `made` is empty for builds of older versions of patchbench.
    """

    folder: Path
    version: str
    branch: str
    tree: str
    pgo: bool
    lto: bool
    ended: float
    seconds: Mapping[str, float]
    made: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Seconds of all steps."""
        return sum(self.seconds.values())

    def files(self) -> MakeState | None:
        """What make compiled, counted in its log; None where the log is gone or says nothing."""
        try:
            text = (self.folder / "log" / _LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        state = make_progress.of_log(text)
        return state if state.files else None


def past_builds(home: Home) -> tuple[PastBuild, ...]:
    """The builds of a home, the newest first; what cannot be read is left out."""
    builds = []
    for stamp in home.builds.glob(f"*/{STAMP}"):
        try:
            builds.append(_read(stamp))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return tuple(sorted(builds, key=lambda build: (-build.ended, build.folder.name)))


def like(builds: Iterable[PastBuild], recipe: Recipe) -> tuple[PastBuild, ...]:
    """The builds that a build of `recipe` will be like: of its branch and flavor, the most alike
    first: of the same tree, then of the same version. PGO and LTO are never mixed.
    """
    flavor, branch = recipe.flavor, recipe.revision.branch
    alike = [
        build
        for build in builds
        if (build.branch, build.pgo, build.lto) == (branch, flavor.pgo, flavor.lto)
    ]
    return tuple(
        sorted(
            alike,
            key=lambda build: (
                build.tree != recipe.tree,
                build.version != recipe.revision.version,
                -build.ended,
            ),
        )
    )


def keep_stages(folder: Path, seconds: Mapping[str, float]) -> None:
    """Write down what the stages of make took, beside its log."""
    write_atomically(folder / "log" / _STAGES, json.dumps(dict(seconds), indent=1))


def _read(stamp: Path) -> PastBuild:
    data = json.loads(stamp.read_text(encoding="utf-8"))
    recipe = data["recipe"]
    version = str(recipe["revision"]["version"])
    return PastBuild(
        folder=stamp.parent,
        version=version,
        branch=language(version),
        tree=str(recipe["tree"]),
        pgo=bool(recipe["flavor"]["pgo"]),
        lto=bool(recipe["flavor"]["lto"]),
        # Not the stamp's own time: it is touched by every run that uses the build.
        ended=_ended(stamp.parent),
        seconds={str(row["name"]): _number(row["seconds"]) for row in data["stages"]},
        made=_made(stamp.parent),
    )


def _ended(folder: Path) -> float:
    log = folder / "log" / _LOG
    return (log if log.exists() else folder / STAMP).stat().st_mtime


def _made(folder: Path) -> dict[str, float]:
    try:
        content: Any = json.loads((folder / "log" / _STAGES).read_text(encoding="utf-8"))
        return {str(name): _number(seconds) for name, seconds in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _number(value: Any) -> float:
    number = float(value)
    if not 0 <= number < 1e9:
        raise ValueError(f"{number} is no duration")
    return number
