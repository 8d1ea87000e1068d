"""bisect: which commit between two revisions made a benchmark faster or slower.

First BAD is measured against GOOD, to know that there is a change and its size; then one commit
after the other against GOOD, until one is left; in the end that one against its parent. Each is an
experiment like any other, with a results folder of its own, so that a bisection that was stopped
goes on where it stood, and everything it says can be looked up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bench import bisection
from bench.bisected import Found, Step
from bench.bisection import BAD, GOOD, SKIPPED, UNDECIDED, Search
from bench.experiment import BASE, Arm, Experiment, SessionOptions
from bench.jobs import run as running
from bench.jobs.context import Context
from bench.jobs.inspect import print_json
from bench.keys import as_name
from bench.progress import stdout_console
from bench.report import bisected
from bench.report.wording import broken_reason
from bench.result import BROKEN
from builder import sources
from builder.errors import (
    EXIT_SKIP,
    EXIT_VERDICT,
    BisectError,
    BrokenError,
    BuildError,
    MeasureError,
    SourceError,
)
from builder.git import Repository
from builder.revisions import Source
from builder.sources import SourceSpec
from builder.spec import Flavor, digest
from builder.store import guard_writes, write_atomically

FILE = "bisect.json"
# Where an interval does not decide, once more with so many times the blocks.
MORE_BLOCKS = 4


@dataclass(frozen=True, kw_only=True)
class Request:
    """A bisection to do. `good`, `bad` and `skip` are revisions of `source`; `suite` names the
    benchmarks as an experiment does. Commits aside of the line of first parents are left out with
    `first_parent`, and the merge is blamed.
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


def bisect(context: Context, request: Request, *, as_json: bool) -> int:
    """Find the commit and print it; 0 when it was found, and against its parent confirmed.

    Raises BisectError after the results were written: there is no change, or several commits are
    left that may have brought it; and errors of the family.
    """
    work = _Bisection(context, request)
    found = work.go()
    work.keep(found)
    if as_json:
        print_json(found.to_json())
    else:
        bisected.show(found, stdout_console())
    context.show.say(f"Results: {work.folder}")
    if found.complaint:
        raise found.complaint
    return 0


def step(context: Context, request: Request, commit: str) -> int:
    """Judge one commit, as `git bisect run` wants to be told: 0 good, 1 bad, EXIT_SKIP neither."""
    work = _Bisection(context, request)
    change = work.change()
    if change.complaint:
        raise change.complaint
    judged = work.judged(work.source.resolve(commit).commit, change)
    context.show.say(judged.told)
    return {GOOD: 0, BAD: EXIT_VERDICT}.get(judged.found, EXIT_SKIP)


class _Bisection:
    """One bisection, and the folder with its results."""

    def __init__(self, context: Context, request: Request) -> None:
        context.home.prepare()
        self._context = context
        self._request = request
        self._say = context.show.say
        self.source: Source = sources.provide(
            request.source, home=context.home, runner=context.runner, say=self._say
        )
        self._good = self.source.resolve(request.good)
        self._bad = self.source.resolve(request.bad)
        self.folder = (request.out or self._default_folder()).absolute()

    def _default_folder(self) -> Path:
        asked = replace(self._request, good=self._good.commit, bad=self._bad.commit, out=None)
        identity = digest(json.loads(json.dumps(asdict(replace(asked, skip=())), default=str)))
        return Path("results") / f"bisect-{as_name('-'.join(self._request.suite)[:40])}-{identity}"

    @cached_property
    def _history(self) -> Repository:
        """Where the commits between the two can be read. SourceError where there is no history."""
        found = self.source.history((self._good.commit, self._bad.commit))
        if found is None:
            raise SourceError(
                "Release tarballs have no history: there is nothing to bisect.",
                where=self._good.source,
                hint="Name a git source: --source PATH or URL.",
            )
        return found

    def go(self) -> Found:
        """Everything: measure the change, search, confirm."""
        search = self._search()
        self._say(f"{len(search.suspects)} commits from {self._good.name} to {self._bad.name}")
        found = self.change()
        if found.complaint:
            return found
        steps = []
        while (commit := search.next()) is not None:
            about = self._history.authored(commit)
            self._say(
                f"{len(search.open)} commits may be it, about {search.steps_left} steps: "
                f"{commit[:12]} {about.subject}"
            )
            judged = self.judged(commit, found)
            self._say(judged.told)
            search.judge(commit, judged.found)
            steps.append(judged)
            self.keep(replace(found, steps=tuple(steps)))
        found = replace(found, steps=tuple(steps))
        return self._concluded(found, search)

    def _search(self) -> Search:
        good, bad, history = self._good, self._bad, self._history
        if good.commit == bad.commit:
            raise BisectError(
                f"{good.name} and {bad.name} are one commit.", where=good.commit, hint=_OTHERS
            )
        if not history.is_ancestor(good.commit, bad.commit):
            fork = history.merge_base(good.commit, bad.commit)
            raise BisectError(
                f"{good.name} does not lead to {bad.name}: no commit between them brought all that "
                "differs.",
                where=good.source,
                hint=f"Both grew from {fork}: bisect from there." if fork else _OTHERS,
            )
        graph = history.graph(good.commit, bad.commit, first_parent=self._request.first_parent)
        search = Search(graph, bad.commit)
        for name in self._request.skip:
            commit = self.source.resolve(name).commit
            if commit in search.open:
                search.judge(commit, SKIPPED)
        return search

    # -- what is measured ------------------------------------------------------------------------

    def change(self) -> Found:
        """BAD against GOOD: the change to be found, or that there is none to be seen.

        Raises BrokenError when BAD cannot be built or tested, and errors of `jobs.run.measured`.
        """
        self._say(f"First the change itself: {self._bad.name} against {self._good.name}")
        arm = self._measured(self._good.commit, self._bad.commit, "change", _is_decided)
        if arm["verdict"] == BROKEN:
            raise BrokenError(
                f"{self._bad.name} cannot be measured: {broken_reason(arm)}.",
                where=str(self.folder / "change"),
                hint="Name a later or earlier commit as BAD.",
            )
        return Found(
            good=self._history.authored(self._good.commit),
            bad=self._history.authored(self._bad.commit),
            benchmarks=tuple(row["benchmark"] for row in arm["comparisons"]),
            change=arm["suite"],
        )

    def judged(self, commit: str, found: Found) -> Step:
        """On which side of the change a commit lies, measured against GOOD if need be."""
        about = self._history.authored(commit)
        known = self._known(commit)
        if known:
            return Step(about=about, found=known[0], reason=known[1])
        assert found.change is not None
        size = float(found.change["ratio"])
        try:
            arm = self._measured(
                self._good.commit,
                commit,
                f"commits/{commit[:16]}",
                lambda row: _side(row, size) != UNDECIDED,
            )
        except MeasureError as error:
            return Step(about=about, found=SKIPPED, reason=error.what)
        if arm["verdict"] == BROKEN:
            return Step(about=about, found=SKIPPED, reason=broken_reason(arm))
        side = _side(arm["suite"], size)
        reason = "its interval holds the middle of the change" if side == UNDECIDED else ""
        return Step(about=about, found=_FOUND[side], row=arm["suite"], reason=reason)

    def _known(self, commit: str) -> tuple[str, str] | None:
        """What needs no measurement: the very content of GOOD or BAD. With the reason."""
        trees = self.source.repository
        tree = trees.tree(self.source.resolve(commit).commit)
        for side, end in ((GOOD, self._good), (BAD, self._bad)):
            if tree == trees.tree(end.commit):
                return side, f"it has the very files of {end.name}"
        return None

    def _measured(
        self, base: str, commit: str, name: str, enough: Callable[[Mapping[str, Any]], bool]
    ) -> dict[str, Any]:
        """A commit against another, as result.json has a candidate; measured a second time, with
        more blocks, where the first was not `enough`.
        """
        few = self._request.session.blocks
        arm: dict[str, Any] = {}
        for blocks, folder in ((few, name), (min(few * MORE_BLOCKS, 1000), f"{name}-again")):
            experiment = self._experiment(base, commit, blocks)
            result, _ = running.measured(self._context, experiment, self.folder / folder)
            (arm,) = result["candidates"]
            if arm["suite"] is None or enough(arm["suite"]):
                break
        return arm

    def _experiment(self, base: str, commit: str, blocks: int) -> Experiment:
        asked = self._request
        arm = Arm(name=BASE, revision=base, source=asked.source, flavor=asked.flavor)
        return Experiment(
            name=f"bisect-{commit[:12]}",
            base=arm,
            candidates=(replace(arm, name="commit", revision=commit),),
            suite=asked.suite,
            gate=asked.gate,
            wheels=asked.wheels,
            session=replace(asked.session, blocks=blocks),
        )

    # -- what it comes to ------------------------------------------------------------------------

    def _concluded(self, found: Found, search: Search) -> Found:
        culprits = tuple(self._history.authored(one) for one in search.suspects)
        found = replace(found, culprits=culprits)
        if len(culprits) > 1:
            return found
        parent = self._history.parents(culprits[0].hash)[0]
        self._say(f"In the end {culprits[0].hash[:12]} against its parent, {parent[:12]}")
        return replace(found, parent=parent, **self._confirmed(parent, culprits[0].hash))

    def _confirmed(self, parent: str, commit: str) -> dict[str, Any]:
        """The culprit against its parent: the row, or why there is none."""
        name = "change" if (parent, commit) == (self._good.commit, self._bad.commit) else "parent"
        try:
            arm = self._measured(parent, commit, name, _is_decided)
        except (BuildError, MeasureError) as error:
            return {"unconfirmed": error.what}
        if arm["verdict"] == BROKEN:
            return {"unconfirmed": broken_reason(arm)}
        return {"confirmation": arm["suite"]}

    def keep(self, found: Found) -> None:
        """Write what was found so far."""
        with guard_writes(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / FILE, json.dumps(found.to_json(), indent=1) + "\n")


_OTHERS = "Name two commits of one history: an older one, GOOD, and a later one, BAD."
_FOUND = {GOOD: GOOD, BAD: BAD, UNDECIDED: SKIPPED}


def _is_decided(row: Mapping[str, Any]) -> bool:
    return bool(row["verdict"] != UNDECIDED)


def _side(row: Mapping[str, Any], change: float) -> str:
    return bisection.side(row["ratio"], row["low"], row["high"], change=change)
