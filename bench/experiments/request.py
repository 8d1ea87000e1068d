"""What a command line asks for, as typed values, and the experiment that it leads to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.experiments.build import build, command_line
from bench.experiments.experiment import ArmRequest, ConditionChanges, Conditions, Experiment
from bench.experiments.reading import read, understand
from bench.experiments.session_options import SessionOptions
from bench.experiments.shared_keys import runtime_place, source_of, suite_names
from builder.builds import Flavor
from builder.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class ExperimentRequest:
    """A file, or what one would say of the arms; and changes to its conditions.

    `candidate` is the revision of the candidate that is built. Without a `base` the candidate's own
    history decides.
    """

    file: Path | None = None
    base: str = ""
    candidate: str = ""
    patches: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    variant: str = ""
    runtime: str = ""
    source: str = ""
    pgo: bool = False
    lto: bool = False
    changes: ConditionChanges = field(default_factory=ConditionChanges)

    @property
    def given(self) -> tuple[str, ...]:
        """The options that say what the arms are, as a file does."""
        values = {
            "--base": self.base,
            "--patch": self.patches,
            "--series": self.series,
            "--candidate": self.candidate,
            "--variant": self.variant,
            "--runtime": self.runtime,
            "--source": self.source,
            "--pgo": self.pgo,
            "--lto": self.lto,
        }
        return tuple(option for option, value in values.items() if value)


def experiment_of(request: ExperimentRequest) -> Experiment:
    """The experiment that is asked for. Raises UsageError for a request that says too much or too
    little, and ExperimentError for values that make no experiment.
    """
    if request.file is None:
        return _composed(request)
    if request.given:
        raise UsageError(
            f"{request.given[0]} goes without a FILE: the file says what the arms are.",
            hint="Change the file, or leave it out.",
        )
    return understand(read(request.file), request.changes)


def _composed(request: ExperimentRequest) -> Experiment:
    _refuse_too_little(request)
    origin, here = command_line(_names(request)), Path.cwd()
    shared = ArmRequest(
        source=source_of(origin, request.source, here) if request.source else None,
        flavor=Flavor(pgo=request.pgo, lto=request.lto),
    )
    return build(
        origin,
        name="adhoc",
        base=replace(shared, revision=request.base),
        candidates=_candidates(request, shared, here),
        conditions=_conditions(request.changes, here),
    )


def _refuse_too_little(request: ExperimentRequest) -> None:
    if not request.given:
        raise UsageError(
            "There is no experiment.",
            hint="Name a file (experiments/quickstart.toml), or --base with --patch, --series, "
            "--candidate, --variant or --runtime.",
        )
    if not request.base and not request.candidate:
        raise UsageError("--base is missing.", hint="For example: --base 3.13")
    arms = (request.patches, request.series, request.candidate, request.variant, request.runtime)
    if not any(arms):
        raise UsageError(
            "There is nothing to compare the base with.",
            hint="Give it a --patch, a --series, a --candidate, a --variant or a --runtime.",
        )


def _candidates(request: ExperimentRequest, shared: ArmRequest, here: Path) -> list[ArmRequest]:
    """The arm that is built, and the one that is there already, as far as they are named."""
    built = replace(
        shared,
        revision=request.candidate,
        series=request.series,
        # Not resolved: /dev/fd/63, a shell's <(git diff), leads to no path.
        patches=tuple(
            one if one == "-" else str((here / one).absolute()) for one in request.patches
        ),
        variant=request.variant,
    )
    there = replace(shared, runtime=runtime_place(request.runtime, here))
    return [arm for arm in (built, there) if arm != shared]


def _conditions(changes: ConditionChanges, here: Path) -> Conditions:
    plain = Conditions()
    return Conditions(
        suite=suite_names(changes.suite, here) or plain.suite,
        gate=changes.gate or plain.gate,
        wheels=changes.wheels,
        session=changes.session.applied(SessionOptions()),
    )


def _names(request: ExperimentRequest) -> dict[str, str]:
    """The options that name the arms, by the keys of an experiment file."""
    named = ("--series", "--patch", "--candidate", "--variant")
    built = [option for option in named if option in request.given][:1]
    there = ["--runtime"] if request.runtime else []
    return {f"candidate[{n}].name": option for n, option in enumerate((*built, *there), 1)}
