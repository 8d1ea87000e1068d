"""What experiment files and nightly files share, read from tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.experiments.build import command_line
from bench.experiments.experiment import ConditionChanges, Conditions
from bench.experiments.session_options import SessionChanges, SessionOptions
from bench.experiments.shared_keys import (
    flavor_table,
    read_conditions,
    read_flavor,
    read_session,
    read_source,
    read_suite,
    runtime_place,
    source_of,
    suite_names,
)
from bench.util.toml import Keys
from builder.builds.recipe import Flavor
from builder.errors import ExperimentError
from builder.sources.provide import SourceSpec


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    text = "[session]\nblocks = 7\nreplicas = 9\n"
    return Keys(file="x.toml", text=text, folder=tmp_path)


# -- places --------------------------------------------------------------------------------------


def test_a_runtime_is_a_name_or_a_path_from_a_folder(tmp_path: Path) -> None:
    assert runtime_place("pypy3", tmp_path) == "pypy3"
    assert runtime_place("./pypy3", tmp_path) == str(tmp_path / "pypy3")
    assert runtime_place("/opt/pypy", tmp_path) == "/opt/pypy"
    assert runtime_place("~/pypy", tmp_path) == str(Path("~/pypy").expanduser())


def test_a_runtime_that_is_a_link_stays_one(tmp_path: Path) -> None:
    """The interpreter of a virtual environment would lose its packages."""
    (tmp_path / "python").symlink_to("/usr/bin/python3")
    assert runtime_place("./python", tmp_path) == str(tmp_path / "python")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", SourceSpec()),
        ("git", SourceSpec()),
        ("debian", SourceSpec(kind="debian")),
        ("git:https://example.org/x", SourceSpec(kind="git", location="https://example.org/x")),
        ({"location": "debian"}, SourceSpec(kind="debian")),
        ({}, SourceSpec()),
    ],
)
def test_sources_that_are_no_path(value: Any, expected: SourceSpec, keys: Keys) -> None:
    assert read_source(keys, value) == expected


def test_the_path_of_a_source_starts_at_the_files_folder(keys: Keys, tmp_path: Path) -> None:
    clone = str(tmp_path.parent / "clone")
    assert read_source(keys, "../clone") == SourceSpec(kind="git", location=clone)
    archive = {"location": "a/x.tar.xz", "sha256": "ab" * 32}
    assert read_source(keys, archive) == SourceSpec(
        kind="archive", location=str(tmp_path / "a" / "x.tar.xz"), sha256="ab" * 32
    )
    assert source_of(command_line(), "clone", tmp_path).location == str(tmp_path / "clone")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (3, "source "),
        (["git"], "source "),
        ({"place": "git"}, "source.place"),
        ({"location": 3}, "source.location"),
        ({"location": "git", "sha256": "ab" * 32}, "source "),
    ],
)
def test_what_is_no_source_is_refused_by_its_key(value: Any, key: str, keys: Keys) -> None:
    with pytest.raises(ExperimentError) as caught:
        read_source(keys, value)
    assert caught.value.what.startswith(key)
    assert caught.value.where.startswith("x.toml")


# -- suites --------------------------------------------------------------------------------------


def test_the_words_of_a_suite_and_the_path_of_a_manifest(keys: Keys, tmp_path: Path) -> None:
    manifest = str(tmp_path / "own" / "MANIFEST")
    assert read_suite(keys, "quick") == ("quick",)
    assert read_suite(keys, ["own/MANIFEST", "nbody"]) == (manifest, "nbody")
    assert suite_names(["own/MANIFEST", "nbody"], tmp_path) == (manifest, "nbody")


@pytest.mark.parametrize("value", [[], 3, None, {"a": 1}, [""], ["nbody", 3]])
def test_what_is_no_suite_is_refused_by_its_key(value: Any, keys: Keys) -> None:
    with pytest.raises(ExperimentError, match=r"^line\.suite "):
        read_suite(keys, value, "line.suite")


# -- conditions ----------------------------------------------------------------------------------


def test_without_any_key_conditions_are_the_defaults(keys: Keys) -> None:
    assert read_conditions(keys, {}) == Conditions(suite=("quick",), gate="core")


def test_conditions_of_a_table(keys: Keys, tmp_path: Path) -> None:
    table = {"suite": ["nbody"], "gate": "none", "wheels": "w", "session": {"blocks": 7}}
    assert read_conditions(keys, table) == Conditions(
        suite=("nbody",),
        gate="none",
        wheels=str(tmp_path / "w"),
        session=SessionOptions(blocks=7),
    )


def test_changes_go_before_the_table_which_is_not_looked_at(keys: Keys) -> None:
    table = {"suite": 3, "gate": 3, "session": {"blocks": "many", "replicas": 2}}
    changes = ConditionChanges(
        suite=("go",), gate="none", wheels="/w", session=SessionChanges(blocks=5)
    )
    assert read_conditions(keys, table, changes) == Conditions(
        suite=("go",),
        gate="none",
        wheels="/w",
        session=SessionOptions(blocks=5, replicas=2),
    )


def test_of_a_change_and_a_key_that_clash_each_has_its_name(keys: Keys) -> None:
    table = {"session": {"blocks": 7, "replicas": 6}}
    with pytest.raises(ExperimentError) as caught:
        read_conditions(keys, table, ConditionChanges(session=SessionChanges(blocks=5)))
    assert caught.value.what.startswith("session.replicas ")
    assert "--blocks" in caught.value.what


# -- sessions ------------------------------------------------------------------------------------


def test_every_option_of_a_session_is_read(keys: Keys) -> None:
    table = {
        **{"margin": 0.02, "blocks": 8, "budget": "1.5h", "protocol": "sequential"},
        **{"process_seconds": 2, "timeout": "90 s", "seed": 0, "replicas": 3},
        **{"until": "blocks", "aa": True, "placebos": 2},
    }
    expected = SessionOptions(
        margin=0.02,
        blocks=8,
        budget=5400.0,
        protocol="sequential",
        process_seconds=2.0,
        timeout=90.0,
        seed=0,
        replicas=3,
        until="blocks",
        aa=True,
        placebos=2,
    )
    assert set(table) == set(vars(expected))
    assert read_session(keys, table) == expected
    assert read_session(keys, {}) == SessionOptions()


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (3, "night.session "),
        ({"block": 3}, "night.session.block "),
        ({"blocks": 1}, "night.session.blocks "),
        ({"blocks": 2.5}, "night.session.blocks "),
        ({"margin": 0.9}, "night.session.margin "),
        ({"budget": "soon"}, "night.session.budget "),
        ({"protocol": "duet"}, "night.session.protocol "),
        ({"process_seconds": 0.01}, "night.session.process_seconds "),
        ({"seed": -1}, "night.session.seed "),
        ({"aa": "yes"}, "night.session.aa "),
        ({"blocks": 3, "replicas": 5}, "night.session.replicas "),
    ],
)
def test_what_is_no_session_is_refused_by_its_key(table: Any, key: str, keys: Keys) -> None:
    with pytest.raises(ExperimentError) as caught:
        read_session(keys, table, "night.session")
    assert caught.value.what.startswith(key)


# -- flavors -------------------------------------------------------------------------------------


def test_every_key_of_a_flavor_is_read(keys: Keys) -> None:
    table = {
        **{"pgo": True, "lto": True, "computed_gotos": False},
        **{"configure": "--with-pydebug", "cflags": "-O2", "cc": "clang"},
        **{"loop_cflags": " -fno-gcse ", "bolt": True},
        "variables": {"LLVM_PROFDATA": "llvm-profdata-19", "AR": "ar"},
        "environment": {"build": {"PYTHON_JIT": "0"}, "run": {"PYTHON_JIT": "1"}},
    }
    assert read_flavor(keys, table, "flavor", Flavor()) == Flavor(
        pgo=True,
        lto=True,
        computed_gotos=False,
        configure=("--with-pydebug",),
        cflags="-O2",
        cc="clang",
        loop_cflags="-fno-gcse",
        bolt=True,
        variables=("AR=ar", "LLVM_PROFDATA=llvm-profdata-19"),
        build_environment=("PYTHON_JIT=0",),
        run_environment=("PYTHON_JIT=1",),
    )


@pytest.mark.parametrize(
    "flavor",
    [
        Flavor(),
        Flavor(lto=True, lto_mode="thin", computed_gotos=False, configure=("--disable-gil",)),
        Flavor(bolt=True, variables=("A_LIBS=-lx",), run_environment=("A=1", "B=2")),
        Flavor(pgo=True, lto=True, cc="clang", build_environment=("A=",)),
    ],
)
def test_a_flavor_is_read_again_from_its_table(flavor: Flavor, keys: Keys) -> None:
    assert read_flavor(keys, flavor_table(flavor), "flavor", Flavor()) == flavor


def test_a_table_of_variables_replaces_the_defaults(keys: Keys) -> None:
    default = Flavor(run_environment=("PYTHON_JIT=1",))
    for table, expected in (
        ({}, ("PYTHON_JIT=1",)),
        ({"run": {}}, ()),
        ({"run": {"A": ""}}, ("A=",)),
    ):
        flavor = read_flavor(keys, {"environment": table}, "flavor", default)
        assert flavor.run_environment == expected


def test_lto_may_be_a_kind(keys: Keys) -> None:
    thin = read_flavor(keys, {"lto": "thin"}, "flavor", Flavor())
    assert (thin.lto, thin.lto_mode, thin.name) == (True, "thin", "thin-lto")
    assert read_flavor(keys, {}, "flavor", thin) == thin
    assert read_flavor(keys, {"lto": True}, "flavor", thin) == Flavor(lto=True)
    assert read_flavor(keys, {"lto": False}, "flavor", thin) == Flavor()


def test_what_a_flavor_does_not_say_is_the_defaults(keys: Keys) -> None:
    default = Flavor(pgo=True, computed_gotos=True, configure=("--with-pydebug",), cc="clang")
    assert read_flavor(keys, {}, "flavor", default) == default
    found = read_flavor(keys, {"pgo": False, "cc": "gcc"}, "flavor", default)
    assert (found.pgo, found.cc, found.computed_gotos) == (False, "gcc", True)
    assert found.configure == ("--with-pydebug",)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("pgo", "a.flavor "),
        ({"pgo": 1}, "a.flavor.pgo "),
        ({"optimize": True}, "a.flavor.optimize "),
        ({"computed_gotos": "no"}, "a.flavor.computed_gotos "),
        ({"configure": ["--with-lto"]}, "a.flavor.configure "),
        ({"loop_cflags": "$(x)"}, "a.flavor.loop_cflags "),
        ({"lto": "fat"}, "a.flavor.lto "),
        ({"lto": 1}, "a.flavor.lto "),
        ({"environment": "A=1"}, "a.flavor.environment "),
        ({"environment": {"PYTHON_JIT": "1"}}, "a.flavor.environment.PYTHON_JIT "),
        ({"environment": {"run": ["A=1"]}}, "a.flavor.environment.run "),
        ({"environment": {"run": {"PYTHON_JIT": 1}}}, "a.flavor.environment.run.PYTHON_JIT "),
        ({"environment": {"run": {"PYTHONPATH": "x"}}}, "a.flavor.environment.run "),
        ({"environment": {"build": {"LD_PRELOAD": "x"}}}, "a.flavor.environment.build "),
        ({"variables": {"CC": "clang"}}, "a.flavor.variables "),
    ],
)
def test_what_is_no_flavor_is_refused_by_its_key(table: Any, key: str, keys: Keys) -> None:
    with pytest.raises(ExperimentError) as caught:
        read_flavor(keys, table, "a.flavor", Flavor())
    assert caught.value.what.startswith(key)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("micro/MANIFEST,list_count", ("{}/micro/MANIFEST", "list_count")),
        (["micro/MANIFEST, list_count", "-nbody"], ("{}/micro/MANIFEST", "list_count", "-nbody")),
        ("quick, core,,quick", ("quick", "core")),
        ("with,comma/MANIFEST", ("{}/with,comma/MANIFEST",)),
        ("MANIFEST", ("{}/MANIFEST",)),
        ("/a/MANIFEST", ("/a/MANIFEST",)),
    ],
)
def test_a_suite_has_words_separated_by_commas(
    value: object, expected: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "with,comma" / "MANIFEST"
    path.parent.mkdir()
    path.write_text("")
    keys = Keys(file="x.toml", text="", folder=tmp_path)
    assert read_suite(keys, value) == tuple(word.format(tmp_path) for word in expected)


@pytest.mark.parametrize("value", [",", " ", ["quick", " , "]])
def test_a_suite_without_a_word_is_refused(value: object, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="suite has"):
        read_suite(Keys(file="x.toml", text="", folder=tmp_path), value)
