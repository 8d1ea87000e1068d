"""The single measurements of a bisection: which are made, and on which side a commit lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.jobs.bisect import steps
from bench.jobs.bisect.result import BisectionResult
from bench.jobs.bisect.search import BAD, GOOD, SKIPPED
from bench.jobs.bisect.steps import Steps
from builder.errors import BrokenError, MeasureError, SourceError
from builder.sources.provide import SourceSpec
from tests.bench.jobs.bisect.made_up import Machine
from tests.builder.upstream import write_tarball


def begun(machine: Machine, *speeds: float) -> tuple[Steps, list[str]]:
    """The steps between the first and the last of some commits."""
    commits = machine.line(*speeds)
    return Steps(machine.context, machine.request(commits[0], commits[-1])), commits


def test_the_change_is_bad_against_good(machine: Machine) -> None:
    some, commits = begun(machine, 1.0, 1.0, 1.1)
    found = some.change()
    assert found.size == pytest.approx(1.1)
    assert (found.good.hash, found.bad.hash) == (commits[0], commits[-1])
    assert found.benchmarks == ("b",)
    assert machine.asked == [(commits[0], commits[-1], 5, "change")]


def test_a_bad_that_does_not_build_cannot_be_bisected(machine: Machine) -> None:
    some, commits = begun(machine, 1.0, 1.1)
    machine.broken.add(commits[-1])
    with pytest.raises(BrokenError, match=r"make failed"):
        some.change()


@pytest.mark.parametrize(("speed", "side"), [(1.0, GOOD), (1.1, BAD), (1.05, SKIPPED)])
def test_a_commit_is_on_the_side_that_it_is_nearer_to(
    machine: Machine, speed: float, side: str
) -> None:
    some, commits = begun(machine, 1.0, speed, 1.1)
    step = some.judged(commits[1], 1.1)
    assert step.found == side
    assert step.row is not None
    assert step.row.ratio == pytest.approx(speed)
    assert bool(step.reason) is (side == SKIPPED)


def test_what_is_not_decided_is_measured_once_more_with_more_blocks(machine: Machine) -> None:
    some, commits = begun(machine, 1.0, 1.1, 1.1)
    machine.wild.add(commits[1])
    assert some.judged(commits[1], 1.1).found == BAD
    assert [(blocks, out) for _base, _commit, blocks, out in machine.asked] == [
        (5, f"commits/{commits[1][:16]}"),
        (20, f"commits/{commits[1][:16]}-again"),
    ]


@pytest.mark.parametrize("kind", ["broken", "silent", "alien"])
def test_a_commit_that_cannot_be_measured_is_skipped_with_its_reason(
    machine: Machine, kind: str
) -> None:
    some, commits = begun(machine, 1.0, 1.0, 1.1)
    getattr(machine, kind).add(commits[1])
    step = some.judged(commits[1], 1.1)
    assert (step.found, step.row) == (SKIPPED, None)
    assert step.reason


def test_a_commit_with_the_files_of_an_end_needs_no_measurement(machine: Machine) -> None:
    first, _middle, last = machine.line(1.0, 1.0, 1.1)
    git = machine.upstream.git
    again = git(
        *("commit-tree", "-p", last, "-m", "revert", f"{first}^{{tree}}"),
        GIT_AUTHOR_DATE="1500000000 +0000",
        GIT_COMMITTER_DATE="1500000000 +0000",
    )
    git("update-ref", "refs/heads/main", again)
    some = Steps(machine.context, machine.request(first, last))
    step = some.judged(again, 1.1)
    assert step.found == GOOD
    assert "the same files as" in step.reason
    assert machine.asked == []


def confirmed(machine: Machine, some: Steps, commit: str) -> BisectionResult:
    return some.confirmed(some.change(), commit)


def test_a_culprit_is_measured_against_its_parent(machine: Machine) -> None:
    some, commits = begun(machine, 1.0, 1.1, 1.1)
    found = confirmed(machine, some, commits[1])
    assert found.parent == commits[0]
    assert found.confirmation is not None
    assert found.confirmation.verdict == "slower"
    assert machine.asked[-1] == (commits[0], commits[1], 5, "parent")


def test_where_the_whole_change_is_one_commit_its_measurement_serves(machine: Machine) -> None:
    some, commits = begun(machine, 1.0, 1.1)
    confirmed(machine, some, commits[1])
    assert machine.asked[-1][3] == "change"


def test_why_a_culprit_is_not_confirmed(machine: Machine) -> None:
    some, commits = begun(machine, 1.0, 1.0, 1.1, 1.1)
    machine.broken_bases.add(commits[1])
    assert confirmed(machine, some, commits[2]).unconfirmed == "make failed."
    machine.broken_bases.clear()
    machine.broken.add(commits[2])
    assert "make failed" in confirmed(machine, some, commits[2]).unconfirmed


def test_a_change_that_cannot_be_measured_is_an_error(machine: Machine) -> None:
    some, commits = begun(machine, 1.0, 1.1)
    machine.silent.add(commits[-1])
    with pytest.raises(MeasureError):
        some.change()


def test_the_folder_is_named_by_what_decides_what_is_measured(machine: Machine) -> None:
    commits = machine.line(1.0, 1.1)
    asked = replace(machine.request(commits[0], commits[1]), out=None)
    folder = Steps(machine.context, asked).folder
    assert folder == Steps(machine.context, replace(asked, bad="main", skip=("x",))).folder
    assert folder != Steps(machine.context, replace(asked, suite=("c",))).folder
    assert folder.parent == Path("results").absolute()


def test_tarballs_have_no_history(machine: Machine, tmp_path: Path) -> None:
    tarball = tmp_path / "Python-3.13.5.tgz"
    sha256 = write_tarball(tarball, "3.13.5")
    source = SourceSpec(kind="archive", location=str(tarball), sha256=sha256)
    asked = replace(machine.request("3.13.5", "3.13.5"), source=source)
    some = Steps(machine.context, asked)
    with pytest.raises(SourceError, match="no history"):
        some.history  # noqa: B018


def test_the_most_blocks_are_limited(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "whole_range", lambda _name: (2, 12))
    some, commits = begun(machine, 1.0, 1.1)
    machine.wild.add(commits[1])
    some.change()
    assert [blocks for _base, _commit, blocks, _out in machine.asked] == [5, 12]
