"""Versions of trees, between releases too, from the plan through the rooms that read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.benchmarks import Interpreter, suites, worker_requirements
from bench.benchmarks.availability import TargetPython
from bench.context import Context
from bench.experiments.experiment import ArmRequest, Experiment
from bench.nightly.config import load
from bench.nightly.report import Revised
from bench.nightly.revisions import Revisions
from bench.planning.resolve import resolve
from bench.util.console import Show
from builder.builds.gate import regrtest
from builder.errors import MeasureError
from builder.home import Home
from builder.process import SystemRunner
from builder.sources.local_git import LocalGit
from builder.sources.provide import SourceSpec
from builder.versions import language, numbers
from tests import fake
from tests.builder.upstream import Upstream, home_at
from tests.fake.repository import commit_tree

SUITE = Path(fake.__file__).parent / "suite" / "MANIFEST"
# version, language, numbers, pyperf, pyperformance
VERSIONS = [
    ("2.7.18", "2.7", "2.7.18", "1.6.1", "0.9.1"),
    ("2.7.18+", "2.7", "2.7.18", "1.6.1", "0.9.1"),
    ("2.7.18.4", "2.7", "2.7.18", "1.6.1", "0.9.1"),
    ("3.6.0a1+", "3.6", "3.6.0", "2.5.0", "1.0.2"),
    ("3.7.9", "3.7", "3.7.9", "2.8.0", "1.0.2"),
    ("3.8.5+", "3.8", "3.8.5", "2.8.0", "1.11.0"),
    ("3.9.0a0", "3.9", "3.9.0", "2.10.0", "1.14.0"),
    ("3.13.5+", "3.13", "3.13.5", "2.10.0", "1.14.0"),
    ("3.14.0a1-fork", "3.14", "3.14.0", "2.10.0", "1.14.0"),
    ("3.15.0rc1+", "3.15", "3.15.0", "2.10.0", "1.14.0"),
    ("3.16.0a2+", "3.16", "3.16.0", "2.10.0", "1.14.0"),
]
ONLY_VERSIONS = [row[0] for row in VERSIONS]
# Those of the tests that start git.
THROUGH_GIT = ["2.7.18+", "3.15.0rc1+", "3.16.0a2+"]


@pytest.mark.parametrize("row", VERSIONS)
def test_benchmarks_and_workers_follow_the_language(
    tmp_path: Path, row: tuple[str, str, str, str, str]
) -> None:
    version, branch, three, pyperf, release = row
    suite = suites.load(version, ["quick"], home=home_at(tmp_path))
    selection = suites.select(suite, ["quick"])
    assert suite.release == f"pyperformance {release}"
    assert len(selection.benchmarks) == 8
    assert selection.missing == ()
    assert worker_requirements(version)[0] == f"pyperf=={pyperf}"
    assert (language(version), numbers(version)) == (branch, three)
    assert Interpreter(identity="x", python=Path("p"), version=three).kind == f"cpython-{branch}"


@pytest.mark.parametrize("version", ONLY_VERSIONS)
def test_the_gate_starts_the_tests_of_that_python(version: str) -> None:
    command = regrtest(Path("python"), version, ["test_x"], scratch=Path("/"), jobs=1)
    module = "test.regrtest" if version.startswith("2.7") else "test"
    assert command.argv[1:3] == ("-m", module)


@pytest.mark.parametrize("version", THROUGH_GIT)
def test_a_plan_of_a_tree_has_the_benchmarks(tmp_path: Path, version: str) -> None:
    commit_tree(tmp_path / "fake.git", fake.write_tree(tmp_path / "tree", version=version))
    context = Context(
        home=Home(root=tmp_path / "home", host_lock=tmp_path / "host.lock"),
        project=tmp_path,
        runner=SystemRunner(),
        show=Show(quiet=True),
    )
    source = SourceSpec(kind="git", location=str(tmp_path / "fake.git"))
    base = ArmRequest(name="base", revision="main", source=source)
    plan = resolve(context, Experiment(name="x", base=base, candidates=(), suite=("quick",))).plan
    assert plan.base.version == version
    assert "richards" in plan.benchmarks


@pytest.mark.parametrize("version", THROUGH_GIT)
def test_a_night_compares_with_a_release_of_the_branch(tmp_path: Path, version: str) -> None:
    upstream = Upstream(tmp_path / "cpython.git")
    release = f"{language(version)}.0"
    upstream.tag(f"v{release}", upstream.commit("main", release))
    file = tmp_path / "nightly.toml"
    file.write_text(f'[[branch]]\nrevision = "main"\nrelease = "v{release}"\n')
    ours = Revisions(
        source=LocalGit(upstream.path, home_at(tmp_path / "home"), lambda _text: None),
        branch=load(file).branches[0],
        notes=[],
    )
    head = Revised(commit=upstream.commit("main", version), version=version)
    compared = ours.release(head)
    assert compared is not None, ours.notes
    assert compared.version == release


@pytest.mark.parametrize(
    ("version", "configure", "title", "abis"),
    [
        ("2.7.18+", (), "2.7", ("cp27m",)),
        ("2.7.18", ("--enable-unicode=ucs4",), "2.7", ("cp27mu",)),
        ("2.7.18", ("--with-pydebug",), "2.7", ("cp27dm",)),
        ("3.7.9", (), "3.7", ("cp37m",)),
        ("3.8.5+", ("--with-pydebug",), "3.8d", ("cp38d", "cp38")),
        ("3.12.1", ("--disable-gil",), "3.12", ("cp312",)),
        ("3.13.5+", ("--disable-gil",), "3.13t", ("cp313t",)),
        ("3.15.0rc1+", (), "3.15", ("cp315",)),
        ("3.15.0rc1+", ("--disable-gil", "--with-pydebug"), "3.15td", ("cp315td", "cp315t")),
        ("3.16.0a2+", ("--disable-gil",), "3.16t", ("cp316t",)),
    ],
)
def test_the_abi_is_that_of_version_and_options(
    version: str, configure: tuple[str, ...], title: str, abis: tuple[str, ...]
) -> None:
    python = TargetPython.of(version, configure)
    assert (python.title, python.abis) == (title, abis)


@pytest.mark.parametrize("version", ["2.6.9", "3.0", "3.3.7+", "3.5.9+"])
def test_what_nothing_measures_is_refused_with_that_reason(tmp_path: Path, version: str) -> None:
    with pytest.raises(MeasureError, match=f"Python {version.replace('+', '.')}") as caught:
        suites.load(version, ["quick"], home=home_at(tmp_path))
    assert "can be built, but not measured" in caught.value.what
