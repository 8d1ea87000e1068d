"""Small repositories drawn at random: remotes, tags, branches whose names collide, merges."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.builder.upstream import patchlevel

_ENV = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C",
    "PATH": os.environ["PATH"],
}
_BRANCHES = (
    "main",
    "master",
    "2.7",
    "3.13",
    "fix",
    "topic/x",
    "v2.7.18",
    "2.7.18",
    "HEAD",
    "origin",
)
_REMOTE_BRANCHES = ("main", "2.7", "3.13", "fix", "topic/x", "2.7.18", "3.12", "only", "feature")
_TAGS = (
    "v2.7.17",
    "v2.7.18",
    "v2.7.19rc1",
    "2.7",
    "fix",
    "v3.13.0",
    "v3.12.1",
    "v3.12.2rc1",
    "main",
)
_EXPRESSIONS = (
    "fix~1",
    "main^",
    "2.7~2",
    "@~1",
    "HEAD^2",
    "fix@{upstream}",
    "main^{tree}",
    "^main",
)
_OTHERS = (
    *(
        "@",
        "upstream",
        "team/a",
        "heads/fix",
        "tags/fix",
        "origin/main",
        "upstream/2.7",
        "origin/HEAD",
    ),
    *("2.7.17", "2.7.19rc1", "v2.7.1", "3.13.0", "3.12.1", "3.1", "nosuch", "refs/heads/main"),
    *("refs/tags/2.7", "refs/remotes/origin/2.7", "remotes/origin/fix", "made/3", "-x", "fix:x"),
)


class RandomRepository:
    """One of them. `refs` maps full names to commits, `tracked` local branches to full names."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.random = random.Random(seed)
        self.run("init", "--quiet", "--bare", "--initial-branch=main", str(path), cwd=path.parent)
        self.versions: list[str] = []
        self.commits = self._commits()
        self.remotes = self.random.sample(
            ("origin", "upstream", "team/a"), self.random.randrange(3)
        )
        self._write_refs()
        self.refs = dict(
            row.split(" ")[1:]
            for row in self.git("show-ref", "--dereference").splitlines()
            for row in [f"x {row.split(' ')[1].removesuffix('^{}')} {row.split(' ')[0]}"]
        )
        self.tracked = self._track()
        self._set_head()

    def run(
        self, *arguments: str, cwd: Path | None = None, data: bytes = b""
    ) -> tuple[int, str, str]:
        """Run git; its exit status and output."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.path,
            env=_ENV,
            input=data,
            check=False,
            capture_output=True,
        )
        return done.returncode, done.stdout.decode().strip(), done.stderr.decode()

    def git(self, *arguments: str, data: bytes = b"") -> str:
        """Run git, which must succeed; its output."""
        status, out, err = self.run(*arguments, data=data)
        assert status == 0, (arguments, err)
        return out

    def names(self) -> Sequence[str]:
        """Names to resolve: of what is there, of what is not, hashes and expressions."""
        some = self.random.choice
        hashes = [some(self.commits)[: some((4, 5, 7, 12, 40))] for _ in range(3)]
        pool = {*_BRANCHES, *_REMOTE_BRANCHES, *_TAGS, *_EXPRESSIONS, *_OTHERS, *hashes}
        return sorted({*pool, *(name.partition("/")[2].partition("/")[2] for name in self.refs)})

    def candidates(self) -> Sequence[str]:
        """Names to find a base of: full ones, HEAD, and commits."""
        branches = [name for name in self.refs if not name.startswith("refs/made")]
        some = [name for name in branches if not name.endswith("/HEAD")]
        return sorted({*some, *self.commits, "HEAD"})

    def version(self, commit: str) -> str:
        """The language version of a commit's files."""
        return self.versions[self.commits.index(commit)]

    def _commits(self) -> list[str]:
        marks = self.path / "marks"
        stream = b"".join(self._stream(self.random.randrange(5, 14)))
        self.git("fast-import", "--quiet", f"--export-marks={marks}", data=stream)
        rows = [line.split(" ") for line in marks.read_text().splitlines()]
        return [commit for _, commit in sorted(rows, key=lambda row: int(row[0][1:]))]

    def _stream(self, count: int) -> Iterator[bytes]:
        draw = self.random
        for number in range(1, count + 1):
            # Near ones more often than old ones, so that histories are deep.
            earlier = range(max(1, number - draw.choice((1, 2, 4))), number)
            parents = draw.sample(earlier, min(len(earlier), draw.choice((1, 1, 1, 2))))
            if number > 1 and draw.random() < 0.03:
                parents = []
            self.versions.append(draw.choice(("2.7", "2.7", "3.13")))
            content = patchlevel(f"{self.versions[-1]}.5+").encode()
            yield b"commit refs/made/%d\nmark :%d\n" % (number, number)
            yield b"committer t <t@localhost> %d +0000\ndata 1\nx\n" % (1_600_000_000 + number)
            for place, parent in enumerate(parents):
                yield b"%s :%d\n" % (b"merge" if place else b"from", parent)
            yield b"deleteall\nM 644 inline Include/patchlevel.h\n"
            yield b"data %d\n%s\n" % (len(content), content)
            yield b"M 644 inline number\ndata %d\n%d\n" % (len(str(number)), number)
        for name in draw.sample(_TAGS, draw.randrange(4)):
            mark = draw.randrange(1, count + 1)
            yield b"tag %s\nfrom :%d\ntagger t <t@localhost> 1 +0000\ndata 1\nx\n" % (
                name.encode(),
                mark,
            )

    def _write_refs(self) -> None:
        draw = self.random
        names = [f"refs/heads/{name}" for name in draw.sample(_BRANCHES, draw.randrange(2, 7))]
        names += [f"refs/tags/{name}" for name in draw.sample(_TAGS, draw.randrange(4))]
        if draw.random() < 0.3:
            # A branch with the name of a commit.
            names.append(f"refs/heads/{draw.choice(self.commits)[:7]}")
        for remote in self.remotes:
            branches = draw.sample(_REMOTE_BRANCHES, draw.randrange(2, 7))
            names += [f"refs/remotes/{remote}/{name}" for name in branches]
        lines = [f"update {name} {draw.choice(self.commits)}\n" for name in names]
        self.git("update-ref", "--stdin", data="".join(lines).encode())
        for remote in self.remotes:
            head = self.path / "refs" / "remotes" / remote / "HEAD"
            if draw.random() < 0.8:
                head.write_text(f"ref: refs/remotes/{remote}/main\n")

    def _track(self) -> dict[str, str]:
        config, tracked = [], {}
        for remote in self.remotes:
            fetch = f"+refs/heads/*:refs/remotes/{remote}/*"
            config.append(f'[remote "{remote}"]\n\turl = /nowhere\n\tfetch = {fetch}\n')
        branches = [name for name in self.refs if name.startswith("refs/heads/")]
        for branch in branches:
            choices = [
                (remote, f"refs/heads/{name.removeprefix(f'refs/remotes/{remote}/')}", name)
                for remote in self.remotes
                for name in self.refs
                if name.startswith(f"refs/remotes/{remote}/") and not name.endswith("/HEAD")
            ]
            choices += [(".", name, name) for name in branches if name != branch]
            # Of a branch called HEAD, git knows no upstream.
            if choices and branch != "refs/heads/HEAD" and self.random.random() < 0.5:
                remote, merge, tracked[branch] = self.random.choice(choices)
                short = branch.removeprefix("refs/heads/")
                config.append(f'[branch "{short}"]\n\tremote = {remote}\n\tmerge = {merge}\n')
        with (self.path / "config").open("a") as file:
            file.write("".join(config))
        return tracked

    def _set_head(self) -> None:
        branches = sorted(name for name in self.refs if name.startswith("refs/heads/"))
        head = f"ref: {self.random.choice(branches)}"
        if self.random.random() < 0.3:
            head = self.random.choice(self.commits)
        (self.path / "HEAD").write_text(f"{head}\n")
