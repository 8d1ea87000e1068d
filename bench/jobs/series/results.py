"""result.json of a series, a stack of series, or a flavor: what runs found of it, kept beside it.

It holds the part of a run's result (docs/result-schema.md) that a reader of the series needs:

    schema    1
    name      of what was measured: 3.13/compact-int-add, series-3.13/stack, flavors-3.13/pgo
    results   a list, one for each base that it was held against: a version and a flavor

Each of the results has the keys of a candidate in a run's result (`title`, `verdict`, `broken`,
`gate`, `comparisons`, `suite`, `suites`, `missing`, `differences`, `margin`, `error`, `method`,
`warnings`, `flavor`), and

    patches     the SHA-256 of each patch by its name, in a stack by its series and name
    base        the base: `title`, `revision`, `flavor` (its name), `facts` of its build
    facts       those of the candidate's own build; null where it did not build
    controls    a list of `name`, `title` and `suite`: arms of the same run that change nothing
    session     of the run, without what was missing in any of its arms
    run         warnings of the whole run
    host, when, patchbench, commands    as in the run's result

It was clean for publishing when the run wrote it, and nothing is added here. Pure, but for `read`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.builds import Flavor
from builder.errors import DataError
from builder.patches import Series

SCHEMA = 1
FILE = "result.json"
PAGE = "RESULT.md"

Result = Mapping[str, Any]
"""One of the results, as the module's docstring has it."""

_OF_CANDIDATE = (
    "name",
    "kind",
    "title",
    "flavor",
    "verdict",
    "broken",
    "gate",
    "comparisons",
    "suite",
    "suites",
    "missing",
    "differences",
    "margin",
    "error",
    "method",
    "warnings",
)
_OF_RUN = ("host", "when", "patchbench", "commands")
_OF_FACTS = (
    "compiler",
    "options",
    "pgo",
    "lto",
    "computed_gotos",
    "eval_function",
    "eval_bytes",
    "indirect_jumps",
)
_OF_ROW = ("ratio", "low", "high", "low95", "high95", "verdict", "blocks", "warnings")
# What every reader relies on.
_SHAPE: dict[str, type | tuple[type, ...]] = {
    "title": str,
    "flavor": dict,
    "verdict": str,
    "broken": str,
    "comparisons": list,
    "suites": list,
    "suite": (dict, type(None)),
    "gate": (dict, type(None)),
    "missing": list,
    "patches": dict,
    "base": dict,
    "controls": list,
    "session": dict,
    "host": dict,
    "when": str,
    "commands": list,
}


@dataclass(frozen=True, kw_only=True)
class KeptSubject:
    """What results are kept of, and in which folder: a series, a stack of several, or a flavor.

    `patches` has the SHA-256 of each by its name, of a stack by its series and name. `flavor` is
    None but for a flavor: the others are held against their base in any. `stack` names the series
    of a stack.
    """

    name: str
    title: str
    status: str
    folder: Path
    patches: Mapping[str, str] = field(default_factory=dict)
    flavor: Flavor | None = None
    stack: tuple[str, ...] = ()


def of_series(series: Series, root: Path) -> KeptSubject:
    """A series below the folder `root`."""
    return KeptSubject(
        name=series.name,
        title=series.title,
        status=series.status,
        folder=root / series.name,
        patches={patch.name: patch.sha256 for patch in series.patches},
    )


@dataclass(frozen=True, kw_only=True)
class KeptResults:
    """All that is kept of a subject."""

    name: str
    results: tuple[Result, ...] = ()

    def as_text(self) -> str:
        """result.json, to the letter."""
        content = {"schema": SCHEMA, "name": self.name, "results": list(self.results)}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def with_result(self, result: Result, subject: KeptSubject) -> KeptResults:
        """With one result more, in place of that of the same base; without those that are stale."""
        kept = [
            one
            for one in self.results
            if base_of(one) != base_of(result) and not is_stale(one, subject)
        ]
        return KeptResults(name=self.name, results=tuple(sorted([*kept, result], key=base_of)))


def base_of(result: Result) -> str:
    """What a subject was held against: 3.13.5 pgo+lto."""
    return str(result["base"]["title"])


def is_stale(result: Result, subject: KeptSubject) -> bool:
    """Whether the patches, or the flavor, are no longer what was measured."""
    if result["patches"] != subject.patches:
        return True
    return subject.flavor is not None and Flavor.of(result["flavor"]) != subject.flavor


def extract(
    run: Mapping[str, Any],
    candidate: Mapping[str, Any],
    subject: KeptSubject,
    placebos: Collection[str],
) -> dict[str, Any]:
    """What is kept of one candidate of a run. `placebos` names the series that are placebos."""
    controls = [
        {"name": one["name"], "title": one["title"], "suite": one["suite"]}
        for one in run["candidates"]
        if one is not candidate and _is_control(one, placebos) and one["suite"] is not None
    ]
    return {
        **_chosen(candidate, _OF_CANDIDATE),
        "patches": dict(subject.patches),
        "base": {
            "title": run["base"]["title"],
            "revision": run["base"]["revision"],
            "flavor": run["base"]["flavor"]["name"],
            "facts": _facts(run["base"]),
        },
        "facts": _facts(candidate),
        "controls": controls,
        "session": {key: one for key, one in run["session"].items() if key != "missing"},
        "run": list(run["warnings"]),
        **_chosen(run, _OF_RUN),
    }


def _is_control(arm: Mapping[str, Any], placebos: Collection[str]) -> bool:
    is_placebo = len(arm["series"]) == 1 and arm["series"][0] in placebos
    return is_placebo or arm.get("kind", "candidate") != "candidate"


def _chosen(table: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: table[name] for name in names if name in table}


def _facts(arm: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if arm["build"] is None else _chosen(arm["build"]["facts"], _OF_FACTS)


def read(subject: KeptSubject) -> KeptResults:
    """What is kept of a subject; empty where nothing is.

    Raises DataError for a file that is damaged, or of another schema or subject.
    """
    path = subject.folder / FILE
    if not path.exists():
        return KeptResults(name=subject.name)
    try:
        return _understood(json.loads(path.read_text(encoding="utf-8")), subject.name)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise DataError(
            f"The results of {subject.name} cannot be read.",
            where=f"{path}: {getattr(error, 'strerror', None) or error}",
            hint="Remove it, and record a run again: "
            f"patchbench series {subject.name} --record DIR.",
        ) from error


def _understood(content: Any, name: str) -> KeptResults:
    """Raises ValueError, LookupError or TypeError for what is not ours."""
    if content["schema"] != SCHEMA:
        raise ValueError(f"it has schema {content['schema']}, not {SCHEMA}")
    if content["name"] != name:
        raise ValueError(f"it is of {content['name']}")
    for result in content["results"]:
        _check(result)
    return KeptResults(name=name, results=tuple(content["results"]))


def _check(result: Any) -> None:
    for key, kind in _SHAPE.items():
        if not isinstance(result[key], kind):
            raise ValueError(f"{key} is not what it should be")
    if not isinstance(result["base"]["title"], str):
        raise ValueError("its base has no title")
    Flavor.of(result["flavor"])
    suites = [] if result["suite"] is None else [result["suite"]]
    suites += [one["suite"] for one in result["controls"]]
    for row in (*result["comparisons"], *suites):
        if lacking := [key for key in _OF_ROW if key not in row]:
            raise ValueError(f"a comparison has no {lacking[0]}")
