"""Before anything is built: which benchmarks will lack packages on an arm, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.benchmarks import (
    FITS,
    MISSING,
    UNCHECKED,
    UNKNOWN,
    Availability,
    Missing,
    PackageSource,
    RequirementState,
    TargetPython,
)
from bench.context import Context
from bench.planning import Resolved, missing_lines
from builder.errors import MeasureError

_WORDS = {
    MISSING: "will be missing",
    UNKNOWN: "not known before it is installed",
    UNCHECKED: "requirements not checked",
}


@dataclass(frozen=True, kw_only=True)
class RequirementCheck:
    """What pip says of the requirements of each Python that is to be measured.

    `needing` are the benchmarks that have requirements.
    """

    answers: Mapping[TargetPython, Mapping[str, RequirementState]]
    needing: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """A line for each reason, with the benchmarks that it concerns; none where all fit."""
        return tuple(
            f"{word}: {line}"
            for state, word in _WORDS.items()
            for line in missing_lines(self._with(state))
        )

    def refuse_hopeless(self, base: TargetPython) -> None:
        """Raise MeasureError if the base can run none of the benchmarks."""
        answers = self.answers.get(base, {})
        if answers and all(answer.state == MISSING for answer in answers.values()):
            raise MeasureError(
                f"None of the chosen benchmarks can be measured on Python {base.title}: their "
                "requirements are not to be had.",
                where="\n".join(missing_lines(self._with(MISSING))),
                hint="Choose benchmarks without requirements (--suite quick), or name a folder "
                "that has wheels of them with --wheels.",
            )

    def _with(self, state: str) -> list[Missing]:
        return [
            Missing(benchmark=name, reason=answer.reason)
            for answers in self.answers.values()
            for name, answer in answers.items()
            if answer.state == state != FITS
        ]


def check(context: Context, resolved: Resolved, source: PackageSource) -> RequirementCheck:
    """Ask pip for each Python of a plan that is to be built. Runtimes are not asked for: their
    wheels are those that their own pip says.
    """
    availability = Availability(context.home.root / "availability", context.runner, source)
    needing = [one for one in resolved.selection.benchmarks if one.requirements]
    if not needing:
        return RequirementCheck(answers={})
    pythons = dict.fromkeys(targets(resolved))
    return RequirementCheck(
        answers={python: availability.check(needing, python) for python in pythons},
        needing=tuple(one.name for one in needing),
    )


def targets(resolved: Resolved) -> Sequence[TargetPython]:
    """The Pythons of a plan that are to be built, the base's first."""
    return [
        TargetPython.of(arm.recipe.revision.version, arm.recipe.flavor.configure)
        for arm in resolved.plan.arms
        if arm.recipes
    ]


def package_source(context: Context, wheels: str) -> PackageSource:
    """The source of packages of an experiment; `wheels` is its folder, "" for pip's index."""
    return PackageSource(
        environment=context.pip_environment, wheels=Path(wheels) if wheels else None
    )
