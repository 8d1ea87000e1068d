"""Write and read result.json: all that a report needs, under a schema (docs/result-schema.md).

Every report and table is rendered from this file alone; no statistics are computed after it. Its
content may be published: the host's name is a hash, and folders of this machine are replaced by
placeholders such as HOME.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.compare import Comparisons
from bench.experiments import CANDIDATE, Plan
from bench.measure import FalseCalls
from bench.results.change import ChangeRecord
from bench.results.shape import Result
from bench.session import Band, BlockRecord, SessionRecord, warmups_by_task
from bench.util import documents, published
from builder.builds import Build, Difference, Judgement, facts, unbuilt_json
from builder.errors import DataError

SCHEMA = 1
FILE = "result.json"
KEPT_FILE = "verdict.json"
"""The file that `patchbench series --record` writes beside the series (bench/jobs/series)."""
BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class ArmReport:
    """The outcome of one arm. `builds` are its replicas; `broken` is why one failed, or empty.

    `placebo` is a recipe's, such as padding:3. `variant` is the compiled code that the arm runs.
    `runtime` describes a Python that patchbench did not build: it has no builds, series or flavor.
    `environment` and `jit` are as in `bench.results.ArmResult`.
    """

    name: str
    kind: str = CANDIDATE
    title: str
    series: tuple[str, ...]
    revision: dict[str, Any]
    flavor: dict[str, Any]
    placebo: str = ""
    variant: str = ""
    runtime: Mapping[str, Any] | None = None
    builds: tuple[Build, ...] = ()
    broken: str = ""
    judgement: Judgement | None = None
    differences: tuple[Difference, ...] = ()
    comparisons: Comparisons | None = None
    warnings: tuple[str, ...] = ()
    change: ChangeRecord | None = None
    environment: tuple[str, ...] = ()
    jit: str = ""

    @property
    def build(self) -> Build | None:
        """The build of the first replica."""
        return self.builds[0] if self.builds else None

    @property
    def verdict(self) -> str:
        """The suite's verdict, or broken; undecided when nothing could be compared."""
        if self.broken or (self.judgement is not None and not self.judgement.passed):
            return BROKEN
        if self.comparisons is None or self.comparisons.suite is None:
            return "undecided"
        return self.comparisons.suite.verdict


@dataclass(frozen=True, kw_only=True)
class ProtocolRecord:
    """The protocols' calibration on this host. `origin` is why they were chosen, in one line.

    `false_calls` counts how often a base was called different from itself, in the comparisons that
    `comparisons` describes; None when this was not measured.
    """

    origin: str = ""
    false_calls: FalseCalls | None = None
    comparisons: str = ""

    def false_calls_as_json(self) -> dict[str, Any] | None:
        """`false_calls` in the form of result.json."""
        if self.false_calls is None:
            return None
        return {**asdict(self.false_calls), "origin": self.comparisons}


def assemble(
    *,
    plan: Plan,
    seed: int,
    arms: Sequence[ArmReport],
    measured: SessionRecord | None,
    calibrated: ProtocolRecord = ProtocolRecord(),
    band: Band | None = None,
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
        "session": _session(plan, seed, measured, calibrated),
        "base": _arm(arms[0]),
        "candidates": [_candidate(arm, measured) for arm in arms[1:]],
        "placebo_band": None if band is None else asdict(band),
        "blocks": [_block(block) for block in measured.blocks] if measured else [],
        "warnings": list(warnings),
        "commands": list(commands),
    }
    cleaned: dict[str, Any] = published(content, places)
    return cleaned


def _session(
    plan: Plan, seed: int, measured: SessionRecord | None, calibrated: ProtocolRecord
) -> dict[str, Any]:
    options = plan.experiment.session
    summary: dict[str, Any] = {
        "suite": plan.suite,
        "protocol": plan.protocol,
        "seed": seed,
        "margin": options.margin,
        "budget": options.budget,
        "blocks": options.blocks,
        "until": options.until,
        "replicas": plan.replicas,
        "gate": plan.experiment.gate,
        "calibration": calibrated.origin,
        "false_calls": calibrated.false_calls_as_json(),
    }
    if measured is not None:
        summary |= {
            "seconds": measured.seconds,
            "busy_seconds": measured.busy_seconds,
            "missing": [missing.as_json() for missing in measured.missing],
            "protocols": {block.task: block.protocol for block in measured.blocks},
            "disturbance": dict(measured.disturbance),
        }
    return summary


def _arm(arm: ArmReport) -> dict[str, Any]:
    return {
        "name": arm.name,
        "kind": arm.kind,
        "title": arm.title,
        "revision": arm.revision,
        "series": list(arm.series),
        "flavor": arm.flavor,
        "placebo": arm.placebo,
        **({"variant": arm.variant} if arm.variant else {}),
        **({"runtime": dict(arm.runtime)} if arm.runtime is not None else {}),
        "warnings": list(arm.warnings),
        "build": None if arm.build is None else _build(arm.build),
        "replicas": [_replica(build) for build in arm.builds],
        **({"change": documents.dump(arm.change)} if arm.change is not None else {}),
        **({"environment": list(arm.environment)} if arm.environment else {}),
        **({"jit": arm.jit} if arm.jit else {}),
    }


def _build(build: Build) -> dict[str, Any]:
    size = facts.code_bytes(build.facts, build.prefix)
    return {
        "key": build.key,
        "stages": [asdict(stage) for stage in build.stages],
        "facts": asdict(build.facts),
        "regenerated": list(build.regenerated),
        **unbuilt_json(build),
        **({"code_bytes": size} if size is not None else {}),
    }


def _replica(build: Build) -> dict[str, Any]:
    """The facts in which builds of an arm may differ: without PGO, in nothing but their layout."""
    return {
        "key": build.key,
        "title": build.title,
        "seconds": build.seconds,
        "eval_bytes": build.facts.eval_bytes,
        "indirect_jumps": build.facts.indirect_jumps,
    }


def _candidate(arm: ArmReport, measured: SessionRecord | None) -> dict[str, Any]:
    warmups = {} if measured is None else warmups_by_task(measured.blocks, arm.name)
    compared = arm.comparisons or Comparisons(margin=0.01, error=0.05, method="")
    return {
        **_arm(arm),
        "verdict": arm.verdict,
        "broken": arm.broken,
        "gate": asdict(arm.judgement) if arm.judgement else None,
        "differences": [asdict(difference) for difference in arm.differences],
        **compared.as_json(),
        **({"warmups": warmups} if warmups else {}),
        # Those of the arm, and those of all its comparisons.
        "warnings": [*arm.warnings, *compared.warnings],
    }


def _block(block: BlockRecord) -> dict[str, Any]:
    return {
        "number": block.number,
        "benchmark": block.task,
        "replica": block.replica,
        "protocol": block.protocol,
        "disturbed": block.disturbed,
        "means": dict(block.means),
        "positions": dict(block.positions),
        "seconds": block.seconds,
        "state": dict(block.state),
        **({"warmups": dict(block.warmups)} if block.warmups else {}),
    }


def read(folder: Path) -> Result:
    """Read the result in a results folder.

    Raises DataError, which names the file and the key, when there is no result, when it has another
    schema, and when it is damaged.
    """
    return parse_document(read_document(folder), where=str(folder / FILE))


def read_document(folder: Path) -> dict[str, Any]:
    """Read result.json of a results folder as plain JSON, to print it or to look for alterations.

    Raises DataError when the file is missing or is not JSON.
    """
    if not (folder / FILE).exists() and (folder / KEPT_FILE).exists():
        raise _kept(folder / KEPT_FILE)
    return documents.read_json(
        folder / FILE,
        what="There is no result here: result.json",
        hint="Name a results folder of `patchbench run`. To continue a run that was stopped, enter "
        "the same command again.",
    )


def parse_document(document: Mapping[str, Any], where: str = FILE) -> Result:
    """Convert a document into typed values.

    Raises DataError, which names `where` and the wrong key.
    """
    if "results" in document and "experiment" not in document:
        raise _kept(Path(where))
    schema = document.get("schema")
    if schema != SCHEMA:
        raise DataError(
            f"The result has schema {schema!r}; this patchbench reads {SCHEMA}.",
            where=where,
            hint="Use the patchbench that wrote it.",
        )
    return documents.typed(Result, document, where=where, what="The result is damaged: it")


def _kept(path: Path) -> DataError:
    return DataError(
        "This is the recorded verdict of a series, stack or flavor, not the results of a run.",
        where=str(path),
        hint="`patchbench series BRANCH/NAME` shows it; RESULT.md beside it is its page. A report "
        "is made from the results folder of a run (`patchbench run --out DIR`).",
    )
