from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from builder.builds.facts import BuildFacts
from builder.builds.recipe import Recipe
from builder.builds.store import STAMP, Build, Stage, Store
from builder.errors import BuildError, StoreError
from builder.files import hold_lock
from builder.home import Home
from tests.builder.builds.test_recipe import RECIPE

KEY = "0123456789abcdef"
FACTS = BuildFacts(
    version="3.13.5",
    config={"CC": "gcc"},
    options="-O3",
    compiler="GNU C17",
    pgo=False,
    lto=False,
    computed_gotos=True,
    eval_function="_PyEval_EvalFrameDefault",
    eval_bytes=1,
    indirect_jumps=1,
    modules=("math",),
    code={"bin/python3.13": "00"},
    library="11",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "host.lock")
    home.prepare()
    return home


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store(home: Home, said: list[str]) -> Store:
    return Store(home, said.append)


def make(folder: Path, _held: int = 0) -> Build:
    """What compiling would leave in the folder."""
    python = folder / "prefix" / "bin" / "python3.13"
    python.parent.mkdir(parents=True)
    python.write_text("an interpreter")
    (folder / "log").mkdir()
    (folder / "log" / "make.log").write_text("gcc -c")
    return Build(
        key=folder.name,
        title="3.13.5 plain",
        folder=folder,
        python=python,
        facts=FACTS,
        stages=(Stage(name="make", seconds=2.0), Stage(name="install", seconds=1.0)),
        recipe={"tree": "a"},
        regenerated=("b.h",),
    )


def failing(error: BaseException) -> Callable[[Path, int], Build]:
    """Making that gets half way."""

    def half(folder: Path, held: int) -> Build:
        make(folder, held)
        raise error

    return half


def never(_folder: Path, _held: int) -> Build:
    raise AssertionError("it is there already")


def test_a_build_is_made_once_and_found_again(store: Store) -> None:
    assert store.find(KEY) is None
    made, new = store.provide(KEY, make)
    found, again = store.provide(KEY, never)

    assert (new, again) == (True, False)
    assert made == found == store.find(KEY)
    assert made.seconds == 3.0
    assert made.python.read_text() == "an interpreter"
    assert store.all() == (made,)
    assert store.leftovers() == ()


@pytest.mark.parametrize(
    ("recipe", "unpatched"),
    [
        (RECIPE, True),
        (replace(RECIPE, series=("3.13/a",)), False),
        (replace(RECIPE, changed=("a.c",)), False),
        (replace(RECIPE, placebo="a"), False),
        (replace(RECIPE, replica=1), False),
    ],
)
def test_a_build_knows_whether_it_is_its_revision_as_it_is(
    store: Store, recipe: Recipe, unpatched: bool
) -> None:
    told = asdict(recipe)
    build, _ = store.provide(KEY, lambda folder, _held: replace(make(folder), recipe=told))
    assert build.is_unpatched == unpatched
    # One made before there were placebos.
    del told["placebo"]
    assert replace(build, recipe=told).is_unpatched == (unpatched or bool(recipe.placebo))


def test_the_stamp_comes_last(store: Store) -> None:
    def looking(folder: Path, held: int) -> Build:
        assert not (folder / STAMP).exists()
        assert store.find(KEY) is None
        return make(folder, held)

    store.provide(KEY, looking)
    assert (store.folder(KEY) / STAMP).exists()


@pytest.mark.parametrize("error", [BuildError("no"), KeyboardInterrupt(), OSError(28, "full")])
def test_a_failure_leaves_nothing_but_its_logs(
    error: BaseException, store: Store, home: Home
) -> None:
    with pytest.raises((BuildError, KeyboardInterrupt, StoreError)):
        store.provide(KEY, failing(error))

    assert not store.folder(KEY).exists()
    assert (home.failures / KEY / "make.log").read_text() == "gcc -c"
    assert store.provide(KEY, make)[1]


def test_what_a_killed_run_left_is_removed_before_building(store: Store) -> None:
    folder = store.folder(KEY)
    (folder / "prefix").mkdir(parents=True)
    (folder / "prefix" / "stale").touch()
    (folder / f".{STAMP}.half").write_text("{")
    assert store.find(KEY) is None
    assert store.leftovers() == (folder,)

    store.provide(KEY, make)

    assert not (folder / "prefix" / "stale").exists()
    assert sorted(path.name for path in folder.iterdir()) == [STAMP, "log", "prefix"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "prefix" / "bin" / "python3.13").write_text("another"),
        lambda folder: (folder / "prefix" / "bin" / "python3.13").unlink(),
        lambda folder: (folder / STAMP).write_text("{"),
        lambda folder: (folder / STAMP).write_text("[]"),
        lambda folder: (folder / STAMP).write_text("{}"),
        lambda folder: (folder / STAMP).write_bytes(b"\xff"),
    ],
)
def test_a_damaged_build_is_told_of_and_made_again(
    damage: Callable[[Path], object], store: Store, said: list[str]
) -> None:
    store.provide(KEY, make)
    damage(store.folder(KEY))

    assert store.find(KEY) is None
    assert f"The stored build {KEY} is damaged" in said[0]
    build, new = store.provide(KEY, make)
    assert new
    assert build.python.read_text() == "an interpreter"


def _provide(home: Home, folder: str) -> None:
    def counting(place: Path, held: int) -> Build:
        with (Path(folder) / "made").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return make(place, held)

    Store(home).provide(KEY, counting)


def test_of_several_runs_one_makes_it(home: Home, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    runs = [spawn.Process(target=_provide, args=(home, str(tmp_path))) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert len((tmp_path / "made").read_text().splitlines()) == 1


def test_a_build_in_use_is_not_removed(store: Store, home: Home) -> None:
    store.provide(KEY, make)
    with hold_lock(home.lock(f"build-{KEY}"), shared=True):
        assert not store.remove(KEY)
    assert store.find(KEY) is not None

    assert store.remove(KEY)
    assert not store.folder(KEY).exists()


def test_the_last_used_comes_first(store: Store) -> None:
    for key, when in (("a" * 16, 100), ("b" * 16, 300), ("c" * 16, 200)):
        store.provide(key, make)
        os.utime(store.folder(key) / STAMP, (when, when))
    assert [build.key[0] for build in store.all()] == ["b", "c", "a"]

    store.provide("a" * 16, never)
    assert store.all()[0].key[0] == "a"
