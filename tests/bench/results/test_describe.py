"""What each candidate changes, from real repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.experiments.experiment import ArmRequest, Experiment
from bench.experiments.plan import Plan, PlannedArm
from bench.results import FileChange
from bench.results import describe as module
from bench.results.describe import Changes
from builder.builds.recipe import Flavor
from builder.git import Repository
from builder.patches import Series, adhoc
from builder.sources.revision import Revision
from tests.golden.specimen import SERIES, recipe

OBMALLOC = "".join(f"line {number}\n" for number in range(40))
TREE = {
    "Objects/obmalloc.c": OBMALLOC,
    "Python/ceval.c": "switch\n",
    "Misc/NEWS": "News\n",
    "configure": "old\n",
}
MAIL = b"""From 0123 Mon Sep 17 00:00:00 2001
From: Ann Author <ann@example.org>
Date: Wed, 17 Jul 2019 21:23:57 +0900
Subject: [PATCH] Faster switch

diff --git a/Python/ceval.c b/Python/ceval.c
--- a/Python/ceval.c
+++ b/Python/ceval.c
@@ -1 +1 @@
-switch
+goto
"""


class History:
    """A repository with a work tree, and its commits by name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, day: int = 1) -> str:
        date = f"2019-07-{day:02d}T23:30:00+0900"
        env = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "PATH": "/usr/bin:/bin"}
        env |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        settings = ("-c", "user.name=Ann Author", "-c", "user.email=ann@example.org")
        done = subprocess.run(
            ["git", *settings, *arguments],
            cwd=self.root,
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str, files: dict[str, str | bytes], *, day: int = 1) -> str:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject, day=day)
        return self.git("rev-parse", "HEAD")

    @property
    def repository(self) -> Repository:
        return Repository(self.root / ".git")

    def arm(self, name: str, commit: str, *, tree: str = "", **more: Any) -> PlannedArm:
        revision = Revision(source="git x", name=name, commit=commit, version="3.9.0a0", epoch=1)
        made = replace(
            recipe(1),
            revision=revision,
            tree=tree or self.repository.tree(commit),
            flavor=more.pop("flavor", Flavor()),
        )
        return PlannedArm(name=name, recipes=(made,), **more)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def of_arms(
    history: History,
    base: PlannedArm,
    *arms: PlannedArm,
    patches: dict[str, tuple[Series, ...]] | None = None,
) -> Changes:
    experiment = Experiment(name="adhoc", base=ArmRequest(), candidates=())
    plan = Plan(
        experiment=experiment,
        arms=(replace(base, kind="base"), *arms),
        suite="",
        benchmarks=(),
        protocol="",
    )
    repositories = {arm.name: history.repository for arm in plan.arms}
    return module.changes(plan, repositories, patches or {})


def of_commits(history: History, old: str, new: str) -> Changes:
    return of_arms(history, history.arm("base", old), history.arm("fix", new))


def test_a_commit_has_subject_author_date_lines_by_kind_and_patch(history: History) -> None:
    old = history.commit("Before", dict(TREE))
    better = OBMALLOC.replace("line 3\n", "first\nsecond\n")
    new = history.commit(
        "bpo-37543: optimize pymalloc (#14674)",
        {"Objects/obmalloc.c": better, "Misc/NEWS": "News\nFaster\n"},
        day=17,
    )
    made = of_commits(history, old, new)
    change = made.records["fix"]

    assert (change.subject, change.name) == ("bpo-37543: optimize pymalloc (#14674)", new)
    (step,) = change.steps
    assert (step.author, step.date, step.name) == ("Ann Author", "2019-07-17", new)
    assert (change.commits, change.lacking, change.note) == (1, 0, "")
    assert change.files == (
        FileChange(path="Objects/obmalloc.c", kind="objects", added=2, removed=1),
        FileChange(path="Misc/NEWS", kind="docs", added=1, removed=0),
    )
    assert {kind: (one.added, one.removed) for kind, one in change.kinds.items()} == {
        "objects": (2, 1),
        "docs": (1, 0),
    }
    assert (change.count.files, change.count.added, change.count.removed) == (2, 3, 1)
    # The more important file comes first, though git sorts Misc before Objects.
    assert change.patch.index("obmalloc") < change.patch.index("NEWS")
    assert change.patch_file == "changes/fix.diff"
    assert history.repository.apply(
        history.repository.tree(old), made.files["changes/fix.diff"].encode()
    ) == history.repository.tree(new)


def test_of_several_commits_there_is_a_list(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_STEPS", 2)
    old = history.commit("Before", dict(TREE))
    for number in range(4):
        new = history.commit(f"Step {number}", {"Misc/NEWS": f"{number}\n"})
    change = of_commits(history, old, new).records["fix"]
    assert change.subject == "4 commits up to: Step 3"
    assert [step.subject for step in change.steps] == ["Step 3", "Step 2"]
    assert change.commits == 4


def test_commits_of_the_base_that_are_lacking_are_counted(history: History) -> None:
    old = history.commit("Before", dict(TREE))
    base = history.commit("Only on main", {"Misc/NEWS": "more\n"})
    history.git("checkout", "--quiet", "-b", "fix", old)
    new = history.commit("Fix", {"configure": "new\n"})
    change = of_commits(history, base, new).records["fix"]
    assert (change.subject, change.commits, change.lacking) == ("Fix", 1, 1)
    assert set(change.kinds) == {"build", "docs"}
    back = of_commits(history, base, old).records["fix"]
    assert back.subject == "the base without its last commit"


def test_without_a_common_history_the_commits_are_not_known(history: History) -> None:
    old = history.commit("Before", dict(TREE))
    history.git("checkout", "--quiet", "--orphan", "other")
    new = history.commit("Elsewhere", {"Misc/NEWS": "x\n"})
    change = of_commits(history, old, new).records["fix"]
    assert change.subject == "3.9.0a0 " + new[:10] + ": Elsewhere"
    assert "no history of both" in change.note
    assert change.commits == 0
    assert change.count.files == 1


def test_files_that_the_repository_lacks_are_a_note_and_no_error(history: History) -> None:
    old = history.commit("Before", dict(TREE))
    new = history.commit("After", {"Misc/NEWS": "x\n"})
    lost = history.arm("fix", new, tree="1" * 40)
    change = of_arms(history, history.arm("base", old), lost).records["fix"]
    assert (change.subject, change.patch, change.files) == ("After", "", ())
    assert "lacks some of the base's" in change.note


@pytest.mark.parametrize(
    ("series", "subject", "name", "step"),
    [
        (
            adhoc("fix.diff", MAIL),
            "Faster switch",
            "fix.diff",
            ("Faster switch", "Ann Author", "2019-07-17"),
        ),
        (
            adhoc("fix.diff", MAIL[MAIL.index(b"diff --git") :]),
            "fix.diff",
            "fix.diff",
            ("fix.diff", "", ""),
        ),
        (
            replace(SERIES, patches=adhoc("0001-add.patch", MAIL).patches),
            "Fast add",
            "3.13/fast-add",
            ("Faster switch", "Ann Author", "2019-07-17"),
        ),
        (
            adhoc("fix.diff", MAIL.replace(b"Wed, 17 Jul 2019 21:23:57 +0900", b"yesterday")),
            "Faster switch",
            "fix.diff",
            ("Faster switch", "Ann Author", ""),
        ),
    ],
)
def test_a_patch_has_its_subject_or_the_name_of_its_file(
    history: History, series: Series, subject: str, name: str, step: Sequence[str]
) -> None:
    old = history.commit("Before", dict(TREE))
    tree = history.repository.apply(history.repository.tree(old), series.patches[0].data)
    arm = history.arm("fix", old, tree=tree)
    made = of_arms(history, history.arm("base", old), arm, patches={"fix": (series,)})
    change = made.records["fix"]
    assert (change.subject, change.name) == (subject, name)
    (only,) = change.steps
    assert (only.subject, only.author, only.date) == tuple(step)
    assert list(change.kinds) == ["loop"]
    # The folder of results has it among the patches already.
    assert (change.patch_file, made.files) == ("patches/fix/", {})


def test_a_series_that_only_the_base_has_is_taken_back(history: History) -> None:
    old = history.commit("Before", dict(TREE))
    series = adhoc("fix.diff", MAIL)
    tree = history.repository.apply(history.repository.tree(old), MAIL)
    base = history.arm("base", old, tree=tree)
    made = of_arms(history, base, history.arm("plain", old), patches={"base": (series,)})
    assert made.records["plain"].subject == "without Faster switch"


@pytest.mark.parametrize(
    ("more", "subject"),
    [
        ({"flavor": Flavor(lto=True)}, "flavor lto against plain"),
        ({"variant": "cython"}, "benchmarks' code cython against plain"),
        ({}, "the base's source in another build"),
    ],
)
def test_an_arm_with_the_bases_source_has_no_files(
    history: History, more: dict[str, Any], subject: str
) -> None:
    old = history.commit("Before", dict(TREE))
    made = of_arms(history, history.arm("base", old), history.arm("x", old, **more))
    change = made.records["x"]
    assert (change.subject, change.files, change.patch) == (subject, (), "")
    assert made.files == {}


def test_only_candidates_that_are_built_have_a_change(history: History) -> None:
    old = history.commit("Before", dict(TREE))
    base = history.arm("base", old)
    assert of_arms(history, base, history.arm("aa", old, kind="aa")).records == {}
    runtime = PlannedArm(name="pypy")
    assert of_arms(history, base, runtime).records == {}


def test_a_long_patch_is_cut_and_its_rest_counted(history: History) -> None:
    old = history.commit("Before", dict(TREE))
    long = "".join(f"{number}\n" for number in range(3000))
    new = history.commit("Much", {"configure": long, "Objects/obmalloc.c": "short\n"})
    made = of_commits(history, old, new)
    change = made.records["fix"]
    whole = made.files["changes/fix.diff"].splitlines()
    assert change.patch.startswith("diff --git a/Objects/obmalloc.c")
    assert len(change.patch.splitlines()) == module.MOST_LINES
    assert len(change.patch.splitlines()) + change.left_out == len(whole)


def test_a_line_without_an_end_is_left_out_whole(history: History) -> None:
    old = history.commit("Before", dict(TREE))
    new = history.commit("Much", {"configure": "x" * (module.MOST_CHARACTERS + 1)})
    change = of_commits(history, old, new).records["fix"]
    assert "xxx" not in change.patch
    assert change.left_out > 0


def test_renamed_binary_and_oddly_named_files(history: History) -> None:
    before: dict[str, str | bytes] = {**TREE, "Lib/bin.dat": b"\0\1\2"}
    old = history.commit("Before", before)
    history.git("mv", "Objects/obmalloc.c", "Objects/malloc.c")
    odd = "Lib/na\u00efve \t\n<b>.py"
    new = history.commit("Odd", {"Lib/bin.dat": b"\0\1\3", odd: b"\xff latin-1\n"})
    made = of_commits(history, old, new)
    files = {one.path: one for one in made.records["fix"].files}
    assert files["Objects/malloc.c"].added == files["Objects/malloc.c"].removed == 0
    assert files["Lib/bin.dat"].added is None
    assert files[odd].added == 1
    made.records["fix"].patch.encode()
