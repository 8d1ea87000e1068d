"""The results folder of `patchbench hot`. Files that this command did not write are not changed.

hot.json lists the files that it wrote. A folder with any other file is refused; older results are
replaced once the new ones are complete.
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
# The value of "kind" in hot.json: other programs have files of that name too.
KIND = "patchbench hot"


@dataclass(frozen=True, kw_only=True)
class HotContents:
    """What hot.json says of the folder: which program wrote it, and the names of its files."""

    kind: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HotFolder:
    """The results folder, existing or not."""

    path: Path

    def claim(self) -> None:
        """Create the folder if necessary; no file in it is changed.

        Raises StoreError unless it is empty or has only results of this command.
        """
        if self.path.resolve() == Path.cwd():
            raise _refused("is the current folder, which the program runs in", self.path)
        with guard_writes(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            others = sorted(self.path / path.name for path in self._others())
        if others:
            raise _refused("has files that this command did not write", others[0])
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise _refused("is not writable", self.path)

    def replace(self, draft: Path) -> None:
        """Replace the earlier results in this folder by the files in `draft`, including hot.json.

        All files are copied to the folder's disk before the first one replaces another. Raises
        StoreError like `claim`, since the folder may have changed meanwhile.
        """
        self.claim()
        names = [path.name for path in draft.iterdir()]
        old_names = self._written()
        with (
            guard_writes(self.path),
            tempfile.TemporaryDirectory(prefix=".new-", dir=self.path) as temporary,
        ):
            for name in names:
                shutil.copyfile(draft / name, Path(temporary) / name)
            for name in names:
                (Path(temporary) / name).replace(self.path / name)
            for path in self.path.iterdir():
                if path.name in old_names.difference(names):
                    path.unlink()

    def _others(self) -> list[Path]:
        """The entries of the folder that this command did not write."""
        written = self._written()
        return [
            path for path in self.path.iterdir() if path.name not in written or not path.is_file()
        ]

    def _written(self) -> frozenset[str]:
        """The names of the files that this command wrote, as hot.json lists them."""
        try:
            contents = documents.read(HotContents, self.path / FILE, what=FILE)
        except DataError:
            return frozenset()
        return frozenset(contents.files) if contents.kind == KIND else frozenset()


def _refused(why: str, where: Path) -> StoreError:
    return StoreError(
        f"The folder for the results {why}.",
        where=str(where),
        hint="Name an empty or a new folder with --out.",
    )
