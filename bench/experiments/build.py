"""Build an experiment from typed values, and check it.

Experiment files, the command line, nights, the ladder and bisections build their experiments here.
The caller chooses how an error names a value: as a key of a file with its line, or as an option.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import NoReturn

from bench.benchmarks import VARIANTS
from bench.experiments.experiment import (
    AA,
    BASE,
    GATES,
    ArmRequest,
    Conditions,
    Experiment,
    added,
    is_base,
    placebo_name,
)
from bench.experiments.session_options import SessionChanges, SessionOptions, right_value
from bench.util import NAME, Keys, as_name, is_name
from builder.builds import Flavor, layout, loop_flags
from builder.errors import ExperimentError
from builder.toolchain import BUILD, CONFIGURE, RUN, refusal

# Names of other files beside those named after arms, and names of arms that a session adds.
_TAKEN = ("base", "block", AA)
NOT_BUILT = "cannot be combined with a runtime, which is not built"
_CHANGED = tuple(vars(SessionChanges()))
_OPTION = re.compile(r"--(with|without|enable|disable)-[A-Za-z0-9][\w-]*(=.*)?", re.ASCII)
# Options for which a flavor has keys, or which are always set; and what to do instead.
_OURS = {
    "--enable-option-checking": "it is always on, so that no option is ignored",
    "--disable-option-checking": "it is always on, so that no option is ignored",
    "--enable-optimizations": "use pgo = true",
    "--with-lto": "use lto = true",
    "--with-computed-gotos": "use computed_gotos = true",
    "--without-computed-gotos": "",
}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The origin of an experiment's values, for messages.

    `names` has the user's names of some keys (session.blocks: --blocks); all others are named by
    the key, with the line in `file` if there is one.
    """

    where: str
    names: Mapping[str, str] = field(default_factory=dict)
    file: Keys | None = None

    def named(self, key: str) -> str:
        """Return the user's name of a key."""
        return self.names.get(key, key)

    def fail(self, key: str, problem: str, right: str) -> NoReturn:
        """Raise ExperimentError: the place of the value, what is wrong, and what would be right."""
        if self.file is not None and key not in self.names:
            self.file.fail(key, problem, right)
        raise ExperimentError(
            f"{self.named(key)} {problem}.", where=self.where, hint=f"Right would be: {right}."
        )


def command_line(more: Mapping[str, str] | None = None) -> Origin:
    """Return the origin of options; `more` has the names of further ones."""
    keys = ("suite", "gate", "wheels", "source", *(f"session.{name}" for name in _CHANGED))
    names = {key: f"--{key.rpartition('.')[2]}" for key in keys}
    return Origin(where="the command line", names={**names, **(more or {})})


def build(
    origin: Origin,
    *,
    name: str,
    base: ArmRequest,
    candidates: Iterable[ArmRequest],
    conditions: Conditions,
) -> Experiment:
    """Build an experiment; an arm without a name is named after its series, patches and so on.

    Raises ExperimentError for values that do not make an experiment.
    """
    experiment = Experiment(
        name=name,
        base=replace(base, name=BASE),
        candidates=tuple(
            arm if arm.name else replace(arm, name=_default_name(arm)) for arm in candidates
        ),
        suite=conditions.suite,
        gate=conditions.gate,
        wheels=conditions.wheels,
        session=conditions.session,
    )
    _check(origin, experiment)
    return experiment


def _default_name(arm: ArmRequest) -> str:
    stem = "+".join(
        (["worktree"] if arm.worktree else [])
        + [series.rsplit("/", 1)[-1] for series in arm.series]
        + _patch_stems(arm.patches)
        + ([placebo_name(arm.placebo)] if arm.placebo else [])
        + ([Path(arm.runtime).name] if arm.runtime else [])
        + ([arm.variant] if arm.variant else [])
    )
    name = as_name(stem or arm.revision or arm.flavor.name)
    return f"{name}-candidate" if name in _TAKEN else name


def _patch_stems(patches: Sequence[str]) -> list[str]:
    """The names of patch files without their endings; a cover letter is no patch."""
    stems = [Path(patch).stem if patch != "-" else "stdin" for patch in patches]
    return [stem for stem in stems if not stem.startswith("0000-")] or stems


# -- checks ---------------------------------------------------------------------------------------


def _check(origin: Origin, experiment: Experiment) -> None:
    base, session = experiment.base, experiment.session
    if not is_name(experiment.name):
        origin.fail("name", f"is {experiment.name!r}", NAME)
    if not all(experiment.suite) or not experiment.suite:
        origin.fail(
            "suite", "is empty or has an empty word", "benchmarks, tags, or a manifest's path"
        )
    if experiment.gate not in GATES:
        origin.fail("gate", f"is {experiment.gate!r}", f"one of: {', '.join(GATES)}")
    check_session(origin, session)
    _check_arm(origin, base, "base")
    if base.runtime and session.placebos:
        origin.fail("session.placebos", "needs a base that is built", "a revision as the base")
    # A base without a revision is the commit at which a candidate's revision left its branch.
    follows = (arm.revision or arm.worktree for arm in (base, *experiment.candidates))
    if not base.runtime and not any(follows):
        origin.fail("base.revision", "is missing", "a branch, tag or commit")
    _check_candidates(origin, experiment)


def _check_candidates(origin: Origin, experiment: Experiment) -> None:
    base = experiment.base
    others = [arm.name for _kind, arm in added(base, experiment.session)]
    if not experiment.candidates and not others:
        origin.fail("candidate", "is missing", "one [[candidate]] table or more")
    names = [base.name]
    for number, arm in enumerate(experiment.candidates, 1):
        key = f"candidate[{number}]"
        _check_arm(origin, arm, key)
        if is_base(arm, base) and not arm.placebo:
            right = "a series, patch, revision, flavor, variant or runtime"
            origin.fail(key, "is the base itself", right)
        if arm.name in names:
            origin.fail(
                f"{key}.name", f"{arm.name!r} is used twice", "a different name for each arm"
            )
        if arm.name in (*_TAKEN, *others):
            origin.fail(f"{key}.name", f"{arm.name!r} is reserved", "another name")
        names.append(arm.name)


def _check_arm(origin: Origin, arm: ArmRequest, key: str) -> None:
    if not is_name(arm.name):
        origin.fail(f"{key}.name", f"is {arm.name!r}", NAME)
    if arm.variant and arm.variant not in VARIANTS:
        origin.fail(f"{key}.variant", f"is {arm.variant!r}", f"one of: {', '.join(VARIANTS)}")
    try:
        if arm.placebo:
            layout.parse(arm.placebo)
    except ExperimentError as error:
        origin.fail(f"{key}.placebo", f"is {arm.placebo!r}", error.hint)
    built = {
        "revision": arm.revision,
        "series": arm.series,
        "patch": arm.patches,
        "placebo": arm.placebo,
        "variant": arm.variant,
        "worktree": arm.worktree,
    }
    for name, value in built.items():
        if arm.runtime and value:
            origin.fail(f"{key}.{name}", NOT_BUILT, "a separate arm for each")
    if arm.worktree and arm.revision:
        right = "one of the two: a work tree stands on its own HEAD"
        origin.fail(f"{key}.worktree", f"is given with the revision {arm.revision}", right)
    if arm.worktree and (arm.source is None or arm.source.kind != "git"):
        right = "the path of a clone on this machine as the source"
        origin.fail(f"{key}.worktree", "needs a source with a work tree", right)
    check_flavor(origin, arm.flavor, f"{key}.flavor")


def check_session(origin: Origin, options: SessionOptions, key: str = "session") -> None:
    """Raise ExperimentError for an option that is out of range or contradicts another one."""
    for option in fields(options):
        value = getattr(options, option.name)
        right = right_value(option.name, value)
        if right:
            origin.fail(f"{key}.{option.name}", f"is {value!r}", right)
    if options.replicas > options.blocks:
        blocks = origin.named(f"{key}.blocks")
        origin.fail(
            f"{key}.replicas",
            f"is {options.replicas}, and {blocks} {options.blocks}",
            "at least as many blocks as replicas, since blocks rotate over the replicas",
        )


def check_flavor(origin: Origin, flavor: Flavor, key: str) -> None:
    """Raise ExperimentError for options of configure or gcc that a flavor cannot have."""
    for option in flavor.configure:
        if not _OPTION.fullmatch(option):
            # Other options set the install folder, and configure accepts abbreviations of them.
            right = "options --with-*, --without-*, --enable-* and so on"
            origin.fail(f"{key}.configure", f"has {option!r}", right)
        instead = _OURS.get(option.split("=", 1)[0])
        if instead:
            origin.fail(f"{key}.configure", f"has {option!r}", f"other options: {instead}")
    _check_variables(origin, flavor, key)
    for flag in flavor.loop_cflags.split():
        if not loop_flags.FLAG.fullmatch(flag):
            origin.fail(f"{key}.loop_cflags", f"has {flag!r}", "options of gcc such as -fno-gcse")


def _check_variables(origin: Origin, flavor: Flavor, key: str) -> None:
    """Raise ExperimentError for variables that a flavor cannot set."""
    places = (
        (CONFIGURE, "variables", flavor.variables),
        (BUILD, "environment.build", flavor.build_environment),
        (RUN, "environment.run", flavor.run_environment),
    )
    for kind, place, variables in places:
        for variable in variables:
            name, equals, _value = variable.partition("=")
            if reason := refusal(kind, variable):
                right = f"other variables: {reason}" if equals else "NAME=VALUE"
                origin.fail(f"{key}.{place}", f"has {name!r}", right)
