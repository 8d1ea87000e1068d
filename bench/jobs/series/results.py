"""verdict.json: the recorded results of a series, a stack of series, or a flavor.

It has the part of a run's result (docs/result-schema.md) that readers of the series need:

    schema    1
    name      of what was measured: 3.13/compact-int-add, series-3.13/stack, flavors-3.13/pgo
    results   a list, one for each base that it was compared with: a version and a flavor

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

The run has already removed what must not be published, and nothing is added here. Pure, except
for `read`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.compare import SuiteComparison
from bench.results import (
    FILE as RUN_FILE,
)
from bench.results import (
    KEPT_FILE,
    Concluded,
    FactsRecord,
    HostRecord,
    RevisionRecord,
    SessionSummary,
)
from bench.util import documents
from builder.builds import Flavor
from builder.errors import DataError
from builder.patches import Series

SCHEMA = 1
FILE = KEPT_FILE
PAGE = "RESULT.md"

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
    "dispatch",
    "handlers",
    "reasons",
)


@dataclass(frozen=True, kw_only=True)
class KeptSubject:
    """A series, a stack of series, or a flavor, and the folder of its recorded results.

    `patches` maps the patches to their SHA-256, by name, in a stack by series and name. `flavor` is
    None except for a flavor: the others may be measured in any. `stack` names the series of a
    stack.
    """

    name: str
    title: str
    status: str
    folder: Path
    patches: Mapping[str, str] = field(default_factory=dict)
    flavor: Flavor | None = None
    stack: tuple[str, ...] = ()


def of_series(series: Series, root: Path) -> KeptSubject:
    """The subject of a series below the folder `root`."""
    return KeptSubject(
        name=series.name,
        title=series.title,
        status=series.status,
        folder=root / series.name,
        patches={patch.name: patch.sha256 for patch in series.patches},
    )


@dataclass(frozen=True, kw_only=True)
class KeptBase:
    """The base of a result; `flavor` is the name of its flavor."""

    title: str
    revision: RevisionRecord
    flavor: str
    facts: FactsRecord | None


@dataclass(frozen=True, kw_only=True)
class KeptControl:
    """An arm of the same run that changes nothing, and its comparison over the suite."""

    name: str
    title: str
    suite: SuiteComparison


@dataclass(frozen=True, kw_only=True)
class KeptResult(Concluded):
    """One of the results; the module's docstring describes the fields."""

    patches: Mapping[str, str]
    base: KeptBase
    facts: FactsRecord | None
    controls: tuple[KeptControl, ...]
    session: SessionSummary
    host: HostRecord
    when: str
    patchbench: str
    commands: tuple[str, ...]
    run: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeptResults:
    """The recorded results of a subject: `contents` as parsed JSON, `results` as values."""

    name: str
    contents: tuple[Mapping[str, Any], ...] = ()

    @property
    def results(self) -> tuple[KeptResult, ...]:
        """`contents` as values. Raises ValueError for damaged ones."""
        return documents.load(tuple[KeptResult, ...], self.contents)

    def as_text(self) -> str:
        """The text of verdict.json."""
        content = {"schema": SCHEMA, "name": self.name, "results": list(self.contents)}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def with_result(self, content: Mapping[str, Any], subject: KeptSubject) -> KeptResults:
        """A copy with one more result, which replaces that of the same base, without stale ones."""
        new = documents.load(KeptResult, content)
        kept = {base_of(new): content}
        for earlier, result in zip(self.contents, self.results, strict=True):
            if not is_stale(result, subject):
                kept.setdefault(base_of(result), earlier)
        return KeptResults(name=self.name, contents=tuple(kept[base] for base in sorted(kept)))


def base_of(result: KeptResult) -> str:
    """The title of the base that a subject was compared with, such as 3.13.5 pgo+lto."""
    return result.base.title


def is_stale(result: KeptResult, subject: KeptSubject) -> bool:
    """Whether the patches or the flavor have changed since the measurement."""
    if result.patches != subject.patches:
        return True
    return subject.flavor is not None and result.flavor != subject.flavor


def extract(
    run: Mapping[str, Any],
    candidate: Mapping[str, Any],
    subject: KeptSubject,
    placebos: Collection[str],
) -> dict[str, Any]:
    """Extract the part of a run that is recorded of one candidate.

    `run` is result.json as parsed JSON, `candidate` an item of its candidates, and `placebos` names
    the series that are placebos.
    """
    controls = [
        {"name": arm["name"], "title": arm["title"], "suite": arm["suite"]}
        for arm in run["candidates"]
        if arm is not candidate and _is_control(arm, placebos) and arm["suite"] is not None
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
        "session": {key: value for key, value in run["session"].items() if key != "missing"},
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
    """Read the recorded results of a subject; empty where there are none.

    Raises DataError for a file that is damaged, has another schema, subject or the old name.
    """
    path = subject.folder / FILE
    hint = f"Remove it and record a run again: patchbench series {subject.name} --record DIR."
    if not path.exists():
        old = path.with_name(RUN_FILE)
        if old.exists():
            raise DataError(
                f"The recorded results of a series are now named {FILE}.",
                where=str(old),
                hint=f"Rename it to {FILE}: only the result of a run is named {RUN_FILE}.",
            )
        return KeptResults(name=subject.name)
    what = f"The recorded result of {subject.name}"
    content = documents.read_json(path, what=what, hint=hint)
    if problem := _mismatch(content, subject.name):
        raise DataError(f"{what} cannot be read.", where=f"{path}: {problem}", hint=hint)
    results = content.get("results")
    documents.typed(tuple[KeptResult, ...], results, where=str(path), what=what, hint=hint)
    return KeptResults(name=subject.name, contents=tuple(results or ()))


def _mismatch(content: Mapping[str, Any], name: str) -> str:
    """Why a file is not the recorded result of `name`; "" where it is."""
    if content.get("schema") != SCHEMA:
        return f"it has schema {content.get('schema')!r}, not {SCHEMA}"
    return "" if content.get("name") == name else f"it is the result of {content.get('name')!r}"
