"""Check that the parts of a results folder agree, by recomputing every figure from the raw data.

No digest is trusted: somebody who alters a figure can update its digest too. pyperf's raw values
give the blocks' means; the means give ratios, intervals and verdicts; these give the reports. The
plan gives the recipes' keys, which name the builds. What cannot be recomputed (the gate, the host,
the facts of the builds) is listed in NOT_RECOMPUTED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.compare import TIMES, Comparisons
from bench.jobs.bundle.agreement import AgreementCheck, Counter, read_part, short
from bench.jobs.bundle.recipes import check_patches, check_plan, own_name, plan_of
from bench.results import Result, parse_document
from bench.run import ladder
from bench.session import SessionRecord, verdicts, warmup_of, warmups_by_task
from builder.errors import PatchbenchError

# Another machine's libm and scipy may round the last digits differently; they decide nothing.
TOLERANCE = 1e-9
# Python sums floats more exactly since 3.12: a plain sum or mean may differ in its last digit.
_SUMS = 1e-13
NOT_RECOMPUTED = (
    "the gate, the host, the facts of the builds, the description of each change, the time and "
    "the commands"
)
_DAMAGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class BundleContents:
    """The contents of a bundle or results folder. `reports` maps file names to texts.

    `plan` and `document` are plan.json and result.json as parsed JSON, so that unknown keys are
    compared too; `render` makes the reports of a result.
    """

    folder: Path
    plan: Mapping[str, Any]
    document: Mapping[str, Any]
    measured: SessionRecord
    reports: Mapping[str, str]
    render: Callable[[Result], Mapping[str, str]]


def verify(contents: BundleContents) -> tuple[AgreementCheck, ...]:
    """Run every check. Disagreements are returned as problems, not raised."""
    return tuple(_run_check(name, check, contents) for name, check in _CHECKS.items())


def _run_check(
    name: str, check: Callable[..., Iterator[str]], contents: BundleContents
) -> AgreementCheck:
    counter = Counter()
    problems: list[str] = []
    try:
        # Not a list(): problems before an exception are kept.
        for problem in check(contents, counter):
            problems.append(problem)
    except (*_DAMAGE, OSError) as error:
        problems.append(f"{name}: cannot be compared ({type(error).__name__}: {error})")
    except PatchbenchError as error:
        problems.append(f"{name}: cannot be compared ({error.what} {error.where})")
    return AgreementCheck(name=name, compared=counter.count, problems=tuple(problems))


# -- raw data -------------------------------------------------------------------------------------


def _check_raw(contents: BundleContents, counter: Counter) -> Iterator[str]:
    """Compare pyperf's values with every block.json, also of blocks that were measured again."""
    for path in sorted((contents.folder / "raw").glob("*/*/block.json")):
        record = read_part(path)
        where = path.parent.relative_to(contents.folder).as_posix()
        for arm in record["means"]:
            content = read_part(path.parent / f"{own_name(arm)}.json")
            file = f"{where}/{arm}.json"
            recorded, trial = _recorded_trial(record, arm), _pyperf_trial(content)
            yield from counter.differences(recorded, {"mean": trial.pop("mean")}, file, _SUMS)
            yield from counter.differences(recorded, trial, file)
            # Only runtimes that compile while they run have a recorded warm-up.
            if arm in (record.get("warmups") or {}):
                yield from counter.differences(
                    record["warmups"][arm], warmup_of(content), file, _SUMS
                )
        busy = sum(
            spent["start"] + spent["values"] + spent["end"] for spent in record["spent"].values()
        )
        recomputed = {"busy_seconds": busy}
        yield from counter.differences(record, recomputed, f"{where}/block.json", TOLERANCE)


def _recorded_trial(record: Mapping[str, Any], arm: str) -> dict[str, Any]:
    """The trial of an arm as block.json records it."""
    trial = {
        "task": record["task"],
        "mean": record["means"][arm],
        "values": record["values"][arm],
        "block": record["number"],
        "position": record["positions"][arm],
        "variant": arm,
    }
    optional = ("seed", "protocol", "replica")
    return trial | {name: record[name] for name in optional if name in record}


def _pyperf_trial(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields from pyperf's JSON of one process."""
    (benchmark,) = content["benchmarks"]
    runs = benchmark["runs"]
    values = [value for run in runs for value in run.get("values", ())]
    metadata = {
        **content.get("metadata", {}),
        **benchmark.get("metadata", {}),
        **runs[-1].get("metadata", {}),
    }
    names = ("block", "position", "variant", "seed", "protocol", "replica")
    return {
        "task": metadata["name"],
        "mean": sum(values) / len(values),
        "values": len(values),
        **{name: metadata[f"patchbench_{name}"] for name in names},
    }


# -- result.json ----------------------------------------------------------------------------------


def _check_blocks(contents: BundleContents, counter: Counter) -> Iterator[str]:
    """Compare the blocks in result.json with those of the raw data."""
    recorded = {
        (block["benchmark"], block["number"]): block for block in contents.document["blocks"]
    }
    measured = {(block.task, block.number): block for block in contents.measured.blocks}
    for key in sorted({*recorded, *measured}):
        where = f"result.json, block {key[1]} of {key[0]}"
        if key not in recorded:
            yield f"{where}: it is in the raw data, but not recorded"
        elif key not in measured:
            yield f"{where}: it is recorded, but not in the raw data"
        else:
            block = asdict(measured[key])
            names = [name for name in recorded[key] if name in block and name != "benchmark"]
            yield from counter.differences(
                recorded[key], {name: block[name] for name in names}, where
            )


def _check_session(contents: BundleContents, counter: Counter) -> Iterator[str]:
    """Compare the session of result.json with the raw data and the plan."""
    session, measured = contents.document["session"], contents.measured
    expected: dict[str, Any] = {
        "suite": contents.plan["suite"],
        "seed": contents.plan["seed"],
        "gate": contents.plan["gate"],
        "margin": contents.plan["session"]["margin"],
        "budget": contents.plan["session"]["budget"],
        "blocks": contents.plan["session"]["blocks"],
    }
    if measured.blocks:
        expected["seconds"] = measured.seconds
        busy = {"busy_seconds": measured.busy_seconds}
        yield from counter.differences(session, busy, "result.json, session", _SUMS)
    if "disturbance" in session:
        # The rule is the sentence of the version that measured: as recorded, like the commands.
        counts = {key: measured.disturbance[key] for key in measured.disturbance if key != "rule"}
        expected["disturbance"] = {**session["disturbance"], **counts}
    if "protocols" in session:
        expected["protocols"] = {block.task: block.protocol for block in measured.blocks}
    yield from counter.differences(session, expected, "result.json, session")
    missing = [row.as_json() for row in measured.missing]
    yield from _check_missing(session.get("missing", []), missing, "result.json, session", counter)
    rules = contents.folder / "raw" / "rules.json"
    if rules.exists():
        yield from counter.differences(read_part(rules), _rules(contents.plan), "raw/rules.json")


def _rules(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The session rules that the plan fixes before the first block; the looks follow from them."""
    options = plan["session"]
    names = [arm["name"] for arm in plan["arms"][1:]]
    own = [arm["name"] for arm in plan["arms"][1:] if arm.get("kind") == "candidate"]
    return {
        **{name: options[name] for name in ("margin", "budget", "blocks", "replicas")},
        "seed": plan["seed"],
        "watched": own or names,
        "sequential": options.get("until") == "decided",
    }


def _check_missing(
    recorded: Any, missing: Iterable[Mapping[str, str]], where: str, counter: Counter
) -> Iterator[str]:
    """Check that each missing benchmark of the raw data is recorded.

    The reverse is not required: what could not be installed never reached the raw data.
    """
    for row in missing:
        counter.count += 1
        if row not in recorded:
            yield f"{where}, missing: {row['benchmark']} is not as in the raw data"


def _check_comparisons(contents: BundleContents, counter: Counter) -> Iterator[str]:
    """Recompute ratios, intervals, verdicts and warnings."""
    document = contents.document
    by_arm = _comparisons_by_arm(contents)
    placebos = [arm for name, arm in by_arm.items() if _kind(document, name) == "placebo"]
    band = verdicts.Band.of(placebos)
    for candidate in document["candidates"]:
        name = candidate["name"]
        where = f"result.json, {name}"
        compared = by_arm.get(name) or Comparisons(
            margin=candidate["margin"], error=candidate["error"], method=candidate["method"]
        )
        if name in by_arm and _kind(document, name) != "placebo":
            compared = verdicts.beside(compared, band)
        yield from _check_candidate(candidate, compared, where, counter)
        missing = [
            replace(row, arm="").as_json()
            for row in contents.measured.missing
            if row.arm in ("", name)
        ]
        yield from _check_missing(candidate["missing"], missing, where, counter)
        warmups = warmups_by_task(contents.measured.blocks, name)
        if warmups or "warmups" in candidate:
            yield from counter.differences(
                {"warmups": candidate.get("warmups")}, {"warmups": warmups}, where, TOLERANCE
            )
    if "placebo_band" in document:
        recomputed = None if band is None else asdict(band)
        yield from counter.differences(
            {"band": document["placebo_band"]}, {"band": recomputed}, "result.json", TOLERANCE
        )
    yield from _check_ladder(contents, counter)


def _comparisons_by_arm(contents: BundleContents) -> dict[str, Comparisons]:
    """The recomputed comparisons of every arm that was measured."""
    margin = contents.plan["session"]["margin"]
    arms = {name for block in contents.measured.blocks for name in block.means}
    return {
        candidate["name"]: verdicts.conclude(contents.measured, candidate["name"], margin=margin)
        for candidate in contents.document["candidates"]
        if candidate["name"] in arms
    }


def _kind(document: Mapping[str, Any], name: str) -> str:
    return next(
        str(candidate.get("kind", "candidate"))
        for candidate in document["candidates"]
        if candidate["name"] == name
    )


def _check_candidate(
    candidate: Mapping[str, Any], compared: Comparisons, where: str, counter: Counter
) -> Iterator[str]:
    recomputed = compared.as_json()
    # Recorded with more than comparisons have: see `_check_missing`, and the arm's own warnings.
    del recomputed["missing"]
    warnings = recomputed.pop("warnings")
    if not any(key in row for row in candidate["comparisons"] for key in TIMES):
        # Older results have no times at all. Where one row has them, none may lack them.
        for row in recomputed["comparisons"]:
            for key in TIMES:
                row.pop(key, None)
    yield from counter.differences(candidate, recomputed, where, TOLERANCE)
    for warning in warnings:
        if warning not in candidate["warnings"]:
            yield f"{where}, warnings: {short(warning)} is not recorded"
    verdict = candidate["verdict"]
    if verdict != _BROKEN:
        suite = recomputed["suite"]
        expected = suite["verdict"] if suite else "undecided"
        yield from counter.differences(verdict, expected, f"{where}, verdict")


def _check_ladder(contents: BundleContents, counter: Counter) -> Iterator[str]:
    """Recompute the rungs of a ladder."""
    recorded = [rung for rung in contents.document.get("ladder") or () if "tasks" in rung]
    if recorded:
        rungs = ladder.recomputed(recorded, contents.measured, contents.plan["session"]["margin"])
        yield from counter.differences(
            {"rungs": recorded}, {"rungs": rungs}, "result.json, ladder", TOLERANCE
        )


# -- reports --------------------------------------------------------------------------------------


def _check_reports(contents: BundleContents, counter: Counter) -> Iterator[str]:
    """Compare each report with the one that is rendered from result.json."""
    rendered = contents.render(parse_document(contents.document))
    for name, text in contents.reports.items():
        counter.count += 1
        if name not in rendered:
            yield f"{name}: this version of patchbench makes no such report"
        elif rendered[name] != text:
            place = _first_difference(rendered[name], text)
            yield f"{name}: it is not the report of result.json{place}"


def _first_difference(expected: str, actual: str) -> str:
    """Where two texts begin to differ."""
    pairs = zip(expected.splitlines(), actual.splitlines(), strict=False)
    for number, (expected_line, line) in enumerate(pairs, 1):
        if expected_line != line:
            return f", from line {number}: {short(line)}"
    return ": one of them ends earlier"


_CHECKS: dict[str, Callable[[BundleContents, Counter], Iterator[str]]] = {
    "raw data": _check_raw,
    "blocks": _check_blocks,
    "session": _check_session,
    "comparisons": _check_comparisons,
    "plan": lambda contents, counter: check_plan(contents.plan, contents.document, counter),
    "patches": lambda contents, counter: check_patches(
        plan_of(contents.plan), contents.folder, counter
    ),
    "reports": _check_reports,
}
