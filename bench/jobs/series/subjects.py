"""What results can be kept of: the series of patches/, and what experiments/ ask about.

That is, candidates of a ready experiment that differ from its base in nothing but their flavor, or
in nothing but several series, which are a stack. Each is called after both, flavors-2.7/pgo, and
what is kept of it lies in experiments/flavors-2.7/pgo/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.context import Context
from bench.experiments import ArmRequest, Experiment, load
from bench.jobs.series.results import KeptSubject, of_series
from builder.errors import PatchError
from builder.patches import catalogue

FLAVOR, STACK = "flavor", "stack"


def series(context: Context) -> dict[str, catalogue.Series]:
    """Every series by its name. Raises PatchError for the first that is not valid."""
    return {one.name: one for one in catalogue.load_all(context.patches)}


def chosen(context: Context, name: str | None = None) -> list[KeptSubject]:
    """All of them, series first; or the one of that name, or those of that branch or experiment.

    Raises errors of the family for a file that is wrong, PatchError for an unknown name, and where
    there is no series at all.
    """
    known = series(context)
    if not known:
        raise PatchError(
            "There is not one series of patches.",
            where=str(context.patches),
            hint="They come with patchbench, in its folder patches/: install it again, or start it "
            "from a whole checkout.",
        )
    everything = [of_series(one, context.patches) for one in known.values()]
    everything += of_experiments(context, known)
    if name is None:
        return everything
    word = name.strip("/")
    own = [one for one in everything if word in (one.name, one.name.partition("/")[0])]
    # None of that name: what there is, is said by whoever looks for it.
    return own or [of_series(catalogue.load(context.patches, word or name), context.patches)]


def of_experiments(context: Context, known: Mapping[str, catalogue.Series]) -> list[KeptSubject]:
    """The stacks and flavors that experiments ask about; `known` has every series by its name."""
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
        if len(stack) > 1 and all(one in known for one in stack):
            yield KeptSubject(
                name=name,
                title=", ".join(stack),
                status=STACK,
                folder=folder,
                patches={
                    f"{one}/{patch.name}": patch.sha256
                    for one in stack
                    for patch in known[one].patches
                },
                stack=arm.series,
            )


def _is_flavor(arm: ArmRequest, base: ArmRequest) -> bool:
    return arm.flavor != base.flavor and arm == _like(base, arm, flavor=arm.flavor)


def _stack(arm: ArmRequest, base: ArmRequest) -> Sequence[str]:
    """The series of an arm that differs from the base in nothing else."""
    is_on_base = arm.series[: len(base.series)] == base.series
    if not is_on_base or arm != _like(base, arm, series=arm.series):
        return ()
    return arm.series[len(base.series) :]


def _like(base: ArmRequest, arm: ArmRequest, **but: Any) -> ArmRequest:
    """The base as this arm, but for some fields; it need not name the revision."""
    return replace(base, name=arm.name, revision="", **but)


def is_of(subject: KeptSubject, run: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether a run's candidate is the stack or flavor `subject`, by its name."""
    return subject.name == f"{run['experiment']['name']}/{candidate['name']}"
