"""study change-points: false alarms and delay of the detection of nightly changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.util import TextTable, cell, print_json, print_table
from bench.validation import change_points
from builder.files import guard_writes, write_atomically

FILE = "change-points.json"
SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class ChangePointsRequest:
    """The options of the study. `out` is the folder of change-points.json; None writes no file."""

    out: Path | None = None
    small: bool = False
    seed: int = 1


def study(context: Context, request: ChangePointsRequest, *, as_json: bool) -> int:
    """Simulate nights without a change and nights with a step, and show both rates."""
    simulate = partial(change_points.study, seed=request.seed)
    if request.small:
        simulate = partial(simulate, series=4, nights=100, tries=10)
    with context.show.bar(
        "simulating", len(change_points.NOISES) + len(change_points.REFERENCES)
    ) as bar:
        result = simulate(step=bar.advance)
    document = _document(result, request)
    if request.out is not None:
        with guard_writes(request.out):
            request.out.mkdir(parents=True, exist_ok=True)
            write_atomically(request.out / FILE, json.dumps(document, indent=1) + "\n")
        context.show.say(f"Written: {request.out / FILE}")
    if as_json:
        print_json(document)
    else:
        _show(result)
    if not request.small:  # a small study cannot confirm the targets
        for line in _missed_targets(result):
            context.show.say(f"target missed: {line}")
    return 0


def _document(result: change_points.Study, request: ChangePointsRequest) -> dict[str, Any]:
    promised = {"within": change_points.WITHIN, "promised": change_points.FOUND}
    return {
        "schema": SCHEMA,
        "seed": request.seed,
        "small": request.small,
        "false_alarms": [
            {**asdict(row), "rate": row.rate, "promised": 1 / change_points.NIGHTS_AN_ALARM}
            for row in result.alarms.values()
        ],
        "steps": [{**asdict(row), "share": row.share, **promised} for row in result.found.values()],
    }


def _show(result: change_points.Study) -> None:
    table = TextTable("no change", "alarms", "series-nights", "nights per alarm, at least")
    for alarms in result.alarms.values():
        least = f"{1 / alarms.upper:.0f}"
        table.add_row(cell(alarms.noise), str(alarms.alarms), str(alarms.nights), least)
    print_table(table)
    in_time = f"steps detected within {change_points.WITHIN} nights"
    table = TextTable("nights before the step", in_time, "of", "at least")
    for steps in result.found.values():
        counts = (steps.reference, steps.found, steps.tries)
        table.add_row(*map(str, counts), f"{steps.lower:.1%}")
    print_table(table)


def _missed_targets(result: change_points.Study) -> Iterator[str]:
    """The targets that were missed; they are for normal noise and the longest reference."""
    normal = result.alarms[change_points.NORMAL]
    if normal.upper > 1 / change_points.NIGHTS_AN_ALARM:
        nights = f"{1 / normal.upper:.0f} nights, not in {change_points.NIGHTS_AN_ALARM}"
        yield f"a false alarm in {nights}"
    longest = result.found[max(result.found)]
    if longest.lower < change_points.FOUND:
        share = f"{longest.lower:.1%}"
        target = f"within {change_points.WITHIN} nights, not {change_points.FOUND:.0%}"
        yield f"{share} of steps are detected {target}"
