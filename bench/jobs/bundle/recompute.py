"""Whether the parts of a results folder agree: every figure is computed again from the raw data.

Nothing here trusts a digest: whoever alters a digit can write its digest anew. pyperf's raw values
give the blocks' means, these give ratios, intervals and verdicts, these give the reports; the plan
gives the recipes' keys, and these name the builds. What cannot be computed again (the gate, the
host, the facts of the builds) is told to be as recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.compare import Comparisons
from bench.jobs.bundle.agreement import AgreementCheck, Counter, read_part, short
from bench.jobs.bundle.recipes import check_patches, check_plan, own_name, plan_of
from bench.results import Result, parse_document
from bench.run import ladder
from bench.session import SessionRecord, verdicts, warmup_of, warmups_by_task
from builder.errors import PatchbenchError

# Another machine's libm and scipy may round the last digits elsewhere; nothing rests on them.
TOLERANCE = 1e-9
# Python sums floats more exactly from 3.12 on: a plain sum or mean may differ in its last digit.
_SUMS = 1e-13
AS_RECORDED = "the gate, the host, the facts of the builds, the time and the commands"
_DAMAGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A results folder, read: what is held against each other. `reports` are texts by file name.

    `plan` and `document` are plan.json and result.json as they stand, so that nothing in them is
    passed over; `render` makes the reports of a result.
    """

    folder: Path
    plan: Mapping[str, Any]
    document: Mapping[str, Any]
    measured: SessionRecord
    reports: Mapping[str, str]
    render: Callable[[Result], Mapping[str, str]]


def verify(evidence: Evidence) -> tuple[AgreementCheck, ...]:
    """Hold everything against each other; problems are data, not errors."""
    return tuple(_checked(name, judge, evidence) for name, judge in _JUDGES.items())


def _checked(name: str, judge: Callable[..., Iterator[str]], evidence: Evidence) -> AgreementCheck:
    counter = Counter()
    problems: list[str] = []
    try:
        # One by one: what was found before it could not go on is told as well.
        for problem in judge(evidence, counter):
            problems.append(problem)
    except (*_DAMAGE, OSError) as error:
        problems.append(f"{name}: cannot be compared ({type(error).__name__}: {error})")
    except PatchbenchError as error:
        problems.append(f"{name}: cannot be compared ({error.what} {error.where})")
    return AgreementCheck(name=name, compared=counter.count, problems=tuple(problems))


# -- raw data -------------------------------------------------------------------------------------


def _raw(evidence: Evidence, counter: Counter) -> Iterator[str]:
    """pyperf's own values against what was recorded of each block, those that do not count too."""
    for path in sorted((evidence.folder / "raw").glob("*/*/block.json")):
        record = read_part(path)
        where = path.parent.relative_to(evidence.folder).as_posix()
        for arm in record["means"]:
            content = read_part(path.parent / f"{own_name(arm)}.json")
            found = f"{where}/{arm}.json"
            kept, trial = _recorded(record, arm), _trial(content)
            yield from counter.unlike(kept, {"mean": trial.pop("mean")}, found, _SUMS)
            yield from counter.unlike(kept, trial, found)
            # Of what compiles while it runs, the warm-up is told as well.
            if arm in (record.get("warmups") or {}):
                yield from counter.unlike(record["warmups"][arm], warmup_of(content), found, _SUMS)
        busy = sum(one["start"] + one["values"] + one["end"] for one in record["spent"].values())
        told = {"busy_seconds": busy}
        yield from counter.unlike(record, told, f"{where}/block.json", TOLERANCE)


def _recorded(record: Mapping[str, Any], arm: str) -> dict[str, Any]:
    """What block.json says of the trial of an arm."""
    told = {
        "task": record["task"],
        "mean": record["means"][arm],
        "values": record["values"][arm],
        "block": record["number"],
        "position": record["positions"][arm],
        "variant": arm,
    }
    optional = ("seed", "protocol", "replica")
    return told | {name: record[name] for name in optional if name in record}


def _trial(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same of pyperf's JSON of one process."""
    (benchmark,) = content["benchmarks"]
    runs = benchmark["runs"]
    values = [value for run in runs for value in run.get("values", ())]
    known = {
        **content.get("metadata", {}),
        **benchmark.get("metadata", {}),
        **runs[-1].get("metadata", {}),
    }
    names = ("block", "position", "variant", "seed", "protocol", "replica")
    return {
        "task": known["name"],
        "mean": sum(values) / len(values),
        "values": len(values),
        **{name: known[f"patchbench_{name}"] for name in names},
    }


# -- result.json ----------------------------------------------------------------------------------


def _blocks(evidence: Evidence, counter: Counter) -> Iterator[str]:
    """The blocks in result.json against those of the raw data."""
    recorded = {(one["benchmark"], one["number"]): one for one in evidence.document["blocks"]}
    found = {(one.task, one.number): one for one in evidence.measured.blocks}
    for key in sorted({*recorded, *found}):
        where = f"result.json, block {key[1]} of {key[0]}"
        if key not in recorded:
            yield f"{where}: it is in the raw data, and not recorded"
        elif key not in found:
            yield f"{where}: it is recorded, and not in the raw data"
        else:
            block = asdict(found[key])
            names = [name for name in recorded[key] if name in block and name != "benchmark"]
            yield from counter.unlike(recorded[key], {name: block[name] for name in names}, where)


def _session(evidence: Evidence, counter: Counter) -> Iterator[str]:
    """What result.json says of the session against the raw data and the plan."""
    session, measured = evidence.document["session"], evidence.measured
    expected: dict[str, Any] = {
        "suite": evidence.plan["suite"],
        "seed": evidence.plan["seed"],
        "gate": evidence.plan["gate"],
        "margin": evidence.plan["session"]["margin"],
        "budget": evidence.plan["session"]["budget"],
        "blocks": evidence.plan["session"]["blocks"],
    }
    if measured.blocks:
        expected["seconds"] = measured.seconds
        busy = {"busy_seconds": measured.busy_seconds}
        yield from counter.unlike(session, busy, "result.json, session", _SUMS)
    if "disturbance" in session:
        # The rule is the sentence of the version that measured: as recorded, like the commands.
        counts = {key: measured.disturbance[key] for key in measured.disturbance if key != "rule"}
        expected["disturbance"] = {**session["disturbance"], **counts}
    if "protocols" in session:
        expected["protocols"] = {block.task: block.protocol for block in measured.blocks}
    yield from counter.unlike(session, expected, "result.json, session")
    missing = [one.as_json() for one in measured.missing]
    yield from _lacking(session.get("missing", []), missing, "result.json, session", counter)
    rules = evidence.folder / "raw" / "rules.json"
    if rules.exists():
        yield from counter.unlike(read_part(rules), _rules(evidence.plan), "raw/rules.json")


def _rules(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What was fixed before the first block, as the plan has it; looks follow from these."""
    options = plan["session"]
    names = [arm["name"] for arm in plan["arms"][1:]]
    own = [arm["name"] for arm in plan["arms"][1:] if arm.get("kind") == "candidate"]
    return {
        **{name: options[name] for name in ("margin", "budget", "blocks", "replicas")},
        "seed": plan["seed"],
        "watched": own or names,
        "sequential": options.get("until") == "decided",
    }


def _lacking(
    recorded: Any, missing: Iterable[Mapping[str, str]], where: str, counter: Counter
) -> Iterator[str]:
    """What the raw data tell to be missing is said; what never was installed is recorded alone."""
    for one in missing:
        counter.count += 1
        if one not in recorded:
            yield f"{where}, missing: {one['benchmark']} is not as in the raw data"


def _comparisons(evidence: Evidence, counter: Counter) -> Iterator[str]:
    """Ratios, intervals, verdicts and warnings, computed again."""
    document = evidence.document
    found = _concluded(evidence)
    placebos = [one for name, one in found.items() if _kind(document, name) == "placebo"]
    band = verdicts.Band.of(placebos)
    for candidate in document["candidates"]:
        name = candidate["name"]
        where = f"result.json, {name}"
        compared = found.get(name) or Comparisons(
            margin=candidate["margin"], error=candidate["error"], method=candidate["method"]
        )
        if name in found and _kind(document, name) != "placebo":
            compared = verdicts.beside(compared, band)
        yield from _compared(candidate, compared, where, counter)
        missing = [
            replace(one, arm="").as_json()
            for one in evidence.measured.missing
            if one.arm in ("", name)
        ]
        yield from _lacking(candidate["missing"], missing, where, counter)
        warmups = warmups_by_task(evidence.measured.blocks, name)
        if warmups or "warmups" in candidate:
            yield from counter.unlike(
                {"warmups": candidate.get("warmups")}, {"warmups": warmups}, where, TOLERANCE
            )
    if "placebo_band" in document:
        recomputed = None if band is None else asdict(band)
        yield from counter.unlike(
            {"band": document["placebo_band"]}, {"band": recomputed}, "result.json", TOLERANCE
        )
    yield from _ladder(evidence, counter)


def _concluded(evidence: Evidence) -> dict[str, Comparisons]:
    """The comparisons of every arm that was measured."""
    margin = evidence.plan["session"]["margin"]
    arms = {name for block in evidence.measured.blocks for name in block.means}
    return {
        one["name"]: verdicts.conclude(evidence.measured, one["name"], margin=margin)
        for one in evidence.document["candidates"]
        if one["name"] in arms
    }


def _kind(document: Mapping[str, Any], name: str) -> str:
    return next(
        str(one.get("kind", "candidate")) for one in document["candidates"] if one["name"] == name
    )


def _compared(
    candidate: Mapping[str, Any], compared: Comparisons, where: str, counter: Counter
) -> Iterator[str]:
    recomputed = compared.as_json()
    # Told with more than the comparisons know: see `_lacking`, and an arm's own warnings.
    del recomputed["missing"]
    warnings = recomputed.pop("warnings")
    yield from counter.unlike(candidate, recomputed, where, TOLERANCE)
    for warning in warnings:
        if warning not in candidate["warnings"]:
            yield f"{where}, warnings: not recorded is {short(warning)}"
    verdict = candidate["verdict"]
    if verdict != _BROKEN:
        suite = recomputed["suite"]
        expected = suite["verdict"] if suite else "undecided"
        yield from counter.unlike(verdict, expected, f"{where}, verdict")


def _ladder(evidence: Evidence, counter: Counter) -> Iterator[str]:
    """The rungs of a ladder, computed again."""
    told = [one for one in evidence.document.get("ladder") or () if "tasks" in one]
    if told:
        found = ladder.recomputed(told, evidence.measured, evidence.plan["session"]["margin"])
        yield from counter.unlike(
            {"rungs": told}, {"rungs": found}, "result.json, ladder", TOLERANCE
        )


# -- reports --------------------------------------------------------------------------------------


def _reports(evidence: Evidence, counter: Counter) -> Iterator[str]:
    """Each report against what the result gives."""
    rendered = evidence.render(parse_document(evidence.document))
    for name, text in evidence.reports.items():
        counter.count += 1
        if name not in rendered:
            yield f"{name}: this patchbench makes no such report"
        elif rendered[name] != text:
            yield f"{name}: it is not what result.json gives{_first(rendered[name], text)}"


def _first(expected: str, found: str) -> str:
    """Where two texts begin to differ."""
    pairs = zip(expected.splitlines(), found.splitlines(), strict=False)
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            return f", from line {number}: {short(other)}"
    return ": one of them ends earlier"


_JUDGES: dict[str, Callable[[Evidence, Counter], Iterator[str]]] = {
    "raw data": _raw,
    "blocks": _blocks,
    "session": _session,
    "comparisons": _comparisons,
    "plan": lambda one, counter: check_plan(one.plan, one.document, counter),
    "patches": lambda one, counter: check_patches(plan_of(one.plan), one.folder, counter),
    "reports": _reports,
}
