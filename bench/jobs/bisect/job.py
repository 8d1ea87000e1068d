"""bisect: which commit between two revisions made a benchmark faster or slower.

First BAD is measured against GOOD, to find out whether there is a change and how large it is; then
single commits against GOOD, until one suspect is left; at the end that one against its parent. An
interrupted bisection continues where it stopped; its folder has all measurements.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from bench.context import Context
from bench.jobs.bisect import report
from bench.jobs.bisect.result import BisectionResult
from bench.jobs.bisect.search import BAD, GOOD, SKIPPED, Search
from bench.jobs.bisect.steps import BisectRequest, Steps
from bench.util import print_json, stdout_console
from builder.errors import EXIT_SKIP, EXIT_VERDICT, BisectError, UsageError
from builder.files import guard_writes, write_atomically

FILE = "bisect.json"


def bisect(context: Context, request: BisectRequest, *, as_json: bool) -> int:
    """Find the commit and print it; 0 if one was found and confirmed against its parent.

    Raises BisectError, after writing the results, if there is no change or several commits remain
    that may have caused it; and other errors of the family.
    """
    steps = Steps(context, request)
    result = _bisect(context, steps, _search(steps, request))
    _save(steps, result)
    if as_json:
        print_json(result.to_json())
    else:
        report.show(result, stdout_console())
    context.show.say(f"Results: {steps.folder}")
    if result.complaint:
        raise result.complaint
    return 0


def step(context: Context, request: BisectRequest, commit: str) -> int:
    """Judge one commit; the exit status for `git bisect run`: 0 good, 1 bad, EXIT_SKIP neither."""
    _refuse_moving(request)
    steps = Steps(context, request)
    change = steps.change()
    if change.complaint:
        raise change.complaint
    judged_step = steps.judged(steps.source.resolve(commit).commit, change.size)
    context.show.say(judged_step.summary)
    return {GOOD: 0, BAD: EXIT_VERDICT}.get(judged_step.found, EXIT_SKIP)


def _refuse_moving(request: BisectRequest) -> None:
    """Raise UsageError for GOOD or BAD that git bisect moves: each step would have another."""
    for name in (request.good, request.bad):
        if re.match(r"(HEAD|@)($|[~^@{:])", name):
            raise UsageError(
                f"{name} is another commit at each step of git bisect.",
                hint="Name GOOD and BAD by a branch, a tag or a commit.",
            )


def _search(steps: Steps, request: BisectRequest) -> Search:
    """The commits to search, before anything is built. BisectError if there are none."""
    good, bad, history = steps.good, steps.bad, steps.history
    others = "Name two commits of one history: GOOD, the older one, and BAD, the later one."
    if good.commit == bad.commit:
        raise BisectError(
            f"{good.name} and {bad.name} are the same commit.", where=good.commit, hint=others
        )
    if not history.is_ancestor(good.commit, bad.commit):
        forks = history.merge_bases(good.commit, bad.commit)
        several = f" ({', '.join(forks[1:])} as well)" if forks[1:] else ""
        hint = f"Both descend from {forks[0]}{several}: bisect from there." if forks else others
        raise BisectError(
            f"{good.name} is not an ancestor of {bad.name}: no single commit between them can have "
            "caused the change.",
            where=good.source,
            hint=f"{bad.name} is the older one: name it first." if bad.commit in forks else hint,
        )
    graph = history.graph(good.commit, bad.commit, first_parent=request.first_parent)
    search = Search(graph, bad.commit)
    for name in request.skip:
        commit = steps.source.resolve(name).commit
        if commit in search.open:
            search.judge(commit, SKIPPED)
    return search


def _bisect(context: Context, steps: Steps, search: Search) -> BisectionResult:
    """Measure the change, search, and measure the culprit against its parent."""
    say = context.show.say
    say(f"Commits from {steps.good.name} to {steps.bad.name}: {len(search.suspects)}")
    result = steps.change()
    if result.complaint:
        return result
    while (commit := search.next()) is not None:
        say(
            f"Suspected commits: {len(search.open) + 1}; about {search.steps_left} steps left. "
            f"Now {commit[:12]}: {steps.history.authored(commit).subject}"
        )
        step = steps.judged(commit, result.size)
        say(step.summary)
        search.judge(commit, step.found)
        result = replace(result, steps=(*result.steps, step))
        _save(steps, result)
    culprits = tuple(steps.history.authored(commit) for commit in search.suspects)
    result = replace(result, culprits=culprits)
    return result if len(culprits) > 1 else steps.confirmed(result, culprits[0].hash)


def _save(steps: Steps, result: BisectionResult) -> None:
    """Write the results so far."""
    with guard_writes(steps.folder):
        steps.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result.to_json(), indent=1, ensure_ascii=False) + "\n"
        write_atomically(steps.folder / FILE, text)
