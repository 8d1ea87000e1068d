"""What results can be kept of: the series of patches/, and the flavors that experiments/ ask about.

A flavor is a candidate of a ready experiment that differs from its base in nothing else. It is
called after both, flavors-2.7/pgo, and what is kept of it lies in experiments/flavors-2.7/pgo/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.experiment import Arm, load
from bench.jobs.context import Context
from bench.kept_results import Subject, of_series
from builder import catalogue

STATUS = "flavor"


def series(context: Context) -> dict[str, catalogue.Series]:
    """Every series by its name. Raises PatchError for the first that is not valid."""
    return {one.name: one for one in catalogue.load_all(context.patches)}


def chosen(context: Context, name: str | None = None) -> list[Subject]:
    """All of them, series first; or the one of that name, or those of that branch or experiment.

    Raises errors of the family for a file that is wrong, PatchError for an unknown name.
    """
    flavors = list(_flavors(context))
    word = (name or "").strip("/")
    if "/" in word:
        own = [one for one in flavors if one.name == word]
        return own or [of_series(catalogue.load(context.patches, word), context.patches)]
    everything = [of_series(one, context.patches) for one in series(context).values()] + flavors
    own = [one for one in everything if one.name.partition("/")[0] == word]
    if name is not None and not own:
        catalogue.load(context.patches, name)  # says what there is
    return everything if name is None else own


def _flavors(context: Context) -> Iterator[Subject]:
    for path in sorted(context.experiments.glob("*.toml")):
        experiment = load(path)
        for arm in experiment.candidates:
            if _is_flavor(arm, experiment.base):
                name = f"{experiment.name}/{arm.name}"
                yield Subject(
                    name=name,
                    title=f"{experiment.base.revision} {arm.flavor.name}",
                    status=STATUS,
                    folder=context.experiments / name,
                    flavor=arm.flavor,
                )


def _is_flavor(arm: Arm, base: Arm) -> bool:
    others = (arm.series, arm.patches, arm.source) != (base.series, base.patches, base.source)
    is_whole = bool(arm.revision or arm.placebo or others)
    return not is_whole and arm.flavor != base.flavor


def is_of(subject: Subject, run: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether a run's candidate is the flavor `subject`."""
    name = f"{run['experiment']['name']}/{candidate['name']}"
    return subject.flavor is not None and subject.name == name
