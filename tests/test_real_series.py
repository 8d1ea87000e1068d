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
    if pair[0].branch == pair[1].branch and not any(item.requires for item in pair)
]


@pytest.fixture(scope="module")
def home(real_home: Path) -> Home:
    home = Home(root=real_home, host_lock=real_home / "host.lock")
    home.prepare()
    return home


@pytest.fixture(scope="module")
def source(home: Home) -> Source:
    return provide.provide(provide.parse("debian"), home=home, runner=SystemRunner(), say=print)


def applied(source: Source, *stack: Series) -> tuple[str, tuple[str, ...]]:
    """The tree after a stack, and the paths that it changed."""
    revision = source.resolve(NEWEST[stack[0].branch])
    for item in stack:
        check_applies(item, revision)
    applied = apply_series(source.repository, source.repository.tree(revision.commit), stack)
    return applied.tree, applied.changed


@pytest.mark.parametrize("series", SERIES, ids=lambda item: item.name)
def test_every_series_applies_on_what_it_requires_and_not_without(
    source: Source, series: Series
) -> None:
    required = [item for item in SERIES if item.name in series.requires]
    assert applied(source, *required, series)[1]
    if required:
        with pytest.raises(PatchError, match="requires"):
            applied(source, series)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " ".join(item.name for item in pair))
def test_two_series_stack_in_either_order_or_say_that_they_do_not(
    source: Source, pair: tuple[Series, Series]
) -> None:
    is_declared = any(item.name in other.conflicts for item, other in permutations(pair))
    trees = set()
    for order in permutations(pair):
        if is_declared:
            with pytest.raises(PatchError, match="exclude each other"):
                applied(source, *order)
        else:
            trees.add(applied(source, *order)[0])
    assert len(trees) == (0 if is_declared else 1), (
        "the order matters, and no series declares the conflict"
    )


# Another branch would cost `make test` a second base build: `make big` has the time.
@pytest.mark.parametrize("branch", ["2.7", pytest.param("3.13", marks=pytest.mark.big)])
def test_all_that_go_together_build_and_are_python_still(
    source: Source, home: Home, branch: str
) -> None:
    proposals = [item for item in SERIES if item.branch == branch and item.status not in CONTROLS]
    stack, _ = compatible_series(proposals)
    assert len(stack) >= 4
    tree, changed = applied(source, *stack)
    runner = SystemRunner()
    recipe = Recipe(
        revision=source.resolve(NEWEST[branch]),
        tree=tree,
        flavor=Flavor(),
        compiler=identify_compiler("gcc", runner),
        series=tuple(item.name for item in stack),
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
