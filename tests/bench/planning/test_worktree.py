"""Work trees in a plan: as a candidate, or left out with a line: bench.planning.worktree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.context import Context
from bench.experiments.experiment import ArmRequest, Experiment
from bench.planning.resolve import Resolved, resolve
from bench.planning.worktree import check_applied, warning_of
from bench.util.console import Show
from builder.errors import SourceError
from builder.home import Home
from builder.process import SystemRunner
from builder.sources import Snapshot
from builder.sources.provide import SourceSpec
from tests import fake
from tests.builder.git.clones import Clone

SUITE = Path(fake.__file__).parent / "suite" / "MANIFEST"
LOOP = "Python/ceval.c"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "cpython")
    fake.write_tree(tmp_path / "tree")
    (tmp_path / "tree").rename(tmp_path / "files")
    made.git("--work-tree", str(tmp_path / "files"), "add", "--all", "--force", ".")
    made.git("commit", "--quiet", "--message=the fake CPython")
    made.git("reset", "--quiet", "--hard")
    return made


def edit(clone: Clone, speed: str = "1.5") -> None:
    path = clone.path / LOOP
    path.write_text(path.read_text().replace('speed = "1.0"', f'speed = "{speed}"'))


def planned(clone: Clone, *candidates: ArmRequest, base: str = "") -> Resolved:
    context = Context(
        home=Home(root=clone.path.parent / "home", host_lock=clone.path.parent / "host.lock"),
        project=clone.path.parent,
        runner=SystemRunner(),
        show=Show(quiet=True),
    )
    source = SourceSpec(kind="git", location=str(clone.path))
    asked = ArmRequest(name="base", revision=base, source=source)
    experiment = Experiment(name="x", base=asked, candidates=candidates, suite=(str(SUITE),))
    return resolve(context, experiment)


TREE = ArmRequest(name="worktree", worktree=True)


def test_the_work_tree_against_its_head(clone: Clone) -> None:
    edit(clone)
    clone.write({"notes.txt": "x"})
    resolved = planned(clone, TREE)
    head = clone.git("rev-parse", "HEAD")
    base, arm = resolved.plan.arms
    assert base.recipe.revision.commit == arm.recipe.revision.commit == head
    assert arm.recipe.changed == (LOOP,)
    assert arm.recipe.tree == clone.added()
    assert arm.title == "3.13.5 plain + worktree"
    assert resolved.remarks[0] == (
        f"worktree = work tree of cpython: HEAD {head[:10]} + 1 changed file, base = HEAD"
    )
    assert any("notes.txt" in line for line in resolved.remarks)
    assert "notes.txt" not in json.dumps(arm.to_json())
    assert arm.to_json()["worktree"]["changed"] == [LOOP]
    assert warning_of(arm).startswith("work-tree: the candidate is a work tree as it stood")
    assert warning_of(base) == ""
    assert resolved.warnings == ()


def test_the_same_files_are_the_same_experiment(clone: Clone) -> None:
    edit(clone)
    first = planned(clone, TREE).plan
    clone.git("add", LOOP)
    assert planned(clone, TREE).plan.identity == first.identity
    edit(clone, "1.5")
    again = planned(clone, TREE).plan
    assert again.identity == first.identity
    (clone.path / LOOP).write_text((clone.path / LOOP).read_text().replace("1.5", "1.6"))
    assert planned(clone, TREE).plan.identity != first.identity


def test_a_work_tree_with_a_patch_against_another_base(clone: Clone) -> None:
    first = clone.git("rev-parse", "HEAD")
    clone.commit({"Lib/own.py": "pass\n"})
    clone.write({"Lib/own.py": "x = 1\n"})
    patch = clone.path.parent / "speed.diff"
    patch.write_bytes(fake.speed_patch(1.5))
    arm = ArmRequest(name="both", worktree=True, patches=(str(patch),))
    resolved = planned(clone, arm, base=first)
    base, both = resolved.plan.arms
    assert base.recipe.revision.commit == first
    assert both.recipe.revision.commit == clone.git("rev-parse", "HEAD")
    assert both.recipe.series == ("worktree", "speed")
    assert set(both.recipe.changed) == {"Lib/own.py", LOOP}
    assert f"base = {first}" in resolved.remarks[0]


def test_uncommitted_changes_that_nobody_measures_are_said(clone: Clone) -> None:
    edit(clone)
    fast = ArmRequest(name="cython", variant="cython")
    resolved = planned(clone, fast, base="main")
    line = (
        f"cpython has uncommitted changes in 1 file ({LOOP}); they are not measured. "
        "`patchbench run --worktree` measures them."
    )
    assert resolved.remarks == (line,)
    assert resolved.warnings == (f"uncommitted: {line}",)
    # Of another commit than those that are measured, readers of the results need not know.
    first = clone.git("rev-parse", "HEAD")
    clone.git("stash", "--quiet")
    clone.commit({"Lib/own.py": "pass\n"})
    clone.git("stash", "pop", "--quiet")
    other = planned(clone, fast, base=first)
    assert other.remarks == (line,)
    assert other.warnings == ()


def test_a_work_tree_that_git_cannot_read_stops_nothing(clone: Clone) -> None:
    (clone.path / ".git" / "index").write_bytes(b"not an index")
    resolved = planned(clone, ArmRequest(name="cython", variant="cython"), base="main")
    (line,) = resolved.remarks
    assert line.startswith("Whether ")
    assert "index" in line


def test_a_patch_that_does_not_make_the_tree_is_refused(clone: Clone) -> None:
    taken = Snapshot(
        name="cpython",
        head=None,  # type: ignore[arg-type]
        tree="a" * 40,
        patch=b"",
        changed=("x",),
        state=None,  # type: ignore[arg-type]
    )
    check_applied(taken, "a" * 40)
    with pytest.raises(SourceError, match="cannot be written as a patch"):
        check_applied(taken, "b" * 40)


# -- the command line ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--worktree"], 2, "--worktree needs --source"),
        (["--worktree", "--candidate", "fix", "--source", "."], 2, "two candidates"),
        (["--worktree", "--source", "debian"], 3, "--worktree needs a source with a work tree"),
        (["--worktree", "--source", "bare.git"], 2, "needs a source with a work tree"),
        (["--worktree", "--source", "https://localhost:1/x.git"], 2, "with a work tree"),
        (["--worktree", "--source", "cpython"], 4, "There is nothing to measure"),
    ],
)
def test_refused(
    clone: Clone,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    says: str,
) -> None:
    clone.git("clone", "--quiet", "--bare", ".", "../bare.git")
    monkeypatch.chdir(clone.path.parent)
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(clone.path.parent / "host.lock"))
    ended = main.main(["--home", "home", "run", *arguments, "--suite", str(SUITE), "--dry-run"])
    assert ended == code
    error = capsys.readouterr().err
    assert says in error
    assert "to do:" in error


def test_the_dry_run_prints_both_kinds_of_lines(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(clone)
    monkeypatch.chdir(clone.path)
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(clone.path.parent / "host.lock"))
    shared = ["--home", "../home", "run", "--source", ".", "--suite", f"{SUITE},fast", "--dry-run"]
    assert main.main([*shared, "--worktree"]) == 0
    assert "work tree   worktree = work tree of cpython: HEAD " in capsys.readouterr().out
    assert main.main([*shared, "--base", "main", "--patch", "../files/p.diff"]) == 5
    (clone.path.parent / "p.diff").write_bytes(fake.speed_patch(2))
    assert main.main([*shared, "--base", "main", "--patch", "../p.diff"]) == 0
    out = capsys.readouterr().out
    assert f"work tree   cpython has uncommitted changes in 1 file ({LOOP})" in out


def test_an_experiment_file_asks_for_it_too(tmp_path: Path) -> None:
    from bench.experiments import load

    (tmp_path / "cpython").mkdir()
    text = 'base = "main"\nsource = "cpython"\n[[candidate]]\nworktree = true\n'
    (tmp_path / "x.toml").write_text(text)
    experiment = load(tmp_path / "x.toml")
    assert experiment.candidates[0].worktree
    assert experiment.candidates[0].name == "worktree"
    (tmp_path / "x.toml").write_text(f'{text}revision = "fix"\n')
    with pytest.raises(Exception, match="is given with the revision fix"):
        load(tmp_path / "x.toml")
