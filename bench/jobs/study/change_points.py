"""study change-points: how often the detection of nightly changes is wrong, and how soon right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.context import Context
from bench.util import cell, print_json, print_table
from bench.validation import change_points as nights
from builder.files import guard_writes, write_atomically

FILE = "change-points.json"
SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class ChangePointsRequest:
    """`out` is a folder for change-points.json; None writes no file."""

    out: Path | None = None
    small: bool = False
    seed: int = 1


def study(context: Context, request: ChangePointsRequest, *, as_json: bool) -> int:
    """Simulate nights without a change and nights with a step, and show both rates."""
    simulate = partial(nights.study, seed=request.seed)
    if request.small:
        simulate = partial(simulate, series=4, nights=100, tries=10)
    with context.show.bar("simulating", len(nights.NOISES) + len(nights.REFERENCES)) as bar:
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
    if not request.small:  # few nights bound nothing
        for line in _not_kept(result):
            context.show.say(f"not as promised: {line}")
    return 0


def _document(result: nights.Study, request: ChangePointsRequest) -> dict[str, Any]:
    promised = {"within": nights.WITHIN, "promised": nights.FOUND}
    return {
        "schema": SCHEMA,
        "seed": request.seed,
        "small": request.small,
        "false_alarms": [
            {**asdict(one), "rate": one.rate, "promised": 1 / nights.NIGHTS_AN_ALARM}
            for one in result.alarms.values()
        ],
        "steps": [{**asdict(one), "share": one.share, **promised} for one in result.found.values()],
    }


def _show(result: nights.Study) -> None:
    table = Table("no change", "alarms", "series-nights", "nights an alarm, at least", box=None)
    for alarms in result.alarms.values():
        least = f"{1 / alarms.upper:.0f}"
        table.add_row(cell(alarms.noise), str(alarms.alarms), str(alarms.nights), least)
    print_table(table)
    in_time = f"steps seen within {nights.WITHIN} nights"
    table = Table("nights before the step", in_time, "of", "at least", box=None)
    for steps in result.found.values():
        counts = (steps.reference, steps.found, steps.tries)
        table.add_row(*map(str, counts), f"{steps.lower:.1%}")
    print_table(table)


def _not_kept(result: nights.Study) -> Iterator[str]:
    """The promises are of independent normal nights, and of the longest reference."""
    normal = result.alarms[nights.NORMAL]
    if normal.upper > 1 / nights.NIGHTS_AN_ALARM:
        yield f"a false alarm in {1 / normal.upper:.0f} nights, not in {nights.NIGHTS_AN_ALARM}"
    longest = result.found[max(result.found)]
    if longest.lower < nights.FOUND:
        share = f"{longest.lower:.1%}"
        yield f"{share} of steps are seen within {nights.WITHIN} nights, not {nights.FOUND:.0%}"
