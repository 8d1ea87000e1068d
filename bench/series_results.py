"""result.json of a series: what runs found of it, kept beside its patches.

It holds the part of a run's result (docs/result-schema.md) that a reader of the series needs:

    schema    1
    series    its name: 3.13/compact-int-add
    results   a list, one for each base that it was held against: a version and a flavor

Each of the results has the keys of a candidate in a run's result (`title`, `verdict`, `broken`,
`gate`, `comparisons`, `suite`, `suites`, `missing`, `differences`, `margin`, `error`, `method`,
`warnings`), and

    patches     the SHA-256 of each patch by its name, as it was measured
    base        the base: `title`, `revision`, `flavor` (its name), `facts` of its build
    facts       those of the series' own build; null where it did not build
    controls    a list of `name`, `title` and `suite`: arms of the same run that change nothing
    session     of the run, without what was missing in any of its arms
    run         warnings of the whole run
    host, when, patchbench, commands    as in the run's result

It was clean for publishing when the run wrote it, and nothing is added here. Pure, but for `read`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.catalogue import Series
from builder.errors import DataError

SCHEMA = 1
FILE = "result.json"
PAGE = "RESULT.md"

Result = Mapping[str, Any]
"""One of the results, as the module's docstring has it."""

_OF_CANDIDATE = (
    *("name", "kind", "title", "verdict", "broken", "gate", "comparisons", "suite", "suites"),
    *("missing", "differences", "margin", "error", "method", "warnings"),
)
_OF_RUN = ("host", "when", "patchbench", "commands")
_OF_FACTS = (
    *("compiler", "options", "pgo", "lto", "computed_gotos"),
    *("eval_function", "eval_bytes", "indirect_jumps"),
)
# What every reader relies on.
_SHAPE: dict[str, type | tuple[type, ...]] = {
    "title": str,
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
class SeriesResults:
    """All that is kept of a series."""

    series: str
    results: tuple[Result, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The content of result.json."""
        return {"schema": SCHEMA, "series": self.series, "results": list(self.results)}

    def as_text(self) -> str:
        """result.json, to the letter."""
        return json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n"

    def with_result(self, result: Result, series: Series) -> SeriesResults:
        """With one result more, in place of that of the same base; without those that are stale."""
        kept = [
            one
            for one in self.results
            if base_of(one) != base_of(result) and not is_stale(one, series)
        ]
        ordered = sorted([*kept, result], key=base_of)
        return SeriesResults(series=self.series, results=tuple(ordered))


def base_of(result: Result) -> str:
    """What a series was held against: 3.13.5 pgo+lto."""
    return str(result["base"]["title"])


def digests(series: Series) -> dict[str, str]:
    """The SHA-256 of each patch of a series by its name."""
    return {patch.name: hashlib.sha256(patch.data).hexdigest() for patch in series.patches}


def is_stale(result: Result, series: Series) -> bool:
    """Whether the patches are no longer those that were measured."""
    return bool(result["patches"] != digests(series))


def extract(
    run: Mapping[str, Any],
    candidate: Mapping[str, Any],
    series: Series,
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
        "patches": digests(series),
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


def read(folder: Path, series: Series) -> SeriesResults:
    """What is kept in a series' folder; empty where nothing is.

    Raises DataError for a file that is damaged, or of another schema or series.
    """
    path = folder / FILE
    if not path.exists():
        return SeriesResults(series=series.name)
    hint = f"Remove it, and record a run again: patchbench series {series.name} --record DIR."
    try:
        return _understood(json.loads(path.read_text(encoding="utf-8")), series.name)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"The results of {series.name} cannot be read.", where=f"{path}: {reason}", hint=hint
        ) from error


def _understood(content: Any, name: str) -> SeriesResults:
    """Raises ValueError, LookupError or TypeError for what is not ours."""
    if content["schema"] != SCHEMA:
        raise ValueError(f"it has schema {content['schema']}, not {SCHEMA}")
    if content["series"] != name:
        raise ValueError(f"it is of {content['series']}")
    for result in content["results"]:
        for key, kind in _SHAPE.items():
            if not isinstance(result[key], kind):
                raise ValueError(f"{key} is not what it should be")
        if not isinstance(result["base"]["title"], str):
            raise ValueError("its base has no title")
    return SeriesResults(series=name, results=tuple(content["results"]))
