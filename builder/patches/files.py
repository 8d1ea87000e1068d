"""Patch files that a user gives together: their names, order and cover letter. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from builder.errors import PatchError
from builder.patches import mail, patch
from builder.patches.catalogue import Series, adhoc
from builder.patches.mail import Mail, MailNumber
from builder.patches.patch import Patch
from builder.patches.paths import shown

STDIN = "-"
_LISTED = 6


@dataclass(frozen=True, kw_only=True)
class PatchFile:
    """A file with its path, or "-" for standard input."""

    path: str
    data: bytes

    @property
    def name(self) -> str:
        """The name of the file alone."""
        return STDIN if self.path == STDIN else PurePath(self.path).name


@dataclass(frozen=True, kw_only=True)
class PatchStack:
    """The series of patch files, in order. `notes` are sentences on what is unusual about them."""

    series: tuple[Series, ...]
    notes: tuple[str, ...] = ()

    @property
    def descriptions(self) -> tuple[str, ...]:
        """The subject of each series that has a cover letter."""
        described = [series for series in self.series if series.why]
        return tuple(f"{it.name}: {shown(it.title)} (cover letter)" for it in described)


def stack_files(files: Sequence[PatchFile]) -> PatchStack:
    """The series of files in the order in which they were given.

    Each file is a series of its own, named after it; the second `fix` is `fix-2`. The patches that
    follow a cover letter are one series with its title and text, named after their folder. Raises
    PatchError for a file that is given twice or is not a patch.
    """
    _refuse_repeated(files)
    letters = [_letter(file) if len(files) > 1 else None for file in files]
    if all(letters):
        letters = [None] * len(files)  # parsing says what a cover letter lacks
    stack: list[Series] = []
    for letter, group in _groups(files, letters):
        single = [adhoc(file.name, file.data, _place(file, files)) for file in group]
        if letter is None:
            stack += single
        else:
            stack.append(_described(letter, group, single))
    return PatchStack(series=tuple(_distinct(stack)), notes=tuple(_numbering(files)))


def _refuse_repeated(files: Sequence[PatchFile]) -> None:
    for number, file in enumerate(files):
        for other in files[:number]:
            if file.path == other.path == STDIN:
                raise PatchError(
                    "Standard input is given twice, and can be read only once.",
                    where=f"--patch {STDIN}",
                    hint="Write one of the patches to a file, and name that.",
                )
            if file.path == other.path or file.data == other.data:
                same = "is given twice" if file.path == other.path else "has the same content as"
                second = "" if file.path == other.path else f" {shown(other.path)}"
                raise PatchError(
                    f"{shown(file.name)} {same}{second}: one change is applied once.",
                    where=f"{shown(other.path)}, {shown(file.path)}",
                    hint="Name each patch once.",
                )


def _letter(file: PatchFile) -> Mail | None:
    """The cover letter that a file is; None for a file with a diff."""
    mails = mail.split(file.data)
    named = file.name.startswith("0000-") and mails[0].is_mail
    if len(mails) > 1 or not (mails[0].is_cover_letter or named):
        return None
    has_diff = any(line.startswith((b"diff ", b"@@ ")) for line in mails[0].text.split(b"\n"))
    return None if has_diff else mails[0]


def _groups(
    files: Sequence[PatchFile], letters: Sequence[Mail | None]
) -> Iterator[tuple[Mail | None, list[PatchFile]]]:
    """The files with the letter before them; a letter at the end is that of all before it."""
    if letters[-1:] and letters[-1] and not any(letters[:-1]):
        yield letters[-1], list(files[:-1])
        return
    group: list[PatchFile] = []
    current: Mail | None = None
    for file, letter in zip(files, letters, strict=True):
        if letter is None:
            group.append(file)
            continue
        if group:
            yield current, group
        current, group = letter, []
    if group:
        yield current, group


def _described(letter: Mail, files: Sequence[PatchFile], single: Sequence[Series]) -> Series:
    """One series of several files, with the subject and text of their cover letter."""
    folder = PurePath(files[0].path).parent.name
    own = letter.subject if "SUBJECT HERE" not in letter.subject else ""
    text = letter.body().replace("*** BLURB HERE ***", "").strip()
    patches: list[Patch] = []
    for series in single:
        for one in series.patches:
            taken = sum(one.name == other.name for other in patches)
            name = PurePath(one.name)
            patches.append(
                replace(one, name=f"{name.stem}-{taken + 1}{name.suffix}") if taken else one
            )
    return replace(
        single[0],
        name=shown(folder, 60) or single[0].name,
        title=own or single[0].title,
        why=text,
        patches=tuple(patches),
    )


def _place(file: PatchFile, files: Sequence[PatchFile]) -> str:
    """The path in errors: the shortest that tells the file from the others; "" for its name."""
    others = [PurePath(other.path).parts for other in files if other is not file]
    parts = PurePath(file.path).parts
    for count in range(1, len(parts)):
        if not any(parts[-count:] == other[-count:] for other in others):
            return shown("/".join(parts[-count:])) if count > 1 else ""
    return shown(file.path) if file.path != STDIN else ""


def _distinct(stack: Sequence[Series]) -> Iterator[Series]:
    """The series with a number after each name that one before it has: fix, fix-2."""
    taken = {series.name for series in stack}
    seen: set[str] = set()
    for series in stack:
        name, number = series.name, 2
        while name in seen or (number > 2 and name in taken):
            name, number = f"{series.name}-{number}", number + 1
        seen.add(name)
        yield series if name == series.name else replace(series, name=name)


def _numbering(files: Sequence[PatchFile]) -> Iterator[str]:
    """What is unusual about the numbers [PATCH 2/3] of the patches: their order, missing ones."""
    numbers = [
        message.number
        for file in files
        if _letter(file) is None
        for message in patch.parse(Patch(name=file.name, data=file.data))
        if message.number and message.number.at
    ]
    for group in _numbered_groups(numbers):
        listed = ", ".join(str(number) for number in group[:_LISTED])
        listed += ", ..." if len(group) > _LISTED else ""
        places = [number.at for number in group]
        if places != sorted(places):
            yield f"the patches are numbered {listed}, and are applied in this order, as given"
        missing = sorted(set(range(1, group[0].of + 1)) - set(places))
        if missing:
            few = ", ".join(str(number) for number in missing[:_LISTED])
            few += ", ..." if len(missing) > _LISTED else ""
            yield (
                f"of the series of {group[0].of} patches, {len(missing)} is not given: {few}"
                if (len(missing) == 1)
                else f"of the series of {group[0].of} patches, {len(missing)} are not given: {few}"
            )


def _numbered_groups(numbers: Sequence[MailNumber]) -> Iterator[list[MailNumber]]:
    """The numbers that belong to one series: of one length and version, each of them once."""
    group: list[MailNumber] = []
    for number in numbers:
        same = group and (number.of, number.version) == (group[0].of, group[0].version)
        if group and (not same or number in group):
            yield group
            group = []
        group.append(number)
    if group:
        yield group
