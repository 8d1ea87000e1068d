"""The series of this project on the real sources: each applies, alone and stacked, and they build.

One build for each branch, of all its series that go together, held to a short gate.
"""

from __future__ import annotations

import os
from itertools import combinations, permutations
from pathlib import Path

import pytest

from builder.builds.compile import Builder, identify_compiler
from builder.builds.gate import Gate
from builder.builds.recipe import Flavor, Recipe
from builder.builds.store import Store
from builder.errors import PatchError
from builder.home import Home
from builder.patches.apply import apply_series, check_applies, compatible_series
from builder.patches.catalogue import Series, load_all
from builder.patches.series_toml import CONTROLS
from builder.process import Command, SystemRunner
from builder.sources import provide
from builder.sources.revision import Source

pytestmark = pytest.mark.real

NEWEST = {"2.7": "2.7.18", "3.13": "3.13.5"}
SERIES = load_all(Path(__file__).parent.parent / "patches")
# What could be seen to differ, asked of a build that has all series.
SEMANTICS = {
    branch: Path(__file__).parent / "semantics" / f"python_{branch.replace('.', '_')}.py"
    for branch in NEWEST
}
PAIRS = [
    pair
    for pair in combinations(SERIES, 2)
    if pair[0].branch == pair[1].branch and not any(one.requires for one in pair)
]


@pytest.fixture(scope="module")
def home(real_home: Path) -> Home:
    made = Home(root=real_home, host_lock=real_home / "host.lock")
    made.prepare()
    return made


@pytest.fixture(scope="module")
def source(home: Home) -> Source:
    return provide.provide(provide.parse("debian"), home=home, runner=SystemRunner(), say=print)


def applied(source: Source, *stack: Series) -> tuple[str, tuple[str, ...]]:
    """The tree after a stack, and the paths that it changed."""
    revision = source.resolve(NEWEST[stack[0].branch])
    for one in stack:
        check_applies(one, revision)
    found = apply_series(source.repository, source.repository.tree(revision.commit), stack)
    return found.tree, found.changed


@pytest.mark.parametrize("series", SERIES, ids=lambda one: one.name)
def test_every_series_applies_on_what_it_requires_and_not_without(
    source: Source, series: Series
) -> None:
    required = [one for one in SERIES if one.name in series.requires]
    assert applied(source, *required, series)[1]
    if required:
        with pytest.raises(PatchError, match="requires"):
            applied(source, series)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " ".join(one.name for one in pair))
def test_two_series_stack_in_either_order_or_say_that_they_do_not(
    source: Source, pair: tuple[Series, Series]
) -> None:
    told = any(one.name in other.conflicts for one, other in permutations(pair))
    trees = set()
    for order in permutations(pair):
        if told:
            with pytest.raises(PatchError, match="exclude each other"):
                applied(source, *order)
        else:
            trees.add(applied(source, *order)[0])
    assert len(trees) == (0 if told else 1), "the order makes a difference that nobody tells"


@pytest.mark.parametrize("branch", NEWEST)
def test_all_that_go_together_build_and_are_python_still(
    source: Source, home: Home, branch: str
) -> None:
    proposals = [one for one in SERIES if one.branch == branch and one.status not in CONTROLS]
    stack, _ = compatible_series(proposals)
    assert len(stack) >= 4
    tree, changed = applied(source, *stack)
    runner = SystemRunner()
    recipe = Recipe(
        revision=source.resolve(NEWEST[branch]),
        tree=tree,
        flavor=Flavor(),
        compiler=identify_compiler("gcc", runner),
        series=tuple(one.name for one in stack),
        changed=changed,
    )
    builder = Builder(home=home, store=Store(home, print), runner=runner, say=print)
    build, _made = builder.provide(recipe, source.repository)
    assert build.facts.computed_gotos
    gate = Gate(home=home, runner=runner, say=print, jobs=len(os.sched_getaffinity(0)))
    outcome = gate.result(build, "short")
    assert outcome.failed == ()
    assert len(outcome.passed) > 10
    done = runner.run(Command(argv=(str(build.python), str(SEMANTICS[branch]))))
    assert done.ok, done.output
