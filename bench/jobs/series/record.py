"""Keeping what a run found of a series, a stack of series, or a flavor, beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.context import Context, own_folder
from bench.jobs.series import page as pages
from bench.jobs.series import results as keeping
from bench.jobs.series import subjects
from bench.jobs.series.results import KeptResults, KeptSubject, of_series
from bench.report import headline
from bench.util import print_json
from builder.errors import UsageError
from builder.files import guard_writes, write_atomically
from builder.patches import Series

if TYPE_CHECKING:
    from bench.results import CandidateResult, Result


def record(
    context: Context, folder: Path, *, name: str | None, out: Path | None, as_json: bool
) -> int:
    """Keep what a run found of `name` (`subjects.chosen`), or of each series and flavor that was
    alone in an arm, and of each stack. `out` as in `_target`.

    Raises DataError for a folder without a result, UsageError where the run did not measure what
    there is now, or outside a checkout without `out`.
    """
    from bench.results import FILE, parse_document, read_document

    target = _target(context, out)
    document = read_document(folder)
    run = parse_document(document, str(folder / FILE))
    contents = {
        one.name: content
        for one, content in zip(run.candidates, document["candidates"], strict=True)
    }
    wanted = {one.name for one in subjects.chosen(context, name)}
    known = subjects.series(context)
    placebos = {one.name for one in known.values() if one.status == "placebo"}
    recorded = []
    for candidate, subject, reason in _suited(context, run, known):
        if subject.name not in wanted:
            continue
        if reason:
            context.show.say(f"{candidate.name} is not recorded: {reason}")
            continue
        content = keeping.extract(document, contents[candidate.name], subject, placebos)
        _keep(context, subject, content, target / subject.folder.relative_to(context.project))
        recorded.append(subject.name)
        context.show.say(f"{subject.name}: {headline(candidate)}")
    if not recorded:
        raise _nothing_recorded(run, folder, name or "")
    if as_json:
        print_json(recorded)
    return 0


def render(context: Context, *, name: str | None, out: Path | None) -> int:
    """Make RESULT.md again from what is kept. `out` as in `_target`."""
    target = _target(context, out)
    for one in subjects.chosen(context, name):
        folder = target / one.folder.relative_to(context.project)
        kept = _kept(one, folder)
        if kept.results:
            path = folder / keeping.PAGE
            with guard_writes(folder):
                folder.mkdir(parents=True, exist_ok=True)
                write_atomically(path, pages.render(kept))
            context.show.say(f"Written: {path}")
    return 0


def _target(context: Context, out: Path | None) -> Path:
    """What takes patches/ and experiments/: `out`, or the checkout. UsageError outside of one."""
    return own_folder(context.project, "") if out is None else out


def _kept(subject: KeptSubject, folder: Path) -> KeptResults:
    """What is kept in `folder`, of an earlier `--out`; else beside the subject."""
    there = (folder / keeping.FILE).exists()
    return keeping.read(replace(subject, folder=folder) if there else subject)


def _suited(
    context: Context, run: Result, known: Mapping[str, Series]
) -> Iterator[tuple[CandidateResult, KeptSubject, str]]:
    """Each candidate that is a series, stack or flavor and nothing else; why it cannot be kept."""
    asked = subjects.of_experiments(context, known)
    base = run.base.series
    for candidate in run.candidates:
        own = candidate.series
        if own[: len(base)] == base and len(own) == len(base) + 1 and own[-1] in known:
            series = known[own[-1]]
            yield candidate, of_series(series, context.patches), _unfit(run, candidate, known)
        for subject in asked:
            if subjects.is_of(subject, run, candidate):
                yield candidate, subject, _unfit_asked(run, candidate, subject, known)


def _unfit(run: Result, candidate: CandidateResult, known: Mapping[str, Series]) -> str:
    """Why a candidate says nothing of the series as it is now; empty where it does."""
    base, series = run.base, known[candidate.series[-1]]
    if set(base.series) != set(series.requires):
        return f"it stands on {', '.join(base.series) or 'nothing'}, not on what it requires."
    return _more_than_patches(run, candidate) or _otherwise(run, candidate, known)


def _unfit_asked(
    run: Result, candidate: CandidateResult, asked: KeptSubject, known: Mapping[str, Series]
) -> str:
    """Why a candidate says nothing of the stack or flavor as the experiment has it now."""
    if asked.stack:
        if candidate.series != asked.stack:
            return "its series are not what the experiment has now."
        return _more_than_patches(run, candidate) or _otherwise(run, candidate, known)
    if candidate.flavor != asked.flavor:
        return "its flavor is not what the experiment has now."
    if candidate.series != run.base.series:
        return "it has patches of its own."
    return _laid_out_or_of_another_revision(run, candidate)


def _more_than_patches(run: Result, candidate: CandidateResult) -> str:
    if candidate.flavor != run.base.flavor:
        return "its flavor is not the base's."
    return _laid_out_or_of_another_revision(run, candidate)


def _laid_out_or_of_another_revision(run: Result, candidate: CandidateResult) -> str:
    if candidate.revision != run.base.revision:
        return "its revision is not the base's."
    if candidate.placebo or candidate.kind != "candidate":
        return "it has a layout of its own."
    if candidate.variant != run.base.variant or candidate.runtime is not None:
        return "it runs compiled code, or is another runtime."
    return ""


def _otherwise(run: Result, candidate: CandidateResult, known: Mapping[str, Series]) -> str:
    """Whether the patches of the candidate's arm are others than those in patches/."""
    from bench.results import kept_patches

    plans = {one.name: one.patches or {} for one in run.experiment.arms}
    stack = [known[name] for name in candidate.series if name in known]
    kept = kept_patches(candidate.name, stack)
    now = {name: patch.sha256 for name, patch in kept}
    measured = plans.get(candidate.name, {})
    for name in sorted({*now, *measured}):
        if now.get(name) != measured.get(name):
            return f"what was measured is not what lies in patches/ now ({Path(name).name})."
    return ""


def _keep(context: Context, subject: KeptSubject, content: Mapping[str, Any], folder: Path) -> None:
    before = _kept(subject, folder)
    kept = before.with_result(content, subject)
    there = [keeping.base_of(one) for one in kept.results]
    for one in before.results:
        if keeping.base_of(one) not in there:
            against = keeping.base_of(one)
            context.show.say(f"{subject.name}: what was found against {against} is stale; removed")
    page = pages.render(kept)
    with guard_writes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / keeping.PAGE, page)
        write_atomically(folder / keeping.FILE, kept.as_text())


def _nothing_recorded(run: Result, folder: Path, wanted: str) -> UsageError:
    from bench.results import FILE

    arms = [f"{one.name} ({', '.join(one.series) or 'none'})" for one in run.candidates]
    what = wanted or "any series or flavor"
    return UsageError(
        f"The run has no candidate that is {what} alone, as it is now.",
        where=f"{folder / FILE}: {'; '.join(arms)}",
        hint="Run an experiment with a candidate for each series, in the flavor of its base: "
        "experiments/series-2.7.toml shows the form.",
    )
