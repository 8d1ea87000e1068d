"""Bisections of real git histories, with measurements that only pretend."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main as cli
from bench.context import Context
from bench.experiments.experiment import Experiment
from bench.jobs.bisect import steps as module
from bench.jobs.bisect.job import bisect, step
from bench.jobs.bisect.steps import BisectRequest
from builder.errors import (
    EXIT_SKIP,
    EXIT_STOP,
    BisectError,
    BrokenError,
    SourceError,
    StoreError,
    UsageError,
)
from builder.sources.provide import SourceSpec
from tests.bench.jobs.bisect.made_up import Machine
from tests.builder.upstream import write_tarball


def test_the_commit_is_found_and_measured_against_its_parent(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    commits = machine.line(1, 1, 1, 1, 1, 1, 1.06, 1.06, 1.06)
    assert bisect(machine.context, machine.request(commits[0], "main"), as_json=False) == 0
    out = capsys.readouterr().out
    assert f"{commits[6]}\n  tests, 2014-05-13\n  3.13.5+" in out
    assert f"against its parent {commits[5][:12]}: b 1.0600" in out
    assert machine.asked[0] == (commits[0], commits[8], 5, "change")
    assert machine.asked[-1] == (commits[5], commits[6], 5, "parent")
    assert {base for base, *_ in machine.asked[:-1]} == {commits[0]}
    assert len(machine.asked) == 5


def test_the_document_says_it_all(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    commits = machine.line(1, 1, 1.06, 1.06)
    document = machine.found(commits[0], "main")
    assert json.loads(capsys.readouterr().out) == document
    assert document["outcome"] == "found"
    assert [commit["commit"] for commit in document["culprits"]] == [commits[2]]
    assert document["culprits"][0]["author"] == "tests"
    assert document["change"]["ratio"] == pytest.approx(1.06)
    assert document["parent"]["commit"] == commits[1]
    assert document["parent"]["against_parent"]["verdict"] == "slower"
    assert {step["commit"]: step["side"] for step in document["steps"]} == {
        commits[1]: "good",
        commits[2]: "bad",
    }


def test_a_speed_up_is_found_as_well(machine: Machine) -> None:
    commits = machine.line(1, 1, 0.9, 0.9, 0.9, 0.9)
    document = machine.found(commits[0], "main")
    assert [commit["commit"] for commit in document["culprits"]] == [commits[2]]


def test_without_a_change_nothing_is_searched(machine: Machine) -> None:
    commits = machine.line(1, 1, 1)
    with pytest.raises(BisectError, match="No change of b") as caught:
        bisect(machine.context, machine.request(commits[0], "main"), as_json=False)
    assert "1.0000, 0.9900 to 1.0100" in caught.value.where
    assert len(machine.asked) == 1
    assert machine.found(commits[0], "main")["outcome"] == "no-change"


def test_what_cannot_be_judged_is_skipped(machine: Machine) -> None:
    commits = machine.line(1, 1, 1, 1, 1, 1, 1, 1.06, 1.06)
    machine.broken.add(commits[4])
    machine.silent.add(commits[2])
    document = machine.found(commits[0], "main")
    assert [commit["commit"] for commit in document["culprits"]] == [commits[7]]
    skipped = [step for step in document["steps"] if step["side"] == "skipped"]
    assert [(step["commit"], step["reason"]) for step in skipped] == [
        (commits[4], "make failed"),
        (commits[2], "Nothing was measured."),
    ]


def test_a_culprit_among_skipped_commits_is_a_range(machine: Machine) -> None:
    commits = machine.line(1, 1, 1, 1, 1.06, 1.06)
    machine.broken |= {commits[3]}
    machine.alien |= {commits[4]}
    with pytest.raises(BisectError, match="One of 3 commits") as caught:
        bisect(machine.context, machine.request(commits[0], "main"), as_json=False)
    told = [line.split()[0] for line in caught.value.where.splitlines()]
    assert told == [commits[3], commits[4], commits[5]]
    assert f"{commits[3][:12]}^..{commits[5][:12]}" in caught.value.hint
    assert machine.found(commits[0], "main")["outcome"] == "range"


def test_an_interval_that_does_not_decide_is_measured_again_with_more_blocks(
    machine: Machine,
) -> None:
    commits = machine.line(1, 1, 1.06, 1.06)
    machine.wild.add(commits[1])
    document = machine.found(commits[0], "main")
    again = [one for one in machine.asked if one[1] == commits[1]]
    assert [(blocks, name) for _, _, blocks, name in again] == [
        (5, f"commits/{commits[1][:16]}"),
        (20, f"commits/{commits[1][:16]}-again"),
    ]
    assert document["outcome"] == "found"


def test_a_change_in_two_halves_is_not_pinned_on_one_commit(machine: Machine) -> None:
    commits = machine.line(1, 1.03, 1.03, 1.06)
    with pytest.raises(BisectError, match="One of 3 commits"):
        bisect(machine.context, machine.request(commits[0], "main"), as_json=False)


def test_a_culprit_that_its_parent_does_not_confirm_is_an_error(machine: Machine) -> None:
    commits = machine.line(1, 1, 1.06, 1.06)
    machine.apart[commits[1], commits[2]] = 1.003
    with pytest.raises(BisectError, match="its own parent it does not show") as caught:
        bisect(machine.context, machine.request(commits[0], "main"), as_json=False)
    assert f"{commits[2]} against {commits[1][:12]}: ratio 1.0030" in caught.value.where
    machine.apart.clear()
    machine.broken_bases.add(commits[1])
    with pytest.raises(BisectError, match="its own parent it does not show") as caught:
        bisect(machine.context, machine.request(commits[0], "main"), as_json=False)
    assert caught.value.where.endswith("make failed.")


def test_commits_to_skip_are_not_measured(machine: Machine) -> None:
    commits = machine.line(1, 1, 1, 1, 1.06)
    document = machine.found(commits[0], "main", skip=(commits[2],))
    assert commits[2] not in {one[1] for one in machine.asked}
    assert [commit["commit"] for commit in document["culprits"]] == [commits[4]]


def test_a_commit_with_the_same_files_as_an_end_is_not_measured(machine: Machine) -> None:
    good, there, bad = machine.line(1, 1, 1.06)
    tree = machine.upstream.git("rev-parse", f"{good}^{{tree}}")
    again = machine.upstream.git(
        *("commit-tree", "-m", "reverted", "-p", there, tree),
        GIT_AUTHOR_DATE="1400009999 +0000",
        GIT_COMMITTER_DATE="1400009999 +0000",
    )
    last = machine.upstream.commit("main", "3.13.5+", parents=(again,))
    machine.speed |= {again: 1, last: 1.06}
    document = machine.found(good, last, skip=(there,))
    assert {step["commit"]: step["reason"] for step in document["steps"]} == {
        again: f"it has the same files as {good}"
    }
    assert [commit["commit"] for commit in document["culprits"]] == [last]
    assert bad not in {one[1] for one in machine.asked}


def test_a_merge_is_followed_into_its_branch_or_blamed(machine: Machine) -> None:
    (good,) = machine.line(1)
    side = machine.upstream.commit("topic", "3.13.5+", parents=(good,))
    slow = machine.upstream.commit("topic", "3.13.5+")
    main = machine.upstream.commit("main", "3.13.5+")
    merge = machine.upstream.commit("main", "3.13.5+", parents=(main, slow))
    machine.speed |= {side: 1, slow: 1.06, main: 1, merge: 1.06}
    assert machine.found(good, "main")["culprits"][0]["commit"] == slow
    shutil.rmtree(machine.out)
    assert machine.found(good, "main", first_parent=True)["culprits"][0]["commit"] == merge


def test_an_unbuildable_bad_is_an_error(machine: Machine) -> None:
    commits = machine.line(1, 1, 1.06)
    machine.broken.add(commits[2])
    with pytest.raises(BrokenError, match="main cannot be measured: make failed"):
        bisect(machine.context, machine.request(commits[0], "main"), as_json=False)


def test_ends_that_enclose_nothing_are_an_error(machine: Machine) -> None:
    commits = machine.line(1, 1)
    aside = machine.upstream.commit("aside", "3.13.5+", parents=(commits[0],))
    with pytest.raises(BisectError, match="the same commit"):
        bisect(machine.context, machine.request("main", "main"), as_json=False)
    with pytest.raises(BisectError, match="is not an ancestor of main") as caught:
        bisect(machine.context, machine.request(aside, "main"), as_json=False)
    assert commits[0] in caught.value.hint
    with pytest.raises(BisectError, match="is not an ancestor of") as caught:
        bisect(machine.context, machine.request("main", commits[0]), as_json=False)
    assert caught.value.hint == f"{commits[0]} is the older one: name it first."
    assert machine.asked == []


def test_tarballs_have_nothing_to_bisect(machine: Machine, tmp_path: Path) -> None:
    sha256 = write_tarball(tmp_path / "Python-3.13.5.tgz", "3.13.5")
    archive = SourceSpec(
        kind="archive", location=str(tmp_path / "Python-3.13.5.tgz"), sha256=sha256
    )
    request = BisectRequest(good="3.13.5", bad="3.13.5", suite=("b",), source=archive)
    with pytest.raises(SourceError, match="no history"):
        bisect(machine.context, request, as_json=False)


def test_what_is_the_machines_fault_stops_it_and_it_goes_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = machine.line(1, 1, 1, 1.06, 1.06, 1.06)

    def fails(context: Context, experiment: Experiment, out: Path) -> Any:
        if len(machine.asked) == 2:
            raise StoreError("The disk is full.")
        return machine.measured(context, experiment, out)

    with monkeypatch.context() as patch:
        patch.setattr(module.running, "measured", fails)
        with pytest.raises(StoreError):
            bisect(machine.context, machine.request(commits[0], "main"), as_json=False)
    assert json.loads((machine.out / "bisect.json").read_text())["outcome"] == "searching"
    before = [name for *_, name in machine.asked]
    machine.asked.clear()
    assert machine.found(commits[0], "main")["outcome"] == "found"
    # In the same order and folders, where jobs.run.measured finds what was measured.
    assert [name for *_, name in machine.asked][: len(before)] == before


# -- under git bisect run --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "code"), [(1, 0), (2, EXIT_SKIP), (3, EXIT_SKIP), (4, 1), (5, 1), (0, 0)]
)
def test_a_step_answers_as_git_wants_it(machine: Machine, at: int, code: int) -> None:
    commits = machine.line(1, 1, 1, 1.03, 1.06, 1.06)
    machine.broken.add(commits[2])
    assert step(machine.context, machine.request(commits[0], "main"), commits[at]) == code


def test_a_step_without_a_change_is_an_error(machine: Machine) -> None:
    commits = machine.line(1, 1, 1)
    with pytest.raises(BisectError):
        step(machine.context, machine.request(commits[0], "main"), commits[1])


@pytest.mark.parametrize(
    "line",
    [
        "bisect nosuch main --benchmark b --source {up} --step",
        "bisect main main --step --benchmark b --source {up} --blocks 1",
        "bisect main --step=HEAD --benchmark b",
        "bisect main~1 main --benchmark b --source {up}/nosuch --step",
    ],
)
def test_git_never_takes_an_error_for_a_bad_commit(
    machine: Machine, line: str, tmp_path: Path
) -> None:
    machine.line(1, 1)
    arguments = line.format(up=machine.upstream.path).split()
    try:
        code = cli.main(["--home", str(tmp_path / "home"), *arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    assert code == EXIT_STOP


@pytest.fixture
def clone(machine: Machine, tmp_path: Path) -> Path:
    """A clone of the history, whose origin/HEAD is not what is checked out."""
    commits = machine.line(1, 1, 1, 1.06, 1.06)
    folder = tmp_path / "clone"
    machine.upstream.git("clone", "--quiet", machine.upstream.url, str(folder), cwd=tmp_path)
    machine.upstream.git("switch", "--quiet", "--create", "mine", commits[-2], cwd=folder)
    return folder


def _in(clone: Path, request: BisectRequest) -> BisectRequest:
    return replace(request, source=SourceSpec(kind="git", location=str(clone)))


def test_head_is_the_clones_own_and_not_its_remotes(
    machine: Machine, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commits = list(machine.speed)
    request = _in(clone, machine.request(commits[0], "HEAD"))
    assert bisect(machine.context, request, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["bad"]["commit"] == commits[-2]
    assert machine.asked[0][:2] == (commits[0], commits[-2])


@pytest.mark.parametrize(("place", "status"), [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1)])
def test_a_step_judges_what_git_bisect_checked_out(
    machine: Machine, clone: Path, place: int, status: int
) -> None:
    commits = list(machine.speed)
    machine.upstream.git("checkout", "--quiet", "--detach", commits[place], cwd=clone)
    request = _in(clone, machine.request(commits[0], commits[-1]))
    assert step(machine.context, request, "HEAD") == status


@pytest.mark.parametrize("name", ["HEAD", "@", "HEAD~2", "@{1}"])
def test_a_step_refuses_ends_that_git_bisect_moves(
    machine: Machine, clone: Path, name: str
) -> None:
    good = next(iter(machine.speed))
    with pytest.raises(UsageError, match="another commit at each step"):
        step(machine.context, _in(clone, machine.request(good, name)), "HEAD")
    assert machine.asked == []
