"""Trees in, trees out: builder.git.repository and builder.git.trees with a real git."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.errors import SourceError, StoreError
from builder.git.repository import ApplyFailure, LineChange, Repository, TreeChange, locate
from tests.builder.upstream import CONTENT, Upstream

EPOCH = 1_234_567_890
FILES: Mapping[str, CONTENT] = {
    "configure": "#!/bin/sh\n",
    "Python/ceval.c": "".join(f"line {number}\n" for number in range(1, 31)),
    "PC/readme.txt": "one\r\ntwo\r\n",
    "Lib/data.bin": bytes(range(256)),
    "Lib/empty.py": "",
    "last.txt": "no newline at the end",
}
PATCH = """\
--- a/Python/ceval.c
+++ b/Python/ceval.c
@@ -9,7 +9,8 @@
 line 9
 line 10
 line 11
-line 12
+line twelve{space}
+line 12 and a half
 line 13
 line 14
 line 15
"""


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream.git")


@pytest.fixture
def repository(upstream: Upstream) -> Repository:
    return Repository.open(upstream.path)


@pytest.fixture
def tree(upstream: Upstream) -> str:
    return upstream.tree(FILES, {"configure": "100755"})


def written(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


class TestExport:
    def test_files_are_as_they_are_in_the_tree(
        self, repository: Repository, tree: str, tmp_path: Path
    ) -> None:
        repository.export(tree, tmp_path / "out", EPOCH)
        expected = {
            name: text.encode() if isinstance(text, str) else text for name, text in FILES.items()
        }
        assert written(tmp_path / "out") == expected

    def test_modes_do_not_depend_on_the_umask(
        self, repository: Repository, tree: str, tmp_path: Path
    ) -> None:
        before = os.umask(0o077)
        try:
            repository.export(tree, tmp_path / "out", EPOCH)
        finally:
            os.umask(before)
        assert (tmp_path / "out/configure").stat().st_mode & 0o777 == 0o755
        assert (tmp_path / "out/Lib/empty.py").stat().st_mode & 0o777 == 0o644

    def test_everything_has_the_same_time(
        self, repository: Repository, tree: str, tmp_path: Path
    ) -> None:
        repository.export(tree, tmp_path / "out", EPOCH)
        paths = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
        assert {path.stat().st_mtime for path in paths} == {EPOCH}

    def test_attributes_change_no_byte(
        self, upstream: Upstream, repository: Repository, tmp_path: Path
    ) -> None:
        files: dict[str, CONTENT] = {
            ".gitattributes": "*.bat text eol=crlf\n*.c ident export-subst\nhidden export-ignore\n"
            "*.txt text working-tree-encoding=UTF-16\n*.big filter=lfs\n",
            "a.bat": "unix\n",
            "b.c": "/* $Id$ $Format:%H$ */\n",
            "hidden": "seen",
            "c.txt": "text\n",
            "d.big": "version https://git-lfs\n",
        }
        repository.export(upstream.tree(files), tmp_path / "out", EPOCH)
        assert written(tmp_path / "out") == {
            name: content.encode() for name, content in files.items() if isinstance(content, str)
        }

    def test_links_are_kept_when_they_stay_inside(
        self, upstream: Upstream, repository: Repository, tmp_path: Path
    ) -> None:
        tree = upstream.tree({"a/file": "x", "b/link": "../a/file"}, {"b/link": "120000"})
        repository.export(tree, tmp_path / "out", EPOCH)
        assert (tmp_path / "out/b/link").read_text() == "x"
        assert (tmp_path / "out/b/link").lstat().st_mtime == EPOCH

    @pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "../..", "../a/../../x", "/"])
    def test_links_that_lead_outside_are_refused(
        self, upstream: Upstream, repository: Repository, tmp_path: Path, target: str
    ) -> None:
        tree = upstream.tree({"b/link": target}, {"b/link": "120000"})
        with pytest.raises(SourceError, match="leads outside"):
            repository.export(tree, tmp_path / "out", EPOCH)

    def test_paths_that_lead_outside_are_refused(
        self, upstream: Upstream, repository: Repository, tmp_path: Path
    ) -> None:
        blob = upstream.git("hash-object", "-w", "--stdin", data=b"x")
        inner = upstream.git("mktree", data=f"100644 blob {blob}\tx\n".encode())
        row = b"40000 ..\0" + bytes.fromhex(inner)
        arguments = ("hash-object", "-w", "--stdin", "-t", "tree", "--literally")
        tree = upstream.git(*arguments, data=row)
        with pytest.raises(SourceError, match="leads outside"):
            repository.export(tree, tmp_path / "out", EPOCH)
        assert not (tmp_path / "x").exists()

    def test_submodules_are_left_out(
        self, upstream: Upstream, repository: Repository, tmp_path: Path
    ) -> None:
        row = f"160000 commit {'1' * 40}\tmodule\n".encode()
        repository.export(upstream.git("mktree", data=row), tmp_path / "out", EPOCH)
        assert written(tmp_path / "out") == {}

    def test_a_file_in_the_way_is_an_error_with_its_path(
        self, repository: Repository, tree: str, tmp_path: Path
    ) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out/configure").symlink_to(tmp_path / "victim")
        with pytest.raises(StoreError) as caught:
            repository.export(tree, tmp_path / "out", EPOCH)
        assert "configure" in caught.value.where
        assert not (tmp_path / "victim").exists()

    def test_content_that_is_missing_is_an_error(
        self, upstream: Upstream, repository: Repository, tmp_path: Path
    ) -> None:
        tree = upstream.tree({"here": "x", "there": "y"})
        blob = upstream.git("rev-parse", f"{tree}:there")
        (upstream.path / "objects" / blob[:2] / blob[2:]).unlink()
        with pytest.raises(SourceError, match="The content of there is not there") as caught:
            repository.export(tree, tmp_path / "out", EPOCH)
        assert "there" in caught.value.where


class TestApply:
    def test_a_patch_makes_a_tree_and_touches_no_index(
        self, repository: Repository, tree: str, tmp_path: Path
    ) -> None:
        after = repository.apply(tree, PATCH.format(space="").encode())
        text = repository.read(after, "Python/ceval.c")
        assert text is not None
        assert b"line 11\nline twelve\nline 12 and a half\nline 13\n" in text
        assert not (repository.path / "index").exists()

    @pytest.mark.parametrize(
        ("head", "tail"),
        [
            pytest.param("", "", id="diff -u"),
            pytest.param("diff --git a/Python/ceval.c b/Python/ceval.c\n", "", id="git diff"),
            pytest.param(
                f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: A <a@b>\n"
                "Subject: [PATCH 1/1] Faster\n\nWhy.\n---\n Python/ceval.c | 3 ++-\n\n"
                "diff --git a/Python/ceval.c b/Python/ceval.c\nindex 1111111..2222222 100644\n",
                "-- \n2.39.5\n\n",
                id="git format-patch",
            ),
        ],
    )
    def test_what_diff_and_git_write_applies_alike(
        self, repository: Repository, tree: str, head: str, tail: str
    ) -> None:
        body = PATCH.format(space="")
        plain = repository.apply(tree, body.encode())
        assert repository.apply(tree, (head + body + tail).encode()) == plain != tree

    def test_trailing_space_does_not_fail_it_nor_is_it_mended(
        self, repository: Repository, tree: str
    ) -> None:
        after = repository.apply(tree, PATCH.format(space="  \t").encode())
        assert b"line twelve  \t\n" in (repository.read(after, "Python/ceval.c") or b"")

    def test_line_ends_and_bytes_survive(self, upstream: Upstream, repository: Repository) -> None:
        files: dict[str, CONTENT] = {"a.txt": b"caf\xe9\r\nb\r\n", ".gitattributes": "* text=auto"}
        old = upstream.tree(files)
        new = upstream.tree({**files, "a.txt": b"caf\xe9\r\nB\xff\r\n"})
        raw = b"--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n caf\xe9\r\n-b\r\n+B\xff\r\n"
        assert repository.apply(old, raw) == new

    def test_the_failure_carries_what_git_said(self, repository: Repository, tree: str) -> None:
        wrong = PATCH.format(space="").replace(" line 11", " line eleven").encode()
        with pytest.raises(ApplyFailure) as caught:
            repository.apply(tree, wrong)
        assert "error: patch failed: Python/ceval.c:9" in caught.value.stderr

    @pytest.mark.parametrize(
        "path", ["../evil", "/tmp/evil", ".git/hooks/x", "a/../../evil", ".GIT/config"]
    )
    def test_nothing_outside_the_tree_can_be_named(
        self, repository: Repository, tree: str, path: str
    ) -> None:
        patch = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n".encode()
        with pytest.raises(ApplyFailure):
            repository.apply(tree, patch)

    @pytest.mark.parametrize("patch", [b"", b"\0\1\2", b"no patch at all\n"])
    def test_what_is_no_patch_fails(self, repository: Repository, tree: str, patch: bytes) -> None:
        with pytest.raises(ApplyFailure):
            repository.apply(tree, patch)

    def test_what_is_applied_already_is_told(self, repository: Repository, tree: str) -> None:
        patch = PATCH.format(space="").encode()
        assert repository.applies_reversed(repository.apply(tree, patch), patch)
        assert not repository.applies_reversed(tree, patch)

    def test_the_callers_settings_have_no_say(
        self,
        repository: Repository,
        tree: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        expected = repository.apply(tree, PATCH.format(space=" ").encode())
        settings = tmp_path / "gitconfig"
        settings.write_text("[apply]\n whitespace = error\n[core]\n autocrlf = true\n")
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
            monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "apply.whitespace")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", "error")
        assert repository.apply(tree, PATCH.format(space=" ").encode()) == expected
        assert not (tmp_path / "elsewhere").exists()


class TestReading:
    def test_a_file_is_read_or_is_not_there(self, repository: Repository, tree: str) -> None:
        assert repository.read(tree, "Lib/data.bin") == bytes(range(256))
        assert repository.read(tree, "Lib") is None
        assert repository.read(tree, "missing") is None

    def test_changes_and_diff_tell_what_differs(
        self, upstream: Upstream, repository: Repository
    ) -> None:
        old = upstream.tree({"gone": "1\n", "mode": "2\n", "text": "3\n"})
        new = upstream.tree({"mode": "2\n", "new": "1\n", "text": "4\n"}, {"mode": "100755"})
        none = "000000"
        plain, executable = "100644", "100755"
        assert repository.changes(old, new) == (
            TreeChange(path="gone", old_mode=plain, new_mode=none, status="D"),
            TreeChange(path="mode", old_mode=plain, new_mode=executable, status="M"),
            TreeChange(path="new", old_mode=none, new_mode=plain, status="A"),
            TreeChange(path="text", old_mode=plain, new_mode=plain, status="M"),
        )
        assert "-3\n+4\n" in repository.diff(old, new)

    def test_lines_are_counted_and_renames_are_no_new_files(
        self, upstream: Upstream, repository: Repository
    ) -> None:
        same = "".join(f"{number}\n" for number in range(20))
        odd = "tab\tand\nline"
        old = upstream.tree({"moved": same, "text": "1\n2\n", odd: "x\n"})
        new = upstream.tree({"there": same + "more\n", "text": "1\n3\n4\n", "bin": "\0"})
        changes = {one.path: one for one in repository.line_changes(old, new)}
        assert changes == {
            "there": LineChange(path="there", added=1, removed=0, old="moved"),
            "text": LineChange(path="text", added=2, removed=1),
            "bin": LineChange(path="bin", added=None, removed=None),
            odd: LineChange(path=odd, added=0, removed=1),
        }
        assert repository.line_changes(old, old) == ()
        assert "rename from moved" in repository.diff(old, new, renames=True)
        assert "rename from moved" not in repository.diff(old, new)
        whole = repository.diff(old, new, renames=True, binary=True)
        assert repository.apply(old, whole.encode()) == new

    def test_the_commits_between_two(self, upstream: Upstream, repository: Repository) -> None:
        old = upstream.commit("main", "3.14.0a0")
        topic = upstream.commit("topic", "3.14.0a1", parents=(old,))
        new = upstream.commit("main", "3.14.0a2", parents=(old, topic))
        found = repository.commits(old, new)
        assert [(one.hash, one.subject) for one in found] == [
            (new, "3.14.0a2"),
            (topic, "3.14.0a1"),
        ]
        assert found[0].authored == upstream.clock
        assert repository.commits(new, old) == ()

    def test_what_a_head_was(self, upstream: Upstream, repository: Repository) -> None:
        first = upstream.commit("main", "3.14.0a0")
        then = upstream.clock
        second = upstream.commit("main", "3.14.0a1")
        assert repository.head_before(second, then) == first
        assert repository.head_before(second, then + 59) == first
        assert repository.head_before(second, then + 60) == second
        assert repository.head_before(second, then - 1) is None

    def test_history_is_told(self, upstream: Upstream, repository: Repository) -> None:
        first = upstream.commit("main", "3.14.0a0")
        second = upstream.commit("main", "3.14.0a0")
        side = upstream.commit("side", "3.14.0a0", parents=(first,))
        third = upstream.commit("main", "3.14.0a0", parents=(second, side))
        assert repository.parents(third) == (second, side)
        assert repository.parents(first) == ()
        assert repository.merge_bases(second, side) == (first,)
        assert repository.is_ancestor(side, third)
        assert not repository.is_ancestor(third, side)
        assert repository.log(first, third) == (second, third)
        assert repository.epoch(third) == upstream.clock
        graph = {second: (first,), side: (first,), third: (second, side)}
        assert repository.graph(first, third) == graph
        line = {second: (first,), third: (second,)}
        assert repository.graph(first, third, first_parent=True) == line
        told = repository.authored(second)
        assert (told.hash, told.author, told.subject) == (second, "tests", "3.14.0a0")
        assert told.day.isoformat() == "2014-05-13"
        other = upstream.commit("other", "1.0", parents=())
        assert repository.merge_bases(other, third) == ()
        assert repository.count(first, third) == 3

    def test_names_are_resolved(self, upstream: Upstream, repository: Repository) -> None:
        commit = upstream.commit("main", "3.14.0a0")
        upstream.tag("v3.14.0a0", commit)
        assert repository.resolve("v3.14.0a0") == repository.resolve(commit[:10]) == commit
        assert repository.refs().tags == {"v3.14.0a0": commit}
        assert repository.refs().branches == {"main": commit}
        for name in ("nosuch", "--all", "main:Include", ""):
            assert repository.find(name) is None
        with pytest.raises(SourceError, match="nosuch"):
            repository.resolve("nosuch")


class TestRepositories:
    def test_init_makes_one_and_finds_it_again(self, tmp_path: Path) -> None:
        Repository.init(tmp_path / "deep/x.git")
        again = Repository.init(tmp_path / "deep/x.git")
        assert again.refs().branches == {}
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.git"]

    def test_init_where_nothing_can_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(StoreError, match="cannot be made"):
            Repository.init(tmp_path / "file" / "x.git")

    def test_open_wants_a_repository(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no git repository"):
            Repository.open(tmp_path)

    def test_a_folder_inside_a_repository_is_not_that_repository(self, tmp_path: Path) -> None:
        work = tmp_path / "work"
        (work / "Lib").mkdir(parents=True)
        Upstream(work / ".git")
        found = locate(work)
        assert found is not None
        assert found.path == (work / ".git").resolve()
        assert locate(work / "Lib") is None

    def test_fast_import_keeps_nothing_of_a_stream_that_breaks_off(self, tmp_path: Path) -> None:
        repository = Repository.init(tmp_path / "x.git")

        def stream(text: bytes, error: Exception | None = None) -> object:
            yield b"feature done\n" + text
            if error is not None:
                raise error

        commit = b"commit refs/heads/x\ncommitter a <> 1 +0000\ndata 1\nx\n"
        with pytest.raises(SourceError, match="fast-import"):
            repository.fast_import(stream(commit))  # type: ignore[arg-type]
        with pytest.raises(KeyError):
            repository.fast_import(stream(commit, KeyError()))  # type: ignore[arg-type]
        assert repository.refs().branches == {}
        repository.fast_import(stream(commit + b"done\n"))  # type: ignore[arg-type]
        assert set(repository.refs().branches) == {"x"}
