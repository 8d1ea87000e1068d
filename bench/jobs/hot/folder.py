"""The results folder of `patchbench hot`: what this command did not write into it stays as it is.

hot.json says what it wrote. A folder with anything else in it is refused, and results that are
there already are replaced when the new ones are whole.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.util import documents
from builder.errors import DataError, StoreError
from builder.files import guard_writes

FILE = "hot.json"
# What hot.json calls itself: other programs have files of that name too.
KIND = "patchbench hot"


@dataclass(frozen=True, kw_only=True)
class HotContents:
    """What hot.json says of the folder: which program wrote it, and the names of its files."""

    kind: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HotFolder:
    """Where the results are, or will be."""

    path: Path

    def claim(self) -> None:
        """Make it, or find it; nothing in it is touched.

        Raises StoreError unless it is empty or has results of this command and nothing else.
        """
        if self.path.resolve() == Path.cwd():
            raise _refused("is the one that you stand in, and the program runs in", self.path)
        with guard_writes(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            others = sorted(self.path / one.name for one in self._others())
        if others:
            raise _refused("has something in it that is none of this command's", others[0])
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise _refused("cannot be written to", self.path)

    def replace(self, draft: Path) -> None:
        """The files in `draft`, hot.json among them, take the place of what this command left here.

        All are on the folder's own disk before the first replaces anything. Raises StoreError, as
        `claim` does: much may have happened since.
        """
        self.claim()
        names = [one.name for one in draft.iterdir()]
        before = self._written()
        with (
            guard_writes(self.path),
            tempfile.TemporaryDirectory(prefix=".new-", dir=self.path) as new,
        ):
            for name in names:
                shutil.copyfile(draft / name, Path(new) / name)
            for name in names:
                (Path(new) / name).replace(self.path / name)
            for one in self.path.iterdir():
                if one.name in before.difference(names):
                    one.unlink()

    def _others(self) -> list[Path]:
        """What is in it and was not written by this command."""
        written = self._written()
        return [one for one in self.path.iterdir() if one.name not in written or not one.is_file()]

    def _written(self) -> frozenset[str]:
        """The names of the files that this command wrote into it, by its own word."""
        try:
            told = documents.read(HotContents, self.path / FILE, what=FILE)
        except DataError:
            return frozenset()
        return frozenset(told.files) if told.kind == KIND else frozenset()


def _refused(why: str, where: Path) -> StoreError:
    return StoreError(
        f"The folder for the results {why}.",
        where=str(where),
        hint="Name an empty or a new folder with --out.",
    )
