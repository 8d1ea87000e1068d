"""Where the hunks of a file's diff go: at their lines, at the only other place, or nowhere. Pure.

git takes the nearest place at which a hunk's lines are, without a word; this module refuses where
that would be a guess, and words what the user has to know of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from builder.patches.diff import FileDiff, Hunk
from builder.patches.paths import shown

_LISTED = 5
# A line with fewer characters, such as a brace, is in so many places that it proves nothing.
_TELLING = 3


class NoPlaceError(Exception):
    """A hunk's lines are not in the file: git refuses it as well, and explains it better."""


class GuessError(Exception):
    """A hunk could be applied only by a guess: `what`, and a hint."""

    def __init__(self, what: str, hint: str, hunk: Hunk) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.hunk = hunk


@dataclass(frozen=True, kw_only=True)
class HunkPlace:
    """A hunk, the index of the line at which it is applied, and other indexes that fit as well."""

    number: int
    hunk: Hunk
    at: int
    others: tuple[int, ...] = ()

    @property
    def offset(self) -> int:
        """How many lines lower than its header says it is applied."""
        return self.at - self.hunk.named


def places(
    file: FileDiff, lines: Sequence[bytes], *, contextless: bool = False
) -> tuple[HunkPlace, ...]:
    """The place of every hunk in the lines of the old file, in the order of the patch.

    `contextless`: the whole patch has no lines of context. Raises NoPlaceError if a hunk fits
    nowhere, GuessError if it is not determined which place is meant.
    """
    index = _index(lines)
    every = []
    end = 0
    for number, hunk in enumerate(file.hunks, 1):
        if hunk.context:
            place = _place(file, number, hunk, lines, index)
        else:
            place = _place_without_context(file, number, hunk, lines, contextless)
        if place.at < end:
            raise NoPlaceError
        end = place.at + len(hunk.before)
        every.append(place)
    moved = next((place for place in every if place.offset), None)
    for place in every:
        if moved and place.others:
            raise _ambiguous(file, place.number, place.hunk, sorted([place.at, *place.others]))
    return tuple(every)


def replaced(lines: Sequence[bytes], chosen: Sequence[HunkPlace]) -> bytes:
    """The content after the hunks. Raises NoPlaceError if a line without an end would go on."""
    after: list[bytes] = []
    done = 0
    for place in chosen:
        after += lines[done : place.at]
        after += place.hunk.after
        done = place.at + len(place.hunk.before)
    after += lines[done:]
    if any(not line.endswith(b"\n") for line in after[:-1]):
        raise NoPlaceError
    return b"".join(after)


def split_lines(data: bytes) -> list[bytes]:
    """Lines with their ends; only LF ends a line."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1].removesuffix(b"\n")
    return lines if lines[-1] else lines[:-1]


def refuse_lookalikes(file: FileDiff, lines: Sequence[bytes], chosen: Sequence[HunkPlace]) -> None:
    """Raise GuessError for a moved hunk if half of its lines are nearer to where it is expected.

    Its lines were changed there, perhaps, and the place where all of them are is another one.
    """
    expected = 0
    for place in chosen:
        if place.offset != expected and (near := _nearer(lines, place, expected)) is not None:
            raise GuessError(
                f"{_name(file, place.number)} may belong to line {near + 1}, where most of its "
                f"lines are, or to line {place.at + 1}, where all of them are.",
                _HINT_AGAIN,
                place.hunk,
            )
        expected = place.offset


def notes(
    file: FileDiff, chosen: Sequence[HunkPlace], size: int, *, proven: bool
) -> tuple[str, ...]:
    """What the plan says of these places in a file of `size` lines.

    `proven`: the tree has the very file that the patch was made from.
    """
    said = []
    for offset, same in groupby(chosen, key=lambda place: place.offset):
        if offset:
            said.append(_note_moved(file, list(same), offset))
    for place in chosen if not proven else ():
        if not place.hunk.context and len(place.hunk.before) not in (0, size):
            said.append(
                f"hunk {place.number} of {shown(file.path)} is applied at line {place.at + 1} by "
                "that number alone: it is without lines of context"
            )
        if place.others:
            said.append(
                f"hunk {place.number} of {shown(file.path)} is applied at line {place.at + 1}, as "
                f"it says; its lines are also at {_listed(place.others)}"
            )
    return tuple(said)


_HINT_AGAIN = (
    "Create the patch again on this revision, or name the commit with --candidate, so that "
    "nothing has to be guessed."
)
_HINT_CONTEXT = "Create the patch with three lines of context, not with -U0."


def _place(
    file: FileDiff,
    number: int,
    hunk: Hunk,
    lines: Sequence[bytes],
    index: Mapping[bytes, Sequence[int]],
) -> HunkPlace:
    fitting = tuple(_fitting(hunk, lines, index))
    if not fitting:
        raise NoPlaceError
    at = hunk.named if hunk.named in fitting else fitting[0]
    if len(fitting) > 1 and at != hunk.named:
        raise _ambiguous(file, number, hunk, fitting)
    others = tuple(other for other in fitting if other != at)
    return HunkPlace(number=number, hunk=hunk, at=at, others=others)


def _place_without_context(
    file: FileDiff, number: int, hunk: Hunk, lines: Sequence[bytes], contextless: bool
) -> HunkPlace:
    """Such a hunk may be only where its line number alone leaves no doubt.

    In a patch that has context elsewhere, it is one of the whole file.
    """
    end = hunk.named + len(hunk.before)
    if hunk.named == 0 and end != len(lines) and not contextless:
        raise NoPlaceError
    if (hunk.named == 0 or end == len(lines)) and tuple(lines[hunk.named : end]) == hunk.before:
        return HunkPlace(number=number, hunk=hunk, at=hunk.named)
    if hunk.named == 0 and hunk.before:
        raise NoPlaceError
    where = "the beginning or end of the file" if hunk.before else "the end of the file"
    raise GuessError(
        f"{_name(file, number)} is without lines of context, and not at {where}: line "
        f"{hunk.old_start} of {len(lines)}. Its place would be a guess.",
        _HINT_CONTEXT,
        hunk,
    )


def _fitting(
    hunk: Hunk, lines: Sequence[bytes], index: Mapping[bytes, Sequence[int]]
) -> Iterator[int]:
    """The indexes at which all old lines are.

    As in git, a hunk at line 1 must be at the beginning of the file, and one without trailing
    context at its end.
    """
    before = list(hunk.before)
    last = len(lines) - len(before)
    for at in index.get(before[0], ()):
        anchored = (hunk.old_start > 1 or at == 0) and (hunk.trailing or at == last)
        if anchored and lines[at : at + len(before)] == before:
            yield at


def _index(lines: Sequence[bytes]) -> dict[bytes, list[int]]:
    index: dict[bytes, list[int]] = {}
    for at, line in enumerate(lines):
        index.setdefault(line, []).append(at)
    return index


def _nearer(lines: Sequence[bytes], place: HunkPlace, expected: int) -> int | None:
    """An index nearer to the expected one than the place, with half of the lines that tell."""
    middle = place.hunk.named + expected
    distance = abs(place.at - middle)
    before = place.hunk.before
    telling = [at for at, line in enumerate(before) if len(line.strip()) >= _TELLING]
    for at in range(max(0, middle - distance), min(len(lines), middle + distance + 1)):
        alike = sum(at + n < len(lines) and lines[at + n] == before[n] for n in telling)
        # What overlaps the place is a part of the same repetition.
        if abs(at - place.at) >= len(before) and telling and 2 * alike >= len(telling):
            return at
    return None


def _ambiguous(file: FileDiff, number: int, hunk: Hunk, fitting: Sequence[int]) -> GuessError:
    return GuessError(
        f"{_name(file, number)} has several places: its lines are at {_listed(fitting)}, and "
        f"the file is not the one that its line number {hunk.old_start} was counted in.",
        _HINT_AGAIN,
        hunk,
    )


def _name(file: FileDiff, number: int) -> str:
    return f"Hunk {number} of {len(file.hunks)} of {shown(file.path)}"


def _listed(indexes: Sequence[int]) -> str:
    numbers = [str(at + 1) for at in indexes[:_LISTED]]
    if len(indexes) > _LISTED:
        numbers.append(f"{len(indexes) - _LISTED} more places")
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    return f"lines {', '.join(numbers[:-1])} and {numbers[-1]}"


def _note_moved(file: FileDiff, moved: Sequence[HunkPlace], offset: int) -> str:
    numbers = [str(place.number) for place in moved]
    hunks = f"hunk {numbers[0]}" if len(moved) == 1 else f"hunks {numbers[0]} to {numbers[-1]}"
    distance = f"{abs(offset)} line{'s' if abs(offset) > 1 else ''}"
    direction = "lower" if offset > 0 else "higher"
    where = f", at line {moved[0].at + 1}" if len(moved) == 1 else ""
    verb = "is" if len(moved) == 1 else "are"
    return (
        f"{hunks} of {shown(file.path)} {verb} applied {distance} {direction} than the patch "
        f"says{where}: the only place with {'its' if len(moved) == 1 else 'their'} lines"
    )
