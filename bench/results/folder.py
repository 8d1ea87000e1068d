"""The results folder of a run: claimed by one run at a time, and made to be gone on with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.experiments import Plan
from bench.measure import Choices
from bench.results import result as results
from bench.results.arms import PlanRecord
from bench.results.shape import Result
from bench.util import documents, slug
from builder.errors import DataError, StoreError
from builder.files import guard_writes, hold_lock, write_atomically
from builder.patches import Patch, Series

_PLAN = "plan.json"
_CHOICES = "protocols.json"
_ANOTHER = "Name another folder with --out, or remove this one."

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Where a run's results are."""

    path: Path

    @property
    def raw(self) -> Path:
        """The session's folder: pyperf JSON of every block."""
        return self.path / "raw"

    @contextlib.contextmanager
    def claimed(self, say: Callable[[str], None]) -> Iterator[None]:
        """Keep other runs of the same experiment out while this one writes."""
        with guard_writes(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        waiting = f"Another run writes to {self.path}; waiting for it."
        with hold_lock(self.path / ".lock", on_wait=lambda _path: say(waiting)):
            yield

    def refuse_others(self) -> None:
        """A folder of something else is not to be filled with ours, nor its data taken for ours."""
        if (self.path / _PLAN).exists() or not self.path.is_dir():
            return
        with guard_writes(self.path):
            there = sorted(self.path.iterdir())
        for one in there:
            # What a run leaves that is killed before it has a plan.
            if one.name not in (".lock", "patches") and not one.name.startswith(f".{_PLAN}."):
                raise StoreError(
                    "The folder for the results has something else in it, and no plan.",
                    where=str(one),
                    hint="Name an empty or a new folder with --out.",
                )

    def open(self, plan: Plan, seed: int, patches: Mapping[str, Sequence[Series]]) -> int:
        """Write the plan and the arms' patches, or find them; the seed that the run draws from.

        Raises StoreError when the folder holds another experiment.
        """
        path = self.path / _PLAN
        if not path.exists():
            with guard_writes(self.path):
                self._keep(patches)
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
        """The protocols that this run measures with: those of its first sitting.

        A calibration that is made meanwhile is for other runs.
        """
        path = self.path / _CHOICES
        if not path.exists():
            with guard_writes(self.path):
                write_atomically(path, json.dumps(asdict(now), indent=1))
        return _read(Choices, path, "choice of protocols")

    def _keep(self, patches: Mapping[str, Sequence[Series]]) -> None:
        """The patches as they were applied: a reader needs no file from elsewhere."""
        for arm, stack in patches.items():
            for name, patch in kept_patches(arm, stack):
                path = self.path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(patch.data)

    def finished(self) -> Result | None:
        """The result, when the run was complete."""
        if not (self.path / results.FILE).exists():
            return None
        try:
            return results.read(self.path)
        except DataError as error:
            hint = f"Remove {results.FILE} and run again: it is made anew from what was measured."
            raise DataError(error.what, where=error.where, hint=hint) from error

    def finish(self, document: Mapping[str, Any], reports: Mapping[str, str]) -> None:
        """Write the reports by their names, and result.json last: it says that the run is over."""
        for name, text in reports.items():
            write_atomically(self.path / name, text)
        write_atomically(
            self.path / results.FILE, json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        )


def kept_patches(arm: str, stack: Sequence[Series]) -> Iterator[tuple[str, Patch]]:
    """The patches of an arm in their order, by their names below a results folder."""
    for number, series in enumerate(stack, 1):
        for patch in series.patches:
            yield f"patches/{arm}/{number:02d}-{slug(series.name)}/{slug(patch.name)}", patch


def _read(kind: type[T], path: Path, name: str) -> T:
    """A file of the folder. Raises StoreError when it is not what was written."""
    what = f"The results folder is damaged: its {name}"
    return documents.read(kind, path, what=what, hint=_ANOTHER, error=StoreError)


def folder_of(out: Path | None, plan: Plan) -> Folder:
    """The folder that the run's results go to: `out`, or one named after the experiment."""
    default = Path("results") / f"{plan.experiment.name}-{plan.identity}"
    return Folder(path=(out or default).absolute())
