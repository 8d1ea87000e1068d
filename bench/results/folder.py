"""The results folder of a run: one run writes at a time, and a stopped run can be continued."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.experiments import Plan
from bench.measure import Choices
from bench.results.arms import PlanRecord
from bench.results.result import FILE, read
from bench.results.shape import Result
from bench.util import documents, slug
from builder.errors import DataError, StoreError
from builder.files import guard_writes, write_atomically
from builder.locks import LockOrder, Queue
from builder.patches import Patch, Series

_PLAN = "plan.json"
_CHOICES = "protocols.json"
_ANOTHER = "Name another folder with --out, or remove this one."

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The folder that holds a run's results."""

    path: Path

    @property
    def raw(self) -> Path:
        """The session's folder: pyperf JSON of every block."""
        return self.path / "raw"

    @contextlib.contextmanager
    def claimed(self, queue: Queue, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the folder's lock, so that no other run writes to it meanwhile."""
        with guard_writes(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with queue.hold(
            self.path / ".lock",
            order=LockOrder.FOLDER,
            doing="writes to the same results folder",
            say=say,
        ):
            yield

    def refuse_others(self) -> None:
        """Raise StoreError when the folder holds other files than those of a run.

        A run neither writes among foreign files nor takes them for its own data.
        """
        if (self.path / _PLAN).exists() or not self.path.is_dir():
            return
        with guard_writes(self.path):
            paths = sorted(self.path.iterdir())
        for path in paths:
            # A run that was killed before it wrote its plan leaves these behind.
            if path.name not in (".lock", "patches") and not path.name.startswith(f".{_PLAN}."):
                raise StoreError(
                    "The folder for the results has something else in it, and no plan.",
                    where=str(path),
                    hint="Name an empty or a new folder with --out.",
                )

    def open(self, plan: Plan, seed: int, patches: Mapping[str, Sequence[Series]]) -> int:
        """Write the plan and the arms' patches unless they exist; return the run's seed.

        That is the seed of the existing plan, if there is one. Raises StoreError when the folder
        holds another experiment.
        """
        path = self.path / _PLAN
        if not path.exists():
            with guard_writes(self.path):
                self._write_patches(patches)
                write_atomically(path, json.dumps(plan.to_json(seed), indent=1))
            return seed
        kept = _read(PlanRecord, path, "plan")
        if kept.identity != plan.identity:
            raise StoreError(
                "The results folder holds another experiment.",
                where=str(self.path),
                hint=_ANOTHER,
            )
        return kept.seed

    def choices(self, now: Choices) -> Choices:
        """Return the protocols chosen when the run began; write `now` when there are none yet.

        A calibration made after that does not change a run that is continued.
        """
        path = self.path / _CHOICES
        if not path.exists():
            with guard_writes(self.path):
                write_atomically(path, json.dumps(asdict(now), indent=1))
        return _read(Choices, path, "choice of protocols")

    def _write_patches(self, patches: Mapping[str, Sequence[Series]]) -> None:
        """Write the patches as they were applied: a reader needs no file from elsewhere."""
        for arm, stack in patches.items():
            for name, patch in kept_patches(arm, stack):
                path = self.path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(patch.data)

    def finished(self) -> Result | None:
        """The result, or None when the run is not complete. Raises DataError for a damaged one."""
        if not (self.path / FILE).exists():
            return None
        try:
            return read(self.path)
        except DataError as error:
            hint = f"Remove {FILE} and run again: it is written again from the measured blocks."
            raise DataError(error.what, where=error.where, hint=hint) from error

    def finish(self, document: Mapping[str, Any], reports: Mapping[str, str]) -> None:
        """Write `reports` (text by file name), then result.json, which marks the run complete."""
        for name, text in reports.items():
            (self.path / name).parent.mkdir(exist_ok=True)
            write_atomically(self.path / name, text)
        write_atomically(
            self.path / FILE, json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        )


def kept_patches(arm: str, stack: Sequence[Series]) -> Iterator[tuple[str, Patch]]:
    """The patches of an arm in order, each with its path below the results folder."""
    for number, series in enumerate(stack, 1):
        for patch in series.patches:
            yield f"patches/{arm}/{number:02d}-{slug(series.name)}/{slug(patch.name)}", patch


def _read(kind: type[T], path: Path, name: str) -> T:
    """Read a JSON file of the folder as `kind`. Raises StoreError when it is damaged."""
    what = f"The results folder is damaged: its {name}"
    return documents.read(kind, path, what=what, hint=_ANOTHER, error=StoreError)


def folder_of(out: Path | None, plan: Plan) -> Folder:
    """The folder for the run's results: `out`, or one named after the experiment."""
    default = Path("results") / f"{plan.experiment.name}-{plan.identity}"
    return Folder(path=(out or default).absolute())
