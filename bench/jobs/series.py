"""The series: listed and shown with what runs found of them, and what a run found kept."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from rich.table import Table

from bench import result as results
from bench import series_results as keeping
from bench.jobs.context import Context
from bench.jobs.folder import kept_patches
from bench.jobs.inspect import cell, print_json, print_table
from bench.progress import harmless, stdout_console
from bench.report import series as pages
from bench.report import terminal
from bench.report.wording import headline
from bench.series_results import SeriesResults
from builder.catalogue import Series, load, load_all
from builder.errors import DataError, UsageError
from builder.store import guard_writes, write_atomically

_MANIFEST = ("title", "why", "applies_to", "upstream", "status", "effect", "mechanism")


def series(context: Context, *, name: str | None, as_json: bool) -> int:
    """List all series with their verdicts, or show one with all that was found."""
    found = [load(context.patches, name)] if name else list(load_all(context.patches))
    pairs = [(one, keeping.read(_folder(context, one), one)) for one in found]
    with _readable(str(context.patches)):
        if as_json:
            print_json([_told(one, kept) for one, kept in pairs])
        elif name:
            _show(*pairs[0])
        else:
            _list(pairs)
    return 0


def record(context: Context, folder: Path, *, name: str | None, as_json: bool) -> int:
    """Keep what a run found of the series `name`, or of each series that was alone in an arm.

    Raises DataError for a folder without a result, UsageError where the run did not measure what
    lies in patches/ now.
    """
    run = results.read(folder)
    known = {one.name: one for one in load_all(context.patches)}
    wanted = load(context.patches, name).name if name else ""
    placebos = {one.name for one in known.values() if one.status == "placebo"}
    recorded = []
    with _readable(f"{folder / results.FILE}"):
        for candidate, series, reason in _suited(run, known, wanted):
            if reason:
                context.show.say(f"{candidate['name']} is not recorded: {reason}")
                continue
            result = keeping.extract(run, candidate, series, placebos)
            _keep(context, series, result)
            recorded.append(series.name)
            context.show.say(f"{series.name}: {headline(result)}")
    if not recorded:
        raise _nothing_recorded(run, folder, wanted)
    if as_json:
        print_json(recorded)
    return 0


def render(context: Context, *, name: str | None) -> int:
    """Make RESULT.md again from what is kept."""
    found = [load(context.patches, name)] if name else load_all(context.patches)
    for one in found:
        folder = _folder(context, one)
        kept = keeping.read(folder, one)
        if kept.results:
            with _readable(str(folder / keeping.FILE)), guard_writes(folder):
                write_atomically(folder / keeping.PAGE, pages.render(kept))
            context.show.say(f"Written: {folder / keeping.PAGE}")
    return 0


def _folder(context: Context, series: Series) -> Path:
    return context.patches / series.name


@contextlib.contextmanager
def _readable(where: str) -> Iterator[None]:
    """A result that lacks something deep inside is a damaged file, and no bug."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, TemplateError) as error:
        raise DataError(
            "The result is damaged: it lacks what is needed of it.",
            where=f"{where}: {type(error).__name__}: {error}",
            hint="Get it again from where it was made.",
        ) from error


# -- what there is -------------------------------------------------------------------------------


def _told(series: Series, kept: SeriesResults) -> dict[str, Any]:
    return {
        "name": series.name,
        **{key: getattr(series, key) for key in _MANIFEST},
        "requires": list(series.requires),
        "conflicts": list(series.conflicts),
        "patches": [patch.name for patch in series.patches],
        "results": [
            {"stale": keeping.is_stale(result, series), **result} for result in kept.results
        ],
    }


def _list(pairs: Sequence[tuple[Series, SeriesResults]]) -> None:
    table = Table(box=None)
    for title in ("series", "status", "against", "ratio", "interval", "verdict", "title"):
        table.add_column(title, no_wrap=title not in ("title", "status"))
    for one, kept in pairs:
        told = (one.name, one.status)
        for number, result in enumerate(kept.results or (None,)):
            stale = result is not None and keeping.is_stale(result, one)
            cells = pages.cells(result, stale=stale)
            first = number == 0
            table.add_row(*map(cell, (*(told if first else ("", "")), *cells)), cell(one.title))
    print_table(table)


def _show(series: Series, kept: SeriesResults) -> None:
    told = _told(series, kept)
    del told["results"]
    for key, value in told.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        sys.stdout.write(f"{key:11} {harmless(str(shown))}\n")
    console = stdout_console()
    for result in kept.results:
        base = keeping.base_of(result)
        console.print(f"\n[bold]{cell(series.name)}[/bold] against {cell(base)}, {_origin(result)}")
        terminal.show_comparisons(result, console)
        for control in result["controls"]:
            console.print(cell(f"changing nothing: {pages.controlled(control)}"))
        console.print(f"[bold]{cell(headline(result))}[/bold]")
        if keeping.is_stale(result, series):
            console.print("[yellow]stale:[/yellow] the patches have changed since; measure again")
    if not kept.results:
        sys.stdout.write("\nNot measured yet: no run was recorded.\n")


def _origin(result: keeping.Result) -> str:
    return cell(f"{result['when'][:10]} on {result['host']['cpu']}")


# -- what a run found ----------------------------------------------------------------------------


def _suited(
    run: Mapping[str, Any], known: Mapping[str, Series], wanted: str
) -> Iterator[tuple[Mapping[str, Any], Series, str]]:
    """Each candidate that is one series, or is to be the wanted one; and why it cannot be kept."""
    for candidate in run["candidates"]:
        own = tuple(candidate["series"])
        base = tuple(run["base"]["series"])
        if own[: len(base)] != base or len(own) != len(base) + 1:
            continue
        series = known.get(own[-1])
        if series is not None and wanted in ("", series.name):
            yield candidate, series, _unfit(run, candidate, known)


def _unfit(
    run: Mapping[str, Any], candidate: Mapping[str, Any], known: Mapping[str, Series]
) -> str:
    """Why a candidate says nothing of the series as it is now; empty where it does."""
    base, series = run["base"], known[candidate["series"][-1]]
    if set(base["series"]) != set(series.requires):
        return f"it stands on {', '.join(base['series']) or 'nothing'}, not on what it requires."
    for key in ("flavor", "revision"):
        if candidate[key] != base[key]:
            return f"its {key} is not the base's."
    if candidate.get("placebo") or candidate.get("kind", "candidate") != "candidate":
        return "it has a layout of its own."
    return _otherwise(run, candidate, known)


def _otherwise(
    run: Mapping[str, Any], candidate: Mapping[str, Any], known: Mapping[str, Series]
) -> str:
    """Whether the patches of the candidate's arm are others than those in patches/."""
    plans = {one["name"]: one.get("patches", {}) for one in run["experiment"]["arms"]}
    stack = [known[name] for name in candidate["series"] if name in known]
    kept = kept_patches(candidate["name"], stack)
    now = {name: hashlib.sha256(patch.data).hexdigest() for name, patch in kept}
    measured = plans.get(candidate["name"], {})
    for name in sorted({*now, *measured}):
        if now.get(name) != measured.get(name):
            return f"what was measured is not what lies in patches/ now ({Path(name).name})."
    return ""


def _keep(context: Context, series: Series, result: Mapping[str, Any]) -> None:
    folder = _folder(context, series)
    before = keeping.read(folder, series)
    kept = before.with_result(result, series)
    for one in before.results:
        if keeping.base_of(one) not in map(keeping.base_of, kept.results):
            against = keeping.base_of(one)
            context.show.say(f"{series.name}: what was found against {against} is stale; removed")
    page = pages.render(kept)
    with guard_writes(folder):
        write_atomically(folder / keeping.PAGE, page)
        write_atomically(folder / keeping.FILE, kept.as_text())


def _nothing_recorded(run: Mapping[str, Any], folder: Path, wanted: str) -> UsageError:
    arms = [f"{one['name']} ({', '.join(one['series']) or 'none'})" for one in run["candidates"]]
    what = wanted or "any series"
    return UsageError(
        f"The run has no candidate that is {what} alone, as it lies in patches/ now.",
        where=f"{folder / results.FILE}: {'; '.join(arms)}",
        hint="Run an experiment with a candidate for each series: "
        f'series = ["{wanted or "BRANCH/NAME"}"], in the flavor of its base.',
    )
