"""result.json: everything that a report needs, under a versioned schema (docs/result-schema.md).

A report is made from this file alone, and so is every table: nothing is computed on the way to a
reader. What may be published is clean from here on: the host's name is a hash, and paths of this
machine are replaced by the names of the places that they lie in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.comparison import Comparisons
from bench.plan import Plan
from bench.session import Measured
from builder.errors import DataError
from builder.facts import Difference
from builder.gate import Judgement
from builder.store import Build

SCHEMA = 1
FILE = "result.json"
BROKEN = "broken"
# What every reader relies on; see docs/result-schema.md.
_SHAPE: dict[str, type] = {
    "experiment": dict,
    "host": dict,
    "session": dict,
    "base": dict,
    "candidates": list,
    "blocks": list,
    "warnings": list,
    "commands": list,
}


@dataclass(frozen=True, kw_only=True)
class ArmReport:
    """What became of one arm. `build` is None when it did not build; then `broken` says why."""

    name: str
    title: str
    series: tuple[str, ...]
    revision: dict[str, Any]
    flavor: dict[str, Any]
    build: Build | None
    broken: str = ""
    judgement: Judgement | None = None
    differences: tuple[Difference, ...] = ()
    comparisons: Comparisons | None = None
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The suite's verdict, or broken; undecided when nothing could be compared."""
        if self.broken or (self.judgement is not None and not self.judgement.passed):
            return BROKEN
        if self.comparisons is None or self.comparisons.suite is None:
            return "undecided"
        return self.comparisons.suite.verdict


def assemble(
    *,
    plan: Plan,
    seed: int,
    arms: Sequence[ArmReport],
    measured: Measured | None,
    host: Mapping[str, Any],
    commands: Sequence[str],
    warnings: Sequence[str],
    when: str,
    version: str,
    places: Mapping[Path, str],
) -> dict[str, Any]:
    """The content of result.json."""
    content = {
        "schema": SCHEMA,
        "patchbench": version,
        "when": when,
        "experiment": plan.to_json(seed),
        "host": dict(host),
        "session": _session(plan, seed, measured),
        "base": _arm(arms[0]),
        "candidates": [_candidate(arm) for arm in arms[1:]],
        "blocks": [_block(block) for block in measured.blocks] if measured else [],
        "warnings": list(warnings),
        "commands": list(commands),
    }
    longest = sorted(places.items(), key=lambda item: -len(str(item[0])))
    patterns = [
        # Whole parts of a path alone: /home/ann is not in /home/anna. The root would be in any.
        (re.compile(re.escape(str(path)) + r"(?![\w-])"), name)
        for path, name in longest
        if path != Path(path.anchor)
    ]
    cleaned: dict[str, Any] = _clean(content, patterns)
    return cleaned


def _session(plan: Plan, seed: int, measured: Measured | None) -> dict[str, Any]:
    options = plan.experiment.session
    told: dict[str, Any] = {
        "suite": plan.suite,
        "protocol": plan.protocol,
        "seed": seed,
        "margin": options.margin,
        "budget": options.budget,
        "blocks": options.blocks,
        "gate": plan.experiment.gate,
        "false_calls": None,
    }
    if measured is not None:
        told |= {
            "seconds": measured.seconds,
            "busy_seconds": measured.busy_seconds,
            "missing": [asdict(one) for one in measured.missing],
        }
    return told


def _arm(arm: ArmReport) -> dict[str, Any]:
    build = arm.build
    return {
        "name": arm.name,
        "title": arm.title,
        "revision": arm.revision,
        "series": list(arm.series),
        "flavor": arm.flavor,
        "warnings": list(arm.warnings),
        "build": None
        if build is None
        else {
            "key": build.key,
            "stages": [asdict(stage) for stage in build.stages],
            "facts": asdict(build.facts),
            "regenerated": list(build.regenerated),
        },
    }


def _candidate(arm: ArmReport) -> dict[str, Any]:
    compared = arm.comparisons or Comparisons(margin=0.01, error=0.05, method="")
    return {
        **_arm(arm),
        "verdict": arm.verdict,
        "broken": arm.broken,
        "gate": asdict(arm.judgement) if arm.judgement else None,
        "differences": [asdict(one) for one in arm.differences],
        **compared.as_json(),
        # Both speak: what holds for the arm, and what holds for its comparisons.
        "warnings": [*arm.warnings, *compared.warnings],
    }


def _block(block: Any) -> dict[str, Any]:
    return {
        "number": block.number,
        "benchmark": block.task,
        "means": dict(block.means),
        "positions": dict(block.positions),
        "seconds": block.seconds,
        "state": dict(block.state),
    }


def _clean(value: Any, places: Sequence[tuple[re.Pattern[str], str]]) -> Any:
    if isinstance(value, dict):
        return {key: _clean(item, places) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, places) for item in value]
    if isinstance(value, str):
        for path, name in places:
            value = path.sub(name, value)
        # Names of files may hold bytes that are no UTF-8.
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def read(folder: Path) -> dict[str, Any]:
    """The result in a results folder. Raises DataError when there is none, or of another schema."""
    path = folder / FILE
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        schema = content["schema"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            "There is no result that can be read.",
            where=f"{path}: {getattr(error, 'strerror', None) or error}",
            hint="Name a results folder of `patchbench run`; a run that was stopped goes on when "
            "it is given again.",
        ) from error
    if schema != SCHEMA:
        raise DataError(
            f"The result has schema {schema}; this patchbench reads {SCHEMA}.",
            where=str(path),
            hint="Use the patchbench that wrote it.",
        )
    lacking = [key for key, kind in _SHAPE.items() if not isinstance(content.get(key), kind)]
    if lacking:
        raise DataError(
            f"The result is damaged: it has no {', '.join(lacking)}.",
            where=str(path),
            hint="Get it again from where it was made.",
        )
    return content
