"""Series on disk, and the ad-hoc one: builder.patches.catalogue."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import PatchError
from builder.patches.catalogue import adhoc, load, load_all
from builder.patches.series_toml import KEYS, STATUSES
from tests.builder.patches.manifests import GOOD, PATCH, toml, write


class TestLoad:
    def test_everything_is_read(self, tmp_path: Path) -> None:
        folder = write(
            tmp_path,
            "3.13/ints",
            toml(requires='["3.13/other"]', conflicts='["3.13/a", "3.13/b"]'),
            "0010-b.patch",
            "0002-a.patch",
        )
        (folder / "RESULT.md").write_text("not a patch")
        (folder / "result.json").write_text("{}")
        series = load(tmp_path, "3.13/ints")
        assert {key: getattr(series, key) for key in KEYS} == GOOD
        assert (series.name, series.branch) == ("3.13/ints", "3.13")
        assert (series.requires, series.conflicts) == (("3.13/other",), ("3.13/a", "3.13/b"))
        assert [patch.name for patch in series.patches] == ["0002-a.patch", "0010-b.patch"]
        assert series.patches[0].data == PATCH
        assert load(tmp_path, "3.13/ints/") == series

    def test_all_in_the_order_of_branches(self, tmp_path: Path) -> None:
        for name in ("3.13/b", "3.13/a", "3.9/z", "2.7/c"):
            branch = name.partition("/")[0]
            write(tmp_path, name, toml(applies_to=f'"=={branch}.*"'))
        (tmp_path / "3.13/notes").mkdir()
        (tmp_path / "README.md").write_text("x")
        assert [one.name for one in load_all(tmp_path)] == ["2.7/c", "3.9/z", "3.13/a", "3.13/b"]

    def test_of_nothing_there_are_none(self, tmp_path: Path) -> None:
        assert load_all(tmp_path / "none") == ()

    @pytest.mark.parametrize("status", STATUSES)
    def test_every_status(self, tmp_path: Path, status: str) -> None:
        write(tmp_path, text=toml(status=f'"{status}"'))
        assert load(tmp_path, "3.13/ints").status == status

    @pytest.mark.parametrize(
        "upstream",
        [
            "https://bugs.example.org/issue4753",
            "gh-1",
            "bpo-4753",
            "PEP 659",
            "none: closed",
            "gh-1: merged for 3.14; ours is smaller",
            "gh-1, bpo-4753, https://bugs.example.org/issue4753, PEP 659: rejected",
        ],
    )
    def test_every_reference(self, tmp_path: Path, upstream: str) -> None:
        status = '"not proposed"' if upstream.startswith("none") else '"proposed"'
        write(tmp_path, text=toml(upstream=f'"{upstream}"', status=status))
        assert load(tmp_path, "3.13/ints").upstream == upstream

    def test_what_came_of_it_may_be_of_several_lines(self, tmp_path: Path) -> None:
        write(tmp_path, text=toml(upstream='"""\ngh-1: merged,\nlater reverted\n"""'))
        assert load(tmp_path, "3.13/ints").upstream == "gh-1: merged,\nlater reverted"


class TestBadFolders:
    def refusal(self, root: Path, name: str = "3.13/ints") -> PatchError:
        with pytest.raises(PatchError) as caught:
            load(root, name)
        assert caught.value.exit_code == 5
        assert caught.value.hint
        return caught.value

    @pytest.mark.parametrize(
        "name", ["3.13/int", "ints", "", "../x", "3.13/../../etc", "/etc/passwd", "3.13", "a\0b"]
    )
    def test_unknown(self, tmp_path: Path, name: str) -> None:
        write(tmp_path)
        error = self.refusal(tmp_path, name)
        assert "There is no series" in error.what
        assert "There are 3.13/ints." in error.hint
        assert ("did you mean 3.13/ints" in error.what) == (name in ("3.13/int", "ints", "3.13"))

    def test_none_at_all(self, tmp_path: Path) -> None:
        assert f"none in {tmp_path / 'x'}" in self.refusal(tmp_path / "x").hint

    def test_no_patches(self, tmp_path: Path) -> None:
        (write(tmp_path) / "0001-x.patch").unlink()
        assert self.refusal(tmp_path).what == "The series has no patches."

    @pytest.mark.parametrize("name", ["x.patch", "1-x.patch", "0001-x.diff", "0001.patch"])
    def test_a_patch_that_would_be_overlooked(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, "3.13/ints", "", "0001-good.patch", name)
        assert f"{name} is not a valid file name of a patch" in self.refusal(tmp_path).what

    def test_a_folder_that_would_be_overlooked(self, tmp_path: Path) -> None:
        (write(tmp_path) / "series.toml").unlink()
        with pytest.raises(PatchError, match=r"patches but no series\.toml"):
            load_all(tmp_path)
        assert "patches but no series.toml" in self.refusal(tmp_path).what

    def test_a_folder_with_a_wrong_name(self, tmp_path: Path) -> None:
        write(tmp_path, "main/ints")
        with pytest.raises(PatchError, match="main/ints is not a valid name of a series"):
            load_all(tmp_path)

    def test_what_is_wrong_does_not_hide_the_rest(self, tmp_path: Path) -> None:
        write(tmp_path, "main/ints")
        write(tmp_path, "3.13/good")
        (write(tmp_path, "3.13/bare") / "series.toml").unlink()
        (write(tmp_path, "3.13/empty") / "0001-x.patch").unlink()
        refused: list[PatchError] = []
        assert [one.name for one in load_all(tmp_path, refused.append)] == ["3.13/good"]
        assert [Path(error.where).name for error in refused] == ["bare", "ints", "empty"]
        assert "3.16/" in refused[1].hint

    def test_a_patch_that_is_a_folder_or_a_pipe(self, tmp_path: Path) -> None:
        folder = write(tmp_path)
        (folder / "0002-x.patch").mkdir()
        assert "0002-x.patch is not a file" in self.refusal(tmp_path).what
        (folder / "0002-x.patch").rmdir()
        os.mkfifo(folder / "0002-x.patch")
        assert "0002-x.patch is not a file" in self.refusal(tmp_path).what

    def test_a_patch_that_cannot_be_read(self, tmp_path: Path) -> None:
        folder = write(tmp_path)
        (folder / "0002-x.patch").symlink_to(tmp_path / "gone")
        error = self.refusal(tmp_path)
        assert "0002-x.patch cannot be read: No such file" in error.what
        assert error.where == str(folder / "0002-x.patch")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_folder_that_cannot_be_read(self, tmp_path: Path) -> None:
        folder = write(tmp_path)
        folder.chmod(0)
        try:
            assert "cannot be read: Permission denied" in self.refusal(tmp_path).what
        finally:
            folder.chmod(0o700)

    def test_a_manifest_that_is_a_folder(self, tmp_path: Path) -> None:
        folder = write(tmp_path)
        (folder / "series.toml").unlink()
        (folder / "series.toml").mkdir()
        assert "series.toml cannot be read" in self.refusal(tmp_path).what

    @pytest.mark.parametrize("key", ["requires", "conflicts"])
    def test_a_series_that_others_name_must_exist(self, tmp_path: Path, key: str) -> None:
        write(tmp_path, "3.13/ints", toml(**{key: '["3.13/flots"]'}))
        write(tmp_path, "3.13/floats")
        with pytest.raises(PatchError) as caught:
            load_all(tmp_path)
        assert "3.13/flots, which does not exist; did you mean 3.13/floats" in caught.value.what
        assert caught.value.where.endswith(f"series.toml, {key}")


class TestAdhoc:
    @pytest.mark.parametrize(
        ("given_name", "name", "file"),
        [
            ("-", "stdin", "standard input"),
            ("some/folder/my.diff", "my", "my.diff"),
            ("0001-fast.patch", "0001-fast", "0001-fast.patch"),
            ("x\x1b[2J.diff", "x\\x1b[2J", "x\\x1b[2J.diff"),
            (".diff", ".diff", ".diff"),
        ],
    )
    def test_its_name(self, given_name: str, name: str, file: str) -> None:
        series = adhoc(given_name, PATCH)
        assert (series.name, series.patches[0].name) == (name, file)
        assert (series.branch, series.applies_to) == ("", "")

    def test_its_title_is_the_mails(self) -> None:
        assert adhoc("my.diff", PATCH).title == "Dispatch twice"
        assert adhoc("my.diff", PATCH.partition(b"\n\n")[2]).title == "my"

    def test_no_patch_is_told_at_once(self) -> None:
        with pytest.raises(PatchError) as caught:
            adhoc("-", b"hello")
        assert caught.value.what == "standard input has no diff in it."
        assert caught.value.where == "standard input"


@settings(max_examples=50)
@given(text=st.text() | st.lists(st.sampled_from(toml().splitlines(keepends=True))).map("".join))
def test_no_manifest_does_worse_than_a_patch_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    root = tmp_path_factory.mktemp("patches")
    folder = write(root)
    (folder / "series.toml").write_text(text, "utf-8", newline="")
    try:
        assert load(root, "3.13/ints").name == "3.13/ints"
    except PatchError as error:
        assert error.where.startswith(str(folder / "series.toml"))  # noqa: PT017
