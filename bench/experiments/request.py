"""The experiment that a command line requests: its typed values, and the experiment of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.experiments.build import build, command_line
from bench.experiments.experiment import ArmRequest, ConditionChanges, Conditions, Experiment
from bench.experiments.reading import experiment_from, read
from bench.experiments.session_options import SessionOptions
from bench.experiments.shared_keys import runtime_place, source_of, suite_names
from builder.builds import Flavor
from builder.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class ExperimentRequest:
    """An experiment file, or the options that define arms; and changes to the conditions.

    `candidate` is the revision of the candidate that is built, `worktree` asks for the work tree of
    the source instead. Without a `base` the base is found in the candidate's history; that of a
    work tree is its HEAD. Variables are texts NAME=VALUE;
    `candidate_environment` are those of the candidate's processes beyond `run_environment`.
    """

    file: Path | None = None
    base: str = ""
    candidate: str = ""
    patches: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    variant: str = ""
    runtime: str = ""
    worktree: bool = False
    source: str = ""
    pgo: bool = False
    lto: bool = False
    thin_lto: bool = False
    bolt: bool = False
    cc: str = ""
    configure: tuple[str, ...] = ()
    configure_variables: tuple[str, ...] = ()
    build_environment: tuple[str, ...] = ()
    run_environment: tuple[str, ...] = ()
    candidate_environment: tuple[str, ...] = ()
    changes: ConditionChanges = field(default_factory=ConditionChanges)

    @property
    def given(self) -> tuple[str, ...]:
        """The set options that define arms, as a file does."""
        values = {
            "--base": self.base,
            "--patch": self.patches,
            "--series": self.series,
            "--candidate": self.candidate,
            "--worktree": self.worktree,
            "--variant": self.variant,
            "--runtime": self.runtime,
            "--source": self.source,
            "--pgo": self.pgo,
            "--lto": self.lto,
            "--thin-lto": self.thin_lto,
            "--bolt": self.bolt,
            "--cc": self.cc,
            "--configure": self.configure,
            "--configure-var": self.configure_variables,
            "--build-env": self.build_environment,
            "--run-env": self.run_environment,
            "--try-env": self.candidate_environment,
        }
        return tuple(option for option, value in values.items() if value)


def experiment_of(request: ExperimentRequest) -> Experiment:
    """Build the requested experiment. Raises UsageError for a request with too many or too few
    options, and ExperimentError for values that do not make an experiment.
    """
    if request.file is None:
        return _composed(request)
    if request.given:
        raise UsageError(
            f"{request.given[0]} cannot be combined with a FILE, which defines the arms.",
            hint="Change the file, or omit it.",
        )
    return experiment_from(read(request.file), request.changes)


def _composed(request: ExperimentRequest) -> Experiment:
    _refuse_too_little(request)
    origin, here = command_line(_names(request)), Path.cwd()
    shared = ArmRequest(
        source=source_of(origin, request.source, here) if request.source else None,
        flavor=_flavor(request),
    )
    return build(
        origin,
        name="adhoc",
        base=replace(shared, revision=request.base),
        candidates=_candidates(request, shared, here),
        conditions=_conditions(request.changes, here),
    )


def _flavor(request: ExperimentRequest) -> Flavor:
    """The flavor of all arms."""
    return Flavor(
        pgo=request.pgo,
        lto=request.lto or request.thin_lto,
        lto_mode="thin" if request.thin_lto else "",
        bolt=request.bolt,
        cc=request.cc or Flavor().cc,
        configure=request.configure,
        variables=_once(request.configure_variables),
        build_environment=_once(request.build_environment),
        run_environment=_once(request.run_environment),
    )


def _once(variables: Sequence[str]) -> tuple[str, ...]:
    """The variables by name; of one that is named twice the last. Texts in another form, which the
    check of a flavor refuses, are kept.
    """
    named = {text.partition("=")[0]: text for text in variables}
    return tuple(named[name] for name in sorted(named))


def _refuse_too_little(request: ExperimentRequest) -> None:
    if not request.given:
        raise UsageError(
            "No experiment is specified.",
            hint="Name a file (experiments/quickstart.toml), or --base with --patch, --series, "
            "--candidate, --worktree, --variant or --runtime.",
        )
    _refuse_worktree_of_nothing(request)
    if not request.base and not request.candidate and not request.worktree:
        raise UsageError("--base is missing.", hint="For example: --base 3.13")
    built = (request.patches, request.series, request.candidate, request.worktree)
    if not any((*built, request.variant, request.runtime, request.candidate_environment)):
        raise UsageError(
            "There is no candidate to compare the base with.",
            hint="Add --patch, --series, --candidate, --worktree, --variant, --runtime or "
            "--try-env.",
        )


def _refuse_worktree_of_nothing(request: ExperimentRequest) -> None:
    if request.worktree and request.candidate:
        raise UsageError(
            "--worktree and --candidate are two candidates: the work tree stands on its own HEAD.",
            hint="Leave one out. To compare the work tree with a commit: --worktree --base REV.",
        )
    if request.worktree and not request.source:
        raise UsageError(
            "--worktree needs --source: the clone whose work tree is measured.",
            hint="For example, in the clone: --source . --worktree",
        )


def _candidates(request: ExperimentRequest, shared: ArmRequest, here: Path) -> list[ArmRequest]:
    """Return the candidates: one that is built, and a runtime, if they are specified."""
    built = replace(
        shared,
        revision=request.candidate,
        worktree=request.worktree,
        series=request.series,
        # Not resolved: the target of /dev/fd/63, a shell's <(git diff), is not a path.
        patches=tuple(
            patch if patch == "-" else str((here / patch).absolute()) for patch in request.patches
        ),
        variant=request.variant,
    )
    runtime = replace(shared, runtime=runtime_place(request.runtime, here))
    arms = [arm for arm in (built, runtime) if arm != shared]
    own = request.candidate_environment
    if not own:
        return arms
    variables = _once((*request.run_environment, *own))
    flavor = replace(shared.flavor, run_environment=variables)
    return [replace(arm, flavor=flavor) for arm in arms or [shared]]


def _conditions(changes: ConditionChanges, here: Path) -> Conditions:
    default = Conditions()
    return Conditions(
        suite=suite_names(changes.suite, here) or default.suite,
        gate=changes.gate or default.gate,
        wheels=changes.wheels,
        session=changes.session.applied(SessionOptions()),
    )


def _names(request: ExperimentRequest) -> dict[str, str]:
    """Return the options that name the arms, by the keys of an experiment file."""
    named = ("--worktree", "--series", "--patch", "--candidate", "--variant")
    built = [option for option in named if option in request.given][:1]
    runtime = ["--runtime"] if request.runtime else []
    names = {f"candidate[{n}].name": option for n, option in enumerate((*built, *runtime), 1)}
    return {**names, **_names_of_variables(), "candidate[1].worktree": "--worktree"}


def _names_of_variables() -> dict[str, str]:
    """Return the options that set the keys of a flavor."""
    of_base = {
        "configure": "--configure",
        "variables": "--configure-var",
        "environment.build": "--build-env",
        "environment.run": "--run-env",
    }
    of_candidate = of_base | {"environment.run": "--try-env"}
    base = {f"base.flavor.{key}": option for key, option in of_base.items()}
    return base | {f"candidate[1].flavor.{key}": option for key, option in of_candidate.items()}
