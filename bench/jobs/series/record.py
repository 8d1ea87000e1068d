"""Record the results of a run beside the series, stacks and flavors that it measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.context import Context, own_folder
from bench.jobs.series import page, subjects
from bench.jobs.series.results import (
    FILE,
    PAGE,
    KeptResults,
    KeptSubject,
    base_of,
    extract,
    of_series,
    read,
)
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
    """Record the results of a run for `name` (see `subjects.chosen`), or for all that it measured.

    Those are the series and flavors that were alone in an arm, and the stacks. `out` is as in
    `_target`. Raises DataError for a folder without a result, and UsageError when the run measured
    none of them as it is now, or outside a checkout without `out`.
    """
    from bench.results import FILE as RUN_FILE
    from bench.results import parse_document, read_document

    target = _target(context, out)
    document = read_document(folder)
    run = parse_document(document, str(folder / RUN_FILE))
    contents = {
        candidate.name: content
        for candidate, content in zip(run.candidates, document["candidates"], strict=True)
    }
    requested = {subject.name for subject in subjects.chosen(context, name)}
    known = subjects.series(context)
    placebos = {series.name for series in known.values() if series.status == "placebo"}
    recorded = []
    for candidate, subject, reason in _measured_subjects(context, run, known):
        if subject.name not in requested:
            continue
        if reason:
            context.show.say(f"{candidate.name} is not recorded: {reason}")
            continue
        content = extract(document, contents[candidate.name], subject, placebos)
        _store(context, subject, content, target / subject.folder.relative_to(context.project))
        recorded.append(subject.name)
        context.show.say(f"{subject.name}: {headline(candidate)}")
    if not recorded:
        raise _nothing_recorded(run, folder, name or "")
    if as_json:
        print_json(recorded)
    return 0


def render(context: Context, *, name: str | None, out: Path | None) -> int:
    """Render RESULT.md again from the recorded results. `out` is as in `_target`."""
    target = _target(context, out)
    for subject in subjects.chosen(context, name):
        folder = target / subject.folder.relative_to(context.project)
        kept = _kept(subject, folder)
        if kept.results:
            path = folder / PAGE
            with guard_writes(folder):
                folder.mkdir(parents=True, exist_ok=True)
                write_atomically(path, page.render(kept))
            context.show.say(f"Written: {path}")
    return 0


def _target(context: Context, out: Path | None) -> Path:
    """The parent folder of patches/ and experiments/: `out`, or the checkout.

    Raises UsageError outside a checkout without `out`.
    """
    return own_folder(context.project, "") if out is None else out


def _kept(subject: KeptSubject, folder: Path) -> KeptResults:
    """The recorded results in `folder`, written by an earlier `--out`, else beside the subject."""
    exists = (folder / FILE).exists()
    return read(replace(subject, folder=folder) if exists else subject)


def _measured_subjects(
    context: Context, run: Result, known: Mapping[str, Series]
) -> Iterator[tuple[CandidateResult, KeptSubject, str]]:
    """Each candidate that is a series, stack or flavor, with the reason not to record it, or ""."""
    of_experiments = subjects.of_experiments(context, known)
    base = run.base.series
    for candidate in run.candidates:
        own = candidate.series
        if own[: len(base)] == base and len(own) == len(base) + 1 and own[-1] in known:
            series = known[own[-1]]
            yield candidate, of_series(series, context.patches), _unfit(run, candidate, known)
        for subject in of_experiments:
            if subjects.is_of(subject, run, candidate):
                yield candidate, subject, _unfit_for_experiment(run, candidate, subject, known)


def _unfit(run: Result, candidate: CandidateResult, known: Mapping[str, Series]) -> str:
    """Why a candidate is no measurement of the series as it is now; "" where it is."""
    base, series = run.base, known[candidate.series[-1]]
    if set(base.series) != set(series.requires):
        return f"its base has the series {', '.join(base.series) or 'none'}, not those it requires."
    return _changes_more_than_patches(run, candidate) or _other_patches(run, candidate, known)


def _unfit_for_experiment(
    run: Result, candidate: CandidateResult, subject: KeptSubject, known: Mapping[str, Series]
) -> str:
    """Why a candidate does not measure the experiment's stack or flavor as it is now, or ""."""
    if subject.stack:
        if candidate.series != subject.stack:
            return "its series are not what the experiment has now."
        return _changes_more_than_patches(run, candidate) or _other_patches(run, candidate, known)
    if candidate.flavor != subject.flavor:
        return "its flavor is not what the experiment has now."
    if candidate.series != run.base.series:
        return "it has patches that the base does not have."
    return _changes_more_than_series(run, candidate)


def _changes_more_than_patches(run: Result, candidate: CandidateResult) -> str:
    if candidate.flavor != run.base.flavor:
        return "its flavor is not the base's."
    return _changes_more_than_series(run, candidate)


def _changes_more_than_series(run: Result, candidate: CandidateResult) -> str:
    if candidate.revision != run.base.revision:
        return "its revision is not the base's."
    if candidate.placebo or candidate.kind != "candidate":
        return "its layout differs from the base's."
    if candidate.variant != run.base.variant or candidate.runtime is not None:
        return "it runs compiled code, or is another runtime."
    return ""


def _other_patches(run: Result, candidate: CandidateResult, known: Mapping[str, Series]) -> str:
    """The first patch of the candidate's arm that differs from the one in patches/, or ""."""
    from bench.results import kept_patches

    plans = {arm.name: arm.patches or {} for arm in run.experiment.arms}
    stack = [known[name] for name in candidate.series if name in known]
    kept = kept_patches(candidate.name, stack)
    now = {name: patch.sha256 for name, patch in kept}
    measured = plans.get(candidate.name, {})
    for name in sorted({*now, *measured}):
        if now.get(name) != measured.get(name):
            return f"the measured patch differs from the one in patches/ ({Path(name).name})."
    return ""


def _store(
    context: Context, subject: KeptSubject, content: Mapping[str, Any], folder: Path
) -> None:
    before = _kept(subject, folder)
    kept = before.with_result(content, subject)
    bases = [base_of(result) for result in kept.results]
    for result in before.results:
        if base_of(result) not in bases:
            context.show.say(
                f"{subject.name}: removed the result against {base_of(result)}, which is stale"
            )
    text = page.render(kept)
    with guard_writes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / PAGE, text)
        write_atomically(folder / FILE, kept.as_text())


def _nothing_recorded(run: Result, folder: Path, name: str) -> UsageError:
    from bench.results import FILE as RUN_FILE

    arms = [f"{arm.name} ({', '.join(arm.series) or 'none'})" for arm in run.candidates]
    what = name or "a series, stack or flavor"
    return UsageError(
        f"No candidate of the run measures {what} alone, in its present state.",
        where=f"{folder / RUN_FILE}: {'; '.join(arms)}",
        hint="Run an experiment with a candidate for each series, in the flavor of its base: "
        "experiments/series-2.7.toml shows the form.",
    )
