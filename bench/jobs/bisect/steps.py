"""The experiments of a bisection: BAD against GOOD, a commit against GOOD, one against its parent.

Each is an ordinary experiment with its own results folder; a complete one is not measured again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

from bench.compare import SuiteComparison
from bench.context import Context
from bench.experiments import (
    BASE,
    ArmRequest,
    Conditions,
    Experiment,
    SessionOptions,
    build,
    command_line,
    whole_range,
)
from bench.jobs.bisect import search
from bench.jobs.bisect.result import BisectionResult, BisectionStep
from bench.jobs.bisect.search import BAD, GOOD, SKIPPED, UNDECIDED
from bench.planning import uncommitted_notices
from bench.report import broken_reason
from bench.results import BROKEN, CandidateResult
from bench.run import run as running
from bench.util import as_name
from builder.builds import Flavor
from builder.errors import BrokenError, BuildError, ExperimentError, MeasureError, SourceError
from builder.files import digest
from builder.git import Repository
from builder.sources import Source, SourceSpec, provide

# If an interval does not decide, the commit is measured again with so many times the blocks.
MORE_BLOCKS = 4
_SIDES = {GOOD: GOOD, BAD: BAD, UNDECIDED: SKIPPED}


@dataclass(frozen=True, kw_only=True)
class BisectRequest:
    """The options of a bisection. `good`, `bad` and `skip` are revisions of `source`; `suite` names
    the benchmarks as in an experiment. `first_parent`: only follow first parents, so that a merge
    is found instead of a commit of the merged branch.
    """

    good: str
    bad: str
    suite: tuple[str, ...]
    source: SourceSpec = field(default_factory=SourceSpec)
    skip: tuple[str, ...] = ()
    flavor: Flavor = field(default_factory=Flavor)
    gate: str = "core"
    wheels: str = ""
    session: SessionOptions = field(default_factory=SessionOptions)
    first_parent: bool = False
    out: Path | None = None


class Steps:
    """The measurements of one bisection, in its folder."""

    def __init__(self, context: Context, request: BisectRequest) -> None:
        """SourceError if GOOD or BAD cannot be found."""
        context.home.prepare()
        self._context = context
        self._request = request
        self.source: Source = provide.provide(
            request.source, home=context.home, runner=context.runner, say=context.show.say
        )
        for line in uncommitted_notices(self.source).values():
            context.show.say(line)
        self.good = self.source.resolve(request.good)
        self.bad = self.source.resolve(request.bad)
        self.folder = (request.out or self._default_folder()).absolute()

    def _default_folder(self) -> Path:
        """A folder named by all options that decide what is measured: not by skipped commits."""
        asked = replace(
            self._request, good=self.good.commit, bad=self.bad.commit, skip=(), out=None
        )
        suite = as_name("-".join(self._request.suite)[-40:])
        return Path("results") / f"bisect-{suite}-{digest(json.dumps(asdict(asked)))}"

    @cached_property
    def history(self) -> Repository:
        """The repository with the commits between the two. SourceError if there is no history."""
        repository = self.source.history((self.good.commit, self.bad.commit))
        if repository is None:
            raise SourceError(
                "Release tarballs have no history: there is nothing to bisect.",
                where=self.good.source,
                hint="Name a git source: --source PATH or URL.",
            )
        return repository

    def change(self) -> BisectionResult:
        """Measure BAD against GOOD: the change to search for, if there is one.

        Raises BrokenError if BAD cannot be built or tested, and errors of `bench.run.run.measured`.
        """
        self._context.show.say(f"First the whole change: {self.bad.name} against {self.good.name}")
        arm = self._measured(self.good.commit, self.bad.commit, "change", _is_decided)
        if arm.verdict == BROKEN:
            raise BrokenError(
                f"{self.bad.name} cannot be measured: {broken_reason(arm)}.",
                where=str(self.folder / "change"),
                hint="Name a later or earlier commit as BAD.",
            )
        return BisectionResult(
            good=self.history.authored(self.good.commit),
            bad=self.history.authored(self.bad.commit),
            benchmarks=tuple(row.benchmark for row in arm.comparisons),
            change=arm.suite,
        )

    def judged(self, commit: str, size: float) -> BisectionStep:
        """Judge a commit: on which side of a change of `size` (a ratio) it is.

        It is measured against GOOD, unless it has the same files as GOOD or BAD.
        """
        about = self.history.authored(commit)
        known_side = self._known(commit)
        if known_side:
            return BisectionStep(about=about, found=known_side[0], reason=known_side[1])
        folder = f"commits/{commit[:16]}"
        try:
            arm = self._measured(
                self.good.commit, commit, folder, lambda row: _side(row, size) != UNDECIDED
            )
        except (ExperimentError, MeasureError) as error:
            # The experiment is right, since BAD was measured: it is the commit that cannot be
            # measured, for example one of a merged branch of another version.
            return BisectionStep(about=about, found=SKIPPED, reason=error.what)
        if arm.verdict == BROKEN:
            return BisectionStep(about=about, found=SKIPPED, reason=broken_reason(arm))
        side = _side(arm.suite, size)
        reason = "its interval contains the middle of the change" if side == UNDECIDED else ""
        return BisectionStep(about=about, found=_SIDES[side], row=arm.suite, reason=reason)

    def confirmed(self, result: BisectionResult, commit: str) -> BisectionResult:
        """Measure the culprit against its parent, or record why that cannot be measured."""
        parent = self.history.parents(commit)[0]
        result = replace(result, parent=parent)
        self._context.show.say(f"Last step: {commit[:12]} against its parent, {parent[:12]}")
        name = "change" if (parent, commit) == (self.good.commit, self.bad.commit) else "parent"
        try:
            arm = self._measured(parent, commit, name, _is_decided)
        except (BuildError, ExperimentError, MeasureError) as error:
            return replace(result, unconfirmed=error.what)
        if arm.verdict == BROKEN:
            return replace(result, unconfirmed=broken_reason(arm))
        return replace(result, confirmation=arm.suite)

    def _known(self, commit: str) -> tuple[str, str] | None:
        """The side of a commit with the same files as GOOD or BAD, and the reason; else None."""
        trees = self.source.repository
        tree = trees.tree(self.source.resolve(commit).commit)
        for side, end in ((GOOD, self.good), (BAD, self.bad)):
            if tree == trees.tree(end.commit):
                return side, f"it has the same files as {end.name}"
        return None

    def _measured(
        self, base: str, commit: str, name: str, enough: Callable[[SuiteComparison], bool]
    ) -> CandidateResult:
        """A commit against another; measured a second time, with
        more blocks, where the first was not `enough`.
        """
        few = self._request.session.blocks
        many = min(few * MORE_BLOCKS, whole_range("blocks")[1])
        for blocks, folder in ((few, name), (many, f"{name}-again")):
            experiment = self._experiment(base, commit, blocks)
            result, _ = running.measured(self._context, experiment, self.folder / folder)
            (arm,) = result.candidates
            if arm.suite is None or enough(arm.suite):
                break
        return arm

    def _experiment(self, base: str, commit: str, blocks: int) -> Experiment:
        asked = self._request
        arm = ArmRequest(name=BASE, revision=base, source=asked.source, flavor=asked.flavor)
        return build(
            command_line(),
            name=f"bisect-{commit[:12]}",
            base=arm,
            candidates=[replace(arm, name="commit", revision=commit)],
            conditions=Conditions(
                suite=asked.suite,
                gate=asked.gate,
                wheels=asked.wheels,
                session=replace(asked.session, blocks=blocks),
            ),
        )


def _is_decided(row: SuiteComparison) -> bool:
    return row.verdict != UNDECIDED


def _side(row: SuiteComparison | None, size: float) -> str:
    if row is None:
        return UNDECIDED
    return search.side(row.ratio, row.low, row.high, change=size)
