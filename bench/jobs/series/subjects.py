"""The subjects of recorded results: the series of patches/, and candidates of experiments/.

Those candidates differ from their base only in the flavor, or only in several series, which are a
stack. They are named by experiment and candidate, such as flavors-2.7/pgo, and their results lie in
experiments/flavors-2.7/pgo/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.context import Context
from bench.experiments import ArmRequest, Experiment, load
from bench.jobs.series.results import KeptSubject, of_series
from builder.errors import PatchError
from builder.patches import catalogue

if TYPE_CHECKING:
    from bench.results import CandidateResult, Result

FLAVOR, STACK = "flavor", "stack"


def series(context: Context) -> dict[str, catalogue.Series]:
    """All valid series by name; of the others, a line says what is wrong with each."""

    def refused(error: PatchError) -> None:
        context.show.say(f"Left out: {error.what} {error.hint} ({error.where})")

    return {entry.name: entry for entry in catalogue.load_all(context.patches, refused)}


def chosen(context: Context, name: str | None = None) -> list[KeptSubject]:
    """All subjects, series first; or those that `name` names.

    `name` is the name of a subject, a branch or an experiment. Raises PatchbenchError for an
    invalid file, and PatchError for an unknown name or when there is no series at all.
    """
    known = series(context)
    if not known:
        raise PatchError(
            "There are no series of patches.",
            where=str(context.patches),
            hint="They are part of patchbench, in its folder patches/: install it again, or "
            "start it from a complete checkout.",
        )
    everything = [of_series(entry, context.patches) for entry in known.values()]
    everything += of_experiments(context, known)
    if name is None:
        return everything
    word = name.strip("/")
    named = [
        subject for subject in everything if word in (subject.name, subject.name.partition("/")[0])
    ]
    # For an unknown name, `load` raises an error that suggests similar ones.
    return named or [of_series(catalogue.load(context.patches, word or name), context.patches)]


def of_experiments(context: Context, known: Mapping[str, catalogue.Series]) -> list[KeptSubject]:
    """The stacks and flavors of experiments; `known` has all series by name."""
    return [
        subject
        for path in sorted(context.experiments.glob("*.toml"))
        for subject in _of_experiment(context, load(path), known)
    ]


def _of_experiment(
    context: Context, experiment: Experiment, known: Mapping[str, catalogue.Series]
) -> Iterator[KeptSubject]:
    for arm in experiment.candidates:
        name = f"{experiment.name}/{arm.name}"
        folder = context.experiments / name
        if _is_flavor(arm, experiment.base):
            title = f"{experiment.base.revision} {arm.flavor.name}"
            yield KeptSubject(
                name=name, title=title, status=FLAVOR, folder=folder, flavor=arm.flavor
            )
        stack = _stack(arm, experiment.base)
        if len(stack) > 1 and all(series in known for series in stack):
            yield KeptSubject(
                name=name,
                title=", ".join(stack),
                status=STACK,
                folder=folder,
                patches={
                    f"{series}/{patch.name}": patch.sha256
                    for series in stack
                    for patch in known[series].patches
                },
                stack=arm.series,
            )


def _is_flavor(arm: ArmRequest, base: ArmRequest) -> bool:
    return arm.flavor != base.flavor and arm == _like(base, arm, flavor=arm.flavor)


def _stack(arm: ArmRequest, base: ArmRequest) -> Sequence[str]:
    """The series that an arm has beyond the base; () where it differs in anything else."""
    is_on_base = arm.series[: len(base.series)] == base.series
    if not is_on_base or arm != _like(base, arm, series=arm.series):
        return ()
    return arm.series[len(base.series) :]


def _like(base: ArmRequest, arm: ArmRequest, **changes: Any) -> ArmRequest:
    """The base with the name of the arm and some changes, without a revision of its own."""
    return replace(base, name=arm.name, revision="", **changes)


def is_of(subject: KeptSubject, run: Result, candidate: CandidateResult) -> bool:
    """Whether the names of a run's candidate and of the stack or flavor `subject` are equal."""
    return subject.name == f"{run.experiment.name}/{candidate.name}"
