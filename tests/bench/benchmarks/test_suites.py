"""What suites hold, and choosing from them."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from bench.benchmarks import suites
from bench.benchmarks.suites import Suite
from builder.errors import ExperimentError
from builder.home import Home
from tests.bench.surroundings import MANIFEST


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    root = tmp_path_factory.mktemp("home")
    return Home(root=root, host_lock=root / "host.lock")


@pytest.fixture(scope="module")
def old(home: Home) -> Suite:
    return suites.load("2.7.18", ["quick"], home=home)


@pytest.fixture(scope="module")
def modern(home: Home) -> Suite:
    return suites.load("3.13.5", ["quick"], home=home)


@pytest.fixture(scope="module")
def own() -> Suite:
    return suites.from_manifest(MANIFEST, "3.13.5")


def _chosen(suite: Suite, *words: str) -> list[str]:
    return [item.name for item in suites.select(suite, words).benchmarks]


def test_the_suite_follows_the_version(old: Suite, modern: Suite) -> None:
    assert old.release == "pyperformance 0.9.1"
    assert len(old.benchmarks) == 51
    assert modern.release == "pyperformance 1.14.0"
    assert len(modern.benchmarks) > 90


def test_quick_is_the_same_and_needs_nothing(old: Suite, modern: Suite) -> None:
    quick = suites.select(old, ["quick"]).benchmarks
    assert [item.name for item in quick] == _chosen(modern, "quick")
    assert 6 <= len(quick) <= 10
    for item in (*quick, *suites.select(modern, ["core"]).benchmarks):
        assert item.requirements == ()


def test_every_name_of_a_group_is_a_benchmark(old: Suite, modern: Suite, own: Suite) -> None:
    for suite in (old, modern, own):
        names = {item.name for item in suite.benchmarks}
        for group, members in suite.groups.items():
            assert set(members) <= names, group
    assert 15 <= len(suites.select(old, ["core"]).benchmarks) <= 20
    assert 15 <= len(suites.select(modern, ["core"]).benchmarks) <= 20


def test_every_script_of_1_14_is_there(modern: Suite) -> None:
    for item in modern.benchmarks:
        assert (item.source / Path(item.script).name).is_file()
        assert item.script.startswith(item.folder + "/")


def test_options_tags_and_requirements(old: Suite, modern: Suite) -> None:
    for suite in (old, modern):
        by_name = {item.name: item for item in suite.benchmarks}
        assert by_name["pickle_pure_python"].options == ("--pure-python", "pickle")
        assert by_name["pickle"].script == by_name["pickle_list"].script
        assert "apps" in by_name["html5lib"].tags
        assert "html5lib==1.0.1" in by_name["html5lib"].requirements or suite is modern
    assert (
        "html5lib==1.1" in {item.name: item for item in modern.benchmarks}["html5lib"].requirements
    )


def test_all_requirements_of_0_9_1_are_pinned(old: Suite) -> None:
    for item in old.benchmarks:
        assert all("==" in line for line in item.requirements), item.name


def test_lib2to3_is_installed_where_python_has_none(home: Home) -> None:
    def requirements(version: str) -> tuple[str, ...]:
        suite = suites.load(version, [], home=home)
        return next(item.requirements for item in suite.benchmarks if item.name == "2to3")

    assert requirements("3.13.5") == ("./vendor",)
    assert requirements("3.11.2") == ()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["regex"], ["regex_compile", "regex_dna", "regex_effbot", "regex_v8"]),
        (["regex", "-regex_dna"], ["regex_compile", "regex_effbot", "regex_v8"]),
        (["regex,nbody,-regex_dna,-regex_v8"], ["nbody", "regex_compile", "regex_effbot"]),
        (["nbody", "nbody", "math", "-float"], ["nbody", "pidigits"]),
    ],
)
def test_names_tags_and_exclusions(old: Suite, words: list[str], expected: list[str]) -> None:
    assert _chosen(old, *words) == expected


def test_default_and_full(old: Suite, modern: Suite) -> None:
    assert "mdp" not in _chosen(old)
    assert "mdp" in _chosen(old, "full")
    assert _chosen(old, "-mdp") == _chosen(old)
    assert _chosen(modern, "all") == _chosen(modern, "full")
    assert "nbody" not in _chosen(modern, "-nbody")


def test_what_this_python_cannot_run_is_told(home: Home, old: Suite) -> None:
    selection = suites.select(suites.load("3.9.2", [], home=home), ["networkx", "nbody"])
    assert [item.name for item in selection.benchmarks] == ["nbody"]
    assert selection.missing[0].benchmark == "networkx"
    assert selection.missing[0].reason == "it needs Python >=3.11, and this is 3.9.2"
    assert [item.benchmark for item in suites.select(old, ["hg_startup"]).missing] == ["hg_startup"]


@pytest.mark.parametrize(
    ("words", "close"),
    [(["richard"], "richards"), (["-regexx"], "regex"), (["Quik"], "quick"), (["ful"], "full")],
)
def test_unknown_words_name_the_closest(old: Suite, words: list[str], close: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        suites.select(old, words)
    assert caught.value.hint.startswith("Did you mean: ")
    assert close in caught.value.hint


def test_words_that_are_like_nothing_get_the_list(own: Suite) -> None:
    with pytest.raises(ExperimentError) as caught:
        suites.select(own, ["zzzzzzzz"])
    assert "tiny" in caught.value.hint
    assert "several" in caught.value.hint


def test_taking_everything_away_is_refused(old: Suite) -> None:
    with pytest.raises(ExperimentError, match="is left"):
        suites.select(old, ["nbody", "-nbody"])


def test_a_manifest_of_ones_own(own: Suite) -> None:
    assert own.name == "suite"
    assert _chosen(own, "pair") == ["tiny", "several"]
    assert _chosen(own, "quickest") == ["tiny", "several"]
    by_name = {item.name: item for item in own.benchmarks}
    assert by_name["needs"].requirements == ("tiny-dependency==1.0",)
    assert by_name["several"].options == ("sweet",)
    assert suites.select(own, ["future", "tiny"]).missing[0].benchmark == "future"


def test_a_changed_benchmark_is_another_suite(tmp_path: Path, own: Suite) -> None:
    copy = tmp_path / "suite"
    shutil.copytree(MANIFEST.parent, copy)
    same = suites.from_manifest(copy / "MANIFEST", "3.13.5")
    assert same.release == own.release
    assert [item.folder for item in same.benchmarks] == [item.folder for item in own.benchmarks]
    with (copy / "bm_tiny" / "run_benchmark.py").open("a") as script:
        script.write("# changed\n")
    changed = suites.from_manifest(copy / "MANIFEST", "3.13.5")
    assert changed.release != own.release
    assert [item.name for item in changed.benchmarks if item.folder not in
            {other.folder for other in own.benchmarks}] == ["tiny"]  # fmt: skip


def test_a_manifest_may_include_pyperformances(tmp_path: Path) -> None:
    shutil.copytree(MANIFEST.parent / "bm_tiny", tmp_path / "bm_tiny")
    manifest = tmp_path / "MANIFEST"
    manifest.write_text(
        "[includes]\n<default>\n[benchmarks]\nname\tmetafile\ntiny\t<local>\n", encoding="utf-8"
    )
    by_name = {item.name: item for item in suites.from_manifest(manifest, "3.13.5").benchmarks}
    assert by_name["nbody"].folder == "1.14.0/bm_nbody"
    assert by_name["tiny"].source == tmp_path / "bm_tiny"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "nonsense",
        "[benchmarks]\nwrong header\n",
        "[benchmarks]\nname\tmetafile\nabsent\t<local>\n",
        "[benchmarks]\nname\tmetafile\ntiny\n",
        "[benchmarks]\nname\tmetafile\n",
        "[unknown]\nx\n",
        "\udcff",
    ],
)
def test_bad_manifests(tmp_path: Path, text: str | None) -> None:
    manifest = tmp_path / "MANIFEST"
    if text is not None:
        manifest.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ExperimentError) as caught:
        suites.from_manifest(manifest, "3.13.5")
    assert str(manifest) in caught.value.where


def test_two_manifests_are_refused(home: Home) -> None:
    with pytest.raises(ExperimentError, match="more than one manifest"):
        suites.load("3.13.5", ["a/MANIFEST", "b/MANIFEST"], home=home)


def test_the_pins_of_the_worker() -> None:
    assert suites.worker_requirements("2.7.18")[0] == "pyperf==1.6.1"
    assert suites.worker_requirements("3.13.5") == ("pyperf==2.10.0",)
    assert suites.worker_requirements("3.8.5+") == ("pyperf==2.8.0",)
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    for line in ("pyperf==2.10.0", f"pyperformance=={suites.MODERN_RELEASE}"):
        assert line in project["project"]["dependencies"]


def test_a_manifest_that_includes_pyperformances_has_its_groups(
    modern: Suite, tmp_path: Path
) -> None:
    local = tmp_path / "MANIFEST"
    shutil.copytree(MANIFEST.parent / "bm_tiny", tmp_path / "bm_tiny")
    local.write_text("[includes]\n<default>\n[benchmarks]\nname\tmetafile\ntiny\t<local>\n")
    suite = suites.from_manifest(local, "3.13.5")
    for group in ("quick", "core", "regex"):
        assert _chosen(suite, group) == _chosen(modern, group)
    assert {"tiny", "richards"} <= set(_chosen(suite, "quick", "tiny"))
    assert "quick" in suite.names()


def test_a_group_of_ones_own_comes_before_ours(tmp_path: Path) -> None:
    local = tmp_path / "MANIFEST"
    local.write_text("[includes]\n<default>\n[group quick]\nnbody\n")
    assert _chosen(suites.from_manifest(local, "3.13.5"), "quick") == ["nbody"]
