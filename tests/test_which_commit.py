"""Which commit a name is, and which base a candidate has: through the command, on real clones."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli import main
from builder.errors import SourceError
from builder.home import Home
from builder.sources.local_git import LocalGit
from tests import fake
from tests.fake.repository import commit_tree

SUITE = Path(fake.__file__).parent / "suite" / "MANIFEST"
_WHO = {
    f"GIT_{who}_{what}": "t@localhost"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
_ENV = {
    "PATH": "/usr/bin:/bin",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **_WHO,
}


class Clone:
    """A clone whose own branches and those of its remotes differ."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "clone"

    def make(self) -> None:
        """Two remotes with the same two branches, and a clone of the first."""
        tree = fake.write_tree(self.root / "tree")
        for remote in ("origin", "upstream"):
            for branch in ("main", "3.13"):
                commit_tree(self.root / f"{remote}.git", tree, branch=branch)
        self.git("clone", "--quiet", "origin.git", "clone", cwd=self.root)
        # Relative, so that all of it can be copied.
        self.git("remote", "set-url", "origin", "../origin.git")
        self.git("switch", "--quiet", "--create", "3.13", "origin/3.13")
        self.git("tag", "v3.13.5")

    def git(self, *arguments: str, cwd: Path | None = None, data: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.path,
            env=_ENV,
            input=data,
            check=True,
            capture_output=True,
        )
        return done.stdout.decode().strip()

    def commit(self, subject: str, cwd: Path | None = None) -> str:
        """Commit on the branch that is checked out."""
        file = (cwd or self.path) / "Lib" / "note.txt"
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as stream:
            stream.write(f"{subject}\n")
        self.git("add", "--all", cwd=cwd)
        self.git("commit", "--quiet", "-m", subject, cwd=cwd)
        return self.git("rev-parse", "HEAD", cwd=cwd)

    def push(self, remote: str, branch: str, *subjects: str) -> None:
        """Let others commit to a branch of a remote; fetch it, and pull nothing."""
        if remote not in self.git("remote").split():
            self.git("remote", "add", remote, f"../{remote}.git")
            self.git("fetch", "--quiet", remote)
        with_others = self.root / "others"
        self.git("worktree", "add", "--quiet", "--detach", str(with_others), f"{remote}/{branch}")
        for subject in subjects:
            self.commit(subject, cwd=with_others)
        self.git("push", "--quiet", remote, f"HEAD:refs/heads/{branch}", cwd=with_others)
        self.git("worktree", "remove", "--force", str(with_others))
        self.git("fetch", "--quiet", remote)

    def source(self) -> LocalGit:
        home = self.root / "home"
        return LocalGit(self.path, Home(root=home, host_lock=home / "host.lock"), print)

    def short(self, name: str) -> str:
        return self.git("rev-parse", name)[:12]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    Clone(root).make()
    return root


@pytest.fixture
def clone(tmp_path: Path, template: Path) -> Clone:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True, symlinks=True)
    return Clone(tmp_path)


def planned(clone: Clone, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """The lines of a dry run that say which commit each arm is."""
    home = str(clone.root / "home")
    arguments = ["--home", home, "run", "--source", str(clone.path), "--suite", str(SUITE)]
    capsys.readouterr()
    assert main.main([*arguments, *options, "--dry-run", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith(("base ", "candidate "))]


# -- names ----------------------------------------------------------------------------------------


def test_head_is_not_the_head_of_a_remote(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    clone.git("switch", "--quiet", "--create", "fix", "origin/3.13")
    own = clone.commit("Faster")[:12]
    patch = clone.root / "slow.patch"
    patch.write_bytes(fake.speed_patch(1.2))
    base = clone.short("v3.13.5")
    for name in ("HEAD", "@"):
        assert (
            planned(clone, capsys, "--base", "v3.13.5", "--candidate", name)
            == [
                f'base v3.13.5: refs/tags/v3.13.5, {base} "the fake CPython"',
                f'candidate {name}: refs/heads/fix, {own} "Faster"',
            ]
            or name == "@"
        )
    assert planned(clone, capsys, "--base", "HEAD", "--patch", str(patch)) == [
        f'base HEAD: refs/heads/fix, {own} "Faster"'
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "ref", "commit", "origin"),
    [
        ("HEAD", "refs/heads/fix", "fix", ""),
        ("fix", "refs/heads/fix", "fix", ""),
        ("fix~1", "", "origin/3.13", ""),
        ("main", "refs/heads/main", "main", ""),
        ("origin/main", "refs/remotes/origin/main", "origin/main", ""),
        ("origin", "refs/remotes/origin/main", "origin/main", ""),
        ("origin/HEAD", "refs/remotes/origin/main", "origin/main", ""),
        ("fix@{upstream}", "refs/remotes/origin/3.13", "origin/3.13", ""),
        ("only", "refs/remotes/origin/only", "origin/only", "branch only of origin"),
        ("3.13.5", "refs/tags/v3.13.5", "v3.13.5", "release 3.13.5"),
        ("3.12", "refs/tags/v3.12.9", "v3.12.9", "the newest release of 3.12"),
        ("3.13", "refs/heads/3.13", "3.13", ""),
    ],
)
def test_a_name_is_what_git_says(
    clone: Clone, name: str, ref: str, commit: str, origin: str
) -> None:
    clone.push("origin", "main", "Ahead of us")
    clone.git("push", "--quiet", "origin", "HEAD:only")
    clone.git("fetch", "--quiet", "origin")
    clone.git("tag", "v3.12.9")
    clone.git("tag", "v3.12.10rc1", "origin/main")
    clone.git("switch", "--quiet", "--create", "fix", "origin/3.13")
    clone.commit("Faster")
    revision = clone.source().resolve(name)
    assert (revision.commit, revision.ref) == (clone.git("rev-parse", commit), ref)
    assert revision.origin.startswith(origin)
    assert bool(revision.origin) == bool(origin)


def test_a_work_tree_has_its_own_head(clone: Clone) -> None:
    other = clone.root / "other"
    clone.git("worktree", "add", "--quiet", "-b", "elsewhere", str(other))
    there = clone.commit("Elsewhere", cwd=other)
    home = Home(root=clone.root / "home", host_lock=clone.root / "host.lock")
    revision = LocalGit(other, home, print).resolve("HEAD")
    assert (revision.commit, revision.ref) == (there, "refs/heads/elsewhere")
    assert clone.source().resolve("HEAD").commit != there


def _branch_and_tag(clone: Clone) -> tuple[str, ...]:
    clone.git("branch", "fix")
    clone.commit("Later")
    clone.git("tag", "fix")
    return ("refs/tags/fix", "refs/heads/fix")


def _branch_and_commit(clone: Clone) -> tuple[str, ...]:
    old = clone.git("rev-parse", "HEAD")
    clone.commit("Later")
    clone.git("update-ref", f"refs/heads/{old[:7]}", "HEAD")
    return (f"refs/heads/{old[:7]}", old)


def _two_remotes(clone: Clone) -> tuple[str, ...]:
    for remote in ("origin", "upstream"):
        clone.push(remote, "only" if remote == "" else "main", f"Of {remote}")
    clone.git("switch", "--quiet", "3.13")
    clone.git("branch", "--quiet", "-D", "main")
    return ("refs/remotes/origin/main", "refs/remotes/upstream/main")


def _branch_called_head(clone: Clone) -> tuple[str, ...]:
    clone.git("update-ref", "refs/heads/HEAD", clone.commit("Later"))
    clone.git("reset", "--quiet", "--hard", "HEAD~1")
    return ("refs/heads/HEAD", clone.git("rev-parse", "3.13"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("fix", _branch_and_tag),
        ("", _branch_and_commit),
        ("main", _two_remotes),
        ("HEAD", _branch_called_head),
    ],
)
def test_a_name_with_several_meanings_is_refused(
    clone: Clone, name: str, make: Callable[[Clone], tuple[str, ...]]
) -> None:
    typed = make(clone)
    with pytest.raises(SourceError, match="has 2 meanings") as caught:
        clone.source().resolve(name or typed[0].rpartition("/")[2])
    for one in typed:
        assert one in caught.value.hint
        assert clone.source().resolve(one).commit == clone.git("rev-parse", one)


def test_an_abbreviated_hash_of_several_commits_lists_them(clone: Clone) -> None:
    tree = clone.git("rev-parse", "HEAD^{tree}")
    seen: dict[str, bytes] = {}
    for number in itertools.count():
        content = (
            f"tree {tree}\nauthor t <t> 1 +0000\ncommitter t <t> 1 +0000\n\n{number}\n".encode()
        )
        prefix = hashlib.sha1(b"commit %d\0" % len(content) + content).hexdigest()[:4]
        if prefix in seen:
            break
        seen[prefix] = content
    first, second = (
        clone.git("hash-object", "-t", "commit", "-w", "--stdin", data=each)
        for each in (seen[prefix], content)
    )
    with pytest.raises(SourceError, match="meanings") as caught:
        clone.source().resolve(prefix)
    assert first in caught.value.hint
    assert second in caught.value.hint


# -- bases ----------------------------------------------------------------------------------------


def _behind(clone: Clone) -> tuple[str, str, str]:
    clone.push("origin", "3.13", "Of others", "Of others again")
    clone.git("switch", "--quiet", "--create", "fix", "origin/3.13")
    for subject in ("One", "Two", "Three"):
        clone.commit(subject)
    return "fix", "origin/3.13", "merge base of fix and origin/3.13, 3 commits before"


def _behind_without_upstream(clone: Clone) -> tuple[str, str, str]:
    name, base, words = _behind(clone)
    clone.git("branch", "--unset-upstream")
    return name, base, words


def _by_hash(clone: Clone) -> tuple[str, str, str]:
    _, base, words = _behind(clone)
    name = clone.git("rev-parse", "HEAD")[:10]
    clone.git("switch", "--quiet", "3.13")
    return name, base, words.replace("fix", name)


def _detached(clone: Clone) -> tuple[str, str, str]:
    _, base, words = _behind(clone)
    clone.git("checkout", "--quiet", "--detach")
    return "HEAD", base, words.replace("fix", "HEAD")


def _pushed(clone: Clone) -> tuple[str, str, str]:
    name, base, words = _behind(clone)
    clone.git("push", "--quiet", "--set-upstream", "origin", "fix")
    return name, base, words


def _own_commits(clone: Clone) -> tuple[str, str, str]:
    for subject in ("One", "Two"):
        clone.commit(subject)
    return "3.13", "origin/3.13", "merge base of 3.13 and origin/3.13, 2 commits before"


def _own_commits_as_head(clone: Clone) -> tuple[str, str, str]:
    _, base, words = _own_commits(clone)
    return "HEAD", base, words.replace("of 3.13", "of HEAD")


def _fork(clone: Clone) -> tuple[str, str, str]:
    clone.push("upstream", "3.13", "Upstream's", "Upstream's again")
    clone.git("switch", "--quiet", "--create", "fix", "upstream/3.13")
    clone.commit("One")
    return "fix", "upstream/3.13", "merge base of fix and upstream/3.13, 1 commit before"


def _fork_without_upstream(clone: Clone) -> tuple[str, str, str]:
    name, base, words = _fork(clone)
    clone.git("branch", "--unset-upstream")
    return name, base, words


def _merged_into_own_branch(clone: Clone) -> tuple[str, str, str]:
    name, base, words = _behind(clone)
    clone.git("switch", "--quiet", "3.13")
    clone.git("merge", "--quiet", "--ff-only", "fix")
    return name, base, words


def _on_upstream(clone: Clone) -> tuple[str, str, str]:
    clone.push("origin", "3.13", "Of others", "Of others again")
    name = clone.git("rev-parse", "origin/3.13~1")[:10]
    return name, "origin/3.13~2", f"parent of {name}, which is on origin/3.13"


def _only_local(clone: Clone) -> tuple[str, str, str]:
    clone.git("remote", "remove", "origin")
    clone.commit("One")
    return "3.13", "3.13~1", "parent of 3.13, the newest commit of this branch"


def _tracks_local(clone: Clone) -> tuple[str, str, str]:
    name, base, words = _behind(clone)
    clone.git("branch", "--quiet", "--set-upstream-to=3.13", "fix")
    return name, base, words


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        *(_behind, _behind_without_upstream, _by_hash, _detached, _pushed, _own_commits),
        *(_own_commits_as_head, _fork, _fork_without_upstream, _merged_into_own_branch),
        *(_on_upstream, _only_local, _tracks_local),
    ],
)
def test_the_base_is_where_it_branched_off(
    clone: Clone, make: Callable[[Clone], tuple[str, ...]]
) -> None:
    name, base, words = make(clone)
    revision = clone.source().candidate_base(name)
    assert (revision.commit, revision.origin) == (clone.git("rev-parse", base), words)


def test_the_plan_says_which_base_it_is(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    _behind(clone)
    assert planned(clone, capsys, "--candidate", "fix") == [
        f"base = merge base of fix and origin/3.13, 3 commits before: "
        f'{clone.short("origin/3.13")} "Of others again"',
        f'candidate fix: refs/heads/fix, {clone.short("fix")} "Three"',
    ]


def _stale_fork(clone: Clone) -> tuple[str, ...]:
    """It tracks the fork, and was rebased onto upstream."""
    _fork(clone)
    clone.git("branch", "--quiet", "--set-upstream-to=origin/3.13", "fix")
    return ("origin/3.13", "upstream/3.13")


def _merged_into_fork(clone: Clone) -> tuple[str, ...]:
    """All of the branch is in the fork's 3.13, and nothing of it upstream."""
    _fork(clone)
    clone.commit("Two")
    clone.git("push", "--quiet", "--force", "origin", "fix:3.13")
    clone.git("fetch", "--quiet", "origin")
    clone.git("branch", "--unset-upstream")
    return ("fix~1", "upstream/3.13")


def _criss_cross(clone: Clone) -> tuple[str, ...]:
    clone.push("origin", "3.13", "Theirs")
    clone.git("switch", "--quiet", "--create", "fix", "origin/3.13~1", "--no-track")
    clone.git("commit", "--quiet", "--allow-empty", "-m", "Ours")
    ours, theirs = clone.git("rev-parse", "fix"), clone.git("rev-parse", "origin/3.13")
    clone.git("merge", "--quiet", "-m", "Merge", theirs)
    clone.git("switch", "--quiet", "--detach", theirs)
    clone.git("merge", "--quiet", "-m", "Merge", ours)
    clone.git("push", "--quiet", "origin", "HEAD:3.13")
    clone.git("fetch", "--quiet", "origin")
    return (ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("make", [_stale_fork, _merged_into_fork, _criss_cross])
def test_a_base_that_is_not_clear_is_refused(
    clone: Clone, make: Callable[[Clone], tuple[str, ...]]
) -> None:
    bases = make(clone)
    with pytest.raises(SourceError, match="is not clear: 2 commits are plausible") as caught:
        clone.source().candidate_base("fix")
    for base in bases:
        assert f"--base {clone.short(base)}" in caught.value.hint
        assert clone.short(base) in caught.value.where


# -- the head that a nightly follows --------------------------------------------------------------


def test_a_head_that_was_fetched_and_not_pulled(clone: Clone) -> None:
    local = clone.git("rev-parse", "3.13")
    assert clone.source().head("3.13").commit == local
    clone.push("origin", "3.13", "Of others", "Of others again")
    head = clone.source().head("3.13")
    assert (head.commit, head.ref) == (
        clone.git("rev-parse", "origin/3.13"),
        "refs/remotes/origin/3.13",
    )
    assert head.origin == "tracked by 3.13, which is 2 behind"
    # A run means git's local branch.
    assert clone.source().resolve("3.13").commit == local


def test_a_head_with_own_commits(clone: Clone) -> None:
    own = clone.commit("Own")
    assert clone.source().head("3.13").commit == own
    clone.push("origin", "3.13", "Of others")
    with pytest.raises(SourceError, match="is not clear") as caught:
        clone.source().head("3.13")
    assert "origin/3.13" in caught.value.hint
    assert clone.source().head("origin/3.13").commit == clone.git("rev-parse", "origin/3.13")
