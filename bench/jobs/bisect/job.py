"""bisect: which commit between two revisions made a benchmark faster or slower.

First BAD is measured against GOOD, to know that there is a change and its size; then one commit
after the other against GOOD, until one is left; in the end that one against its parent. A bisection
that was stopped goes on where it stood, and everything that it says can be looked up in its folder.
"""

from __future__ import annotations

import json
from dataclasses import replace

from bench.context import Context
from bench.jobs.bisect import report
from bench.jobs.bisect.result import BisectionResult
from bench.jobs.bisect.search import BAD, GOOD, SKIPPED, Search
from bench.jobs.bisect.steps import BisectRequest, Steps
from bench.util import print_json, stdout_console
from builder.errors import EXIT_SKIP, EXIT_VERDICT, BisectError
from builder.files import guard_writes, write_atomically

FILE = "bisect.json"


def bisect(context: Context, request: BisectRequest, *, as_json: bool) -> int:
    """Find the commit and print it; 0 when it was found, and confirmed against its parent.

    Raises BisectError after the results were written: there is no change, or several commits are
    left that may have brought it; and errors of the family.
    """
    steps = Steps(context, request)
    found = _found(context, steps, _search(steps, request))
    _keep(steps, found)
    if as_json:
        print_json(found.to_json())
    else:
        report.show(found, stdout_console())
    context.show.say(f"Results: {steps.folder}")
    if found.complaint:
        raise found.complaint
    return 0


def step(context: Context, request: BisectRequest, commit: str) -> int:
    """Judge one commit, as `git bisect run` wants to be told: 0 good, 1 bad, EXIT_SKIP neither."""
    steps = Steps(context, request)
    change = steps.change()
    if change.complaint:
        raise change.complaint
    judged = steps.judged(steps.source.resolve(commit).commit, change.size)
    context.show.say(judged.told)
    return {GOOD: 0, BAD: EXIT_VERDICT}.get(judged.found, EXIT_SKIP)


def _search(steps: Steps, request: BisectRequest) -> Search:
    """What there is to search, before anything is built. BisectError where that is nothing."""
    good, bad, history = steps.good, steps.bad, steps.history
    others = "Name two commits of one history: an older one, GOOD, and a later one, BAD."
    if good.commit == bad.commit:
        raise BisectError(
            f"{good.name} and {bad.name} are one commit.", where=good.commit, hint=others
        )
    if not history.is_ancestor(good.commit, bad.commit):
        fork = history.merge_base(good.commit, bad.commit)
        hint = f"Both grew from {fork}: bisect from there." if fork else others
        raise BisectError(
            f"{good.name} does not lead to {bad.name}: no commit between them brought all that "
            "differs.",
            where=good.source,
            hint=f"{bad.name} is the older one: name it first." if fork == bad.commit else hint,
        )
    graph = history.graph(good.commit, bad.commit, first_parent=request.first_parent)
    search = Search(graph, bad.commit)
    for name in request.skip:
        commit = steps.source.resolve(name).commit
        if commit in search.open:
            search.judge(commit, SKIPPED)
    return search


def _found(context: Context, steps: Steps, search: Search) -> BisectionResult:
    """Everything: the change, the search, and the culprit against its parent."""
    say = context.show.say
    say(f"Commits from {steps.good.name} to {steps.bad.name}: {len(search.suspects)}")
    found = steps.change()
    if found.complaint:
        return found
    while (commit := search.next()) is not None:
        say(
            f"Commits that may be it: {len(search.open) + 1}, steps left: about "
            f"{search.steps_left}. Now {commit[:12]}: {steps.history.authored(commit).subject}"
        )
        judged = steps.judged(commit, found.size)
        say(judged.told)
        search.judge(commit, judged.found)
        found = replace(found, steps=(*found.steps, judged))
        _keep(steps, found)
    culprits = tuple(steps.history.authored(one) for one in search.suspects)
    found = replace(found, culprits=culprits)
    return found if len(culprits) > 1 else steps.confirmed(found, culprits[0].hash)


def _keep(steps: Steps, found: BisectionResult) -> None:
    """Write what was found so far."""
    with guard_writes(steps.folder):
        steps.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n"
        write_atomically(steps.folder / FILE, text)
