"""Loading series: from the folders of patches/, or from a single patch."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NoReturn

from builder.errors import PatchError
from builder.patches import patch, series_toml
from builder.patches.mail import split
from builder.patches.patch import Patch
from builder.patches.paths import shown
from builder.patches.series_toml import NAME, SeriesManifest, nearest, refuse, unreadable
from builder.versions import minor

_PATCH_NAME = re.compile(r"\d{4}-.+\.patch", re.DOTALL)
_PATCH_LIKE = (".patch", ".diff", ".mbox", ".eml")
_HINT_NAMES = "Patches are named 0001-what-it-does.patch and are applied in sorted order."


@dataclass(frozen=True, kw_only=True)
class Series(SeriesManifest):
    """An ordered set of patches for one branch, with its metadata.

    `name` is `<branch>/<series>`, the path of its folder. For an ad-hoc patch it is the stem of the
    file name, and `branch` and `applies_to` are empty: it is tried on any revision.
    """

    name: str
    branch: str
    patches: tuple[Patch, ...]


def load(root: Path, name: str) -> Series:
    """The series `<branch>/<series>` below the folder `root`.

    Raises PatchError if it does not exist (naming the most similar one) or is not valid.
    """
    name = name.strip("/")
    folder = root / name
    try:
        if not NAME.fullmatch(name) or not (folder / series_toml.FILE).exists():
            _refuse_unknown(root, name)
        manifest = series_toml.read(folder / series_toml.FILE, name)
        patches = tuple(_read_patch(path) for path in _patch_files(folder))
    except OSError as error:
        raise unreadable(folder, error) from error
    fields = dataclasses.fields(manifest)
    metadata = {field.name: getattr(manifest, field.name) for field in fields}
    return Series(name=name, branch=name.partition("/")[0], patches=patches, **metadata)


Refused = Callable[[PatchError], None]


def load_all(root: Path, refused: Refused | None = None) -> tuple[Series, ...]:
    """Every series below `root`, sorted by branch and name.

    One that is not valid, or names a series that does not exist, is left out and passed to
    `refused`; without `refused`, PatchError is raised for the first.
    """
    all_series: dict[str, Series] = {}
    try:
        for name in _names(root, refused):
            with _leaving_out(refused):
                all_series[name] = load(root, name)
    except OSError as error:
        raise unreadable(root, error) from error
    for series in tuple(all_series.values()):
        with _leaving_out(refused):
            _check_names(root, series, all_series)
    return tuple(all_series.values())


@contextlib.contextmanager
def _leaving_out(refused: Refused | None) -> Iterator[None]:
    """Pass a PatchError to `refused`, if there is one, and go on."""
    try:
        yield
    except PatchError as error:
        if refused is None:
            raise
        refused(error)


def _check_names(root: Path, series: Series, all_series: Mapping[str, Series]) -> None:
    for other in (*series.requires, *series.conflicts):
        if other not in all_series:
            key = "requires" if other in series.requires else "conflicts"
            refuse(
                f"{key} names {other}, which does not exist{nearest(other, all_series)}.",
                f"{root / series.name / series_toml.FILE}, {key}",
                "Name a series by its folder below patches/.",
            )


def adhoc(name: str, data: bytes, place: str = "") -> Series:
    """A series of one patch, read from a file or from standard input (name "-").

    `place` names the file in errors. Raises PatchError if `data` has no diff that could be applied.
    """
    stem = "stdin" if name == "-" else shown(PurePath(name).stem, 60)
    file = "standard input" if name == "-" else shown(PurePath(name).name, 60)
    single = Patch(name=file, data=data, place=place)
    subjects = [message.subject for message in patch.parse(single) if message.subject]
    letter = next((mail for mail in split(data) if mail.is_cover_letter), None)
    return Series(
        name=stem or "patch",
        branch="",
        title=(letter and letter.subject) or (subjects[0] if subjects else stem),
        why=letter.body() if letter else "",
        applies_to="",
        upstream="none",
        status="not proposed",
        effect="",
        mechanism="",
        patches=(single,),
    )


def _names(root: Path, refused: Refused | None) -> list[str]:
    """The names of all series below `root`, sorted: 2.7 before 3.9 before 3.13."""
    names = []
    for path in sorted(root.glob("*/*")):
        with _leaving_out(refused):
            if _is_series(path):
                name = path.relative_to(root).as_posix()
                _check_name(root, name)
                names.append(name)
    return sorted(names, key=lambda name: (minor(name), name))


def _check_name(root: Path, name: str) -> None:
    """Raise PatchError for a folder that cannot name a series.

    A branch such as main is no folder: its patches are for the language version that its trees
    have, and would silently be for another one after the next release.
    """
    if NAME.fullmatch(name):
        return
    branch, _, series = name.partition("/")
    hint = "Its folder is <branch>/<series>, such as 3.13/compact-int-add."
    if NAME.fullmatch(f"3.13/{series}"):
        hint += (
            f" For patches of {shown(branch)} rename {shown(branch)}/ to the language version of "
            "its trees, PY_MAJOR_VERSION.PY_MINOR_VERSION of Include/patchlevel.h there, such as "
            "3.16/."
        )
    refuse(f"{shown(name)} is not a valid name of a series.", str(root / name), hint)


def _is_series(folder: Path) -> bool:
    """Whether a folder is a series. Raises PatchError for one with patches but no series.toml."""
    if not folder.is_dir():
        return False
    if (folder / series_toml.FILE).exists():
        return True
    if any(path.suffix in _PATCH_LIKE for path in folder.iterdir()):
        refuse(
            f"The folder has patches but no {series_toml.FILE}.",
            str(folder),
            f"Add {series_toml.FILE} with the keys {', '.join(series_toml.KEYS)}.",
        )
    return False


def _patch_files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.suffix in _PATCH_LIKE)
    for path in files:
        if not _PATCH_NAME.fullmatch(path.name):
            what = f"{shown(path.name)} is not a valid file name of a patch."
            refuse(what, str(folder), _HINT_NAMES)
    if not files:
        refuse("The series has no patches.", str(folder), _HINT_NAMES)
    return files


def _read_patch(path: Path) -> Patch:
    if path.exists() and not path.is_file():  # reading a pipe or a device would not end
        refuse(f"{shown(path.name)} is not a file.", str(path), "Replace it by the patch itself.")
    try:
        with path.open("rb") as file:
            return Patch(name=path.name, data=file.read(patch.MAX_BYTES + 1))
    except OSError as error:
        raise unreadable(path, error) from error


def _refuse_unknown(root: Path, name: str) -> NoReturn:
    _is_series(root / name)  # raises for a folder that was meant, and lacks its series.toml
    names = _names(root, lambda _error: None) if root.is_dir() else []
    listing = f"There are {', '.join(names)}." if names else f"There are none in {root}."
    refuse(
        f"There is no series {shown(name)!r}{nearest(name, names)}.",
        str(root),
        f"{listing} A patch in a file is given with --patch FILE.",
    )
