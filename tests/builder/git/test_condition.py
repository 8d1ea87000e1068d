"""What a clone lacks, and that the command of the hint mends it: builder.git.condition."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.errors import PatchbenchError
from builder.git import condition
from builder.git.repository import Repository
from builder.sources.local_git import LocalGit
from tests.builder.git.clones import IDENTITY, Clone
from tests.builder.upstream import home_at

HEADER: dict[str, str | bytes] = {"Include/patchlevel.h": '#define PY_VERSION "3.13.5"\n'}


@dataclass(frozen=True, kw_only=True)
class Place:
    """An upstream with three commits, and the clone that is faulty."""

    root: Path
    upstream: Clone
    clone: Path

    @property
    def url(self) -> str:
        return f"file://{self.upstream.path}"

    def cloned(self, *options: str, url: str = "") -> None:
        self.upstream.git("clone", "--quiet", *options, url or self.url, str(self.clone))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    upstream = Clone(tmp_path / "upstream")
    for number in range(3):
        upstream.commit({**HEADER, "number": str(number)})
    upstream.git("config", "uploadpack.allowFilter", "true")
    upstream.git("config", "uploadpack.allowAnySHA1InWant", "true")
    return Place(root=tmp_path, upstream=upstream, clone=tmp_path / "my clone")


def _without_files(place: Place) -> None:
    place.cloned("--no-checkout", "--filter=blob:none")


def _without_trees(place: Place) -> None:
    place.cloned("--no-checkout", "--filter=tree:0")


def _without_files_and_bare(place: Place) -> None:
    place.cloned("--bare", "--filter=blob:none")


def _without_history(place: Place) -> None:
    place.cloned("--depth=1")


def _loose_file(place: Place) -> Path:
    """The object of the version's file, unpacked, of a clone without a work tree."""
    place.cloned("--no-checkout")
    folder = place.clone / ".git" / "objects"
    for pack in folder.glob("pack/*.pack"):
        moved = place.root / pack.name
        pack.rename(moved)
        with moved.open("rb") as file:
            subprocess.run(
                ["git", "unpack-objects", "-q"],
                cwd=place.clone,
                env=IDENTITY,
                stdin=file,
                check=True,
            )
    shutil.rmtree(folder / "pack")
    (folder / "pack").mkdir()
    blob = Clone(place.clone).git("rev-parse", "HEAD:Include/patchlevel.h")
    return folder / blob[:2] / blob[2:]


def _with_a_missing_object(place: Place) -> None:
    _loose_file(place).unlink()


def _with_a_damaged_object(place: Place) -> None:
    path = _loose_file(place)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:10])


Fault = Callable[[Place], None]
# The fault, the revision that fails, and what the error says.
FAULTS: list[tuple[Fault, str, str]] = [
    (_without_files, "main", "is a partial clone (filter blob:none)"),
    (_without_files_and_bare, "main", "is a partial clone (filter blob:none)"),
    (_without_trees, "main", "is a partial clone (filter tree:0)"),
    (_without_history, "HEAD~2", "is a shallow clone"),
    (_with_a_missing_object, "main", "is damaged"),
    (_with_a_damaged_object, "main", "is damaged"),
]


@pytest.mark.parametrize(("fault", "name", "says"), FAULTS, ids=[row[0].__name__ for row in FAULTS])
def test_the_command_of_the_hint_mends_it(
    place: Place, tmp_path: Path, fault: Fault, name: str, says: str
) -> None:
    fault(place)
    home = home_at(tmp_path / "home")

    def version() -> str:
        return LocalGit(place.clone, home, lambda _text: None).resolve(name).version

    with pytest.raises(PatchbenchError) as caught:
        version()
    assert says in caught.value.what
    assert str(place.clone) in str(caught.value)
    assert str(home.root) not in str(caught.value)

    commands = re.findall(r"(?:rm -f|git -C (?:'[^']*'|\S+) fetch)[^`\n]*", caught.value.hint)
    assert commands, caught.value.hint
    for command in commands:
        subprocess.run(command, shell=True, env=IDENTITY, check=True, capture_output=True)
    assert version() == "3.13.5"


def test_a_file_that_misses_later_has_the_same_hint(place: Place, tmp_path: Path) -> None:
    """The version's file is there, fetched for another purpose; the rest is not."""
    _without_files(place)
    Clone(place.clone).git("cat-file", "-p", "HEAD:Include/patchlevel.h")
    source = LocalGit(place.clone, home_at(tmp_path / "home"), lambda _text: None)
    commit = source.resolve("main").commit
    for read in (
        lambda: source.repository.read(commit, "number"),
        lambda: source.repository.export(commit, tmp_path / "out", 0),
    ):
        with pytest.raises(PatchbenchError) as caught:
            read()
        assert "partial clone" in caught.value.what
        assert f"git -C '{place.clone}' fetch --refetch" in caught.value.hint


def test_borrowed_objects_that_are_gone(place: Place, tmp_path: Path) -> None:
    place.cloned("--shared", "--no-checkout", url=str(place.upstream.path))
    away = place.upstream.path.with_name("away")
    place.upstream.path.rename(away)
    with pytest.raises(PatchbenchError) as caught:
        LocalGit(place.clone, home_at(tmp_path / "home"), lambda _text: None).resolve("main")
    assert str(place.upstream.path / ".git" / "objects") in caught.value.hint
    assert "Bring that folder back" in caught.value.hint
    away.rename(place.upstream.path)
    source = LocalGit(place.clone, home_at(tmp_path / "home"), lambda _text: None)
    assert source.resolve("main").version == "3.13.5"


def test_an_empty_repository(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone")
    source = LocalGit(clone.path, home_at(tmp_path / "home"), lambda _text: None)
    with pytest.raises(PatchbenchError, match="has no commits yet"):
        source.resolve("main")
    clone.commit(HEADER)
    assert source.resolve("main").version == "3.13.5"


def test_a_base_that_was_searched_in_a_shallow_clone_is_said_to_be(
    place: Place, tmp_path: Path
) -> None:
    place.cloned("--depth=2")
    lines: list[str] = []
    source = LocalGit(place.clone, home_at(tmp_path / "home"), lines.append)
    clone = Clone(place.clone)
    clone.git("switch", "--quiet", "--create", "fix")
    clone.commit({"number": "mine"})
    source.candidate_base("fix")
    assert any("is a shallow clone" in line for line in lines)
    clone.git("fetch", "--quiet", "--unshallow")
    lines.clear()
    LocalGit(place.clone, home_at(tmp_path / "home"), lines.append).candidate_base("fix")
    assert lines == []


# -- folders that are no repository --------------------------------------------------------------


def test_why_a_folder_is_no_repository(place: Place, tmp_path: Path) -> None:
    place.cloned()
    (place.clone / "Lib").mkdir()
    what, hint = condition.why_no_repository(place.clone / "Lib")
    assert "inside a clone" in what
    assert hint.endswith(f"--source '{place.clone}'")

    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / ".git").write_text("gitdir: /nowhere\n")
    assert "git worktree repair" in condition.why_no_repository(tmp_path / "moved")[1]

    (place.clone / ".git" / "HEAD").unlink()
    assert "parts of it are missing" in condition.why_no_repository(place.clone)[0]

    (tmp_path / "tree" / "Include").mkdir(parents=True)
    (tmp_path / "tree" / "Include" / "patchlevel.h").write_text("")
    what, hint = condition.why_no_repository(tmp_path / "tree")
    assert "without a git repository" in what
    assert "git init" in hint


def test_a_copy_in_the_home_is_deleted_to_mend_it(tmp_path: Path) -> None:
    ours = Repository.init(tmp_path / "home" / "sources" / "remote-0123456789abcdef.git")
    hint = condition.hint_for(ours.path, "fatal: bad object")
    assert hint == f"Delete it, the same command makes it again: rm -rf {ours.path}"
