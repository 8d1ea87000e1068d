"""The files of a session; each step is on disk before the next step begins.

raw/rules.json                  what was fixed before the first block
raw/calibration.json            loops, values and protocol of each task
raw/missing.json                the tasks that could not be measured, reasons and seconds spent
raw/missing-arms.json           the same for single arms of a task whose other arms were measured
raw/blocks/0007-richards/       one folder per block and task, renamed into place when whole:
    base.json  fast-add.json    pyperf JSON of each arm
    block.json                  seed, order, seconds, the host's state
raw/disturbed/0007-richards/    a disturbed block that does not count: it was measured again
raw/complete                    an empty file: nothing is left to be measured

`MissingTracker` records tasks and arms that cannot be measured, and writes each at once.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from bench.benchmarks import Missing
from bench.host import tally
from bench.measure import ScriptLoops, Trial
from bench.session.record import BlockRecord, SessionRecord, without
from bench.session.stopping import Rules
from bench.util import documents, slug
from builder.errors import StoreError
from builder.files import write_atomically

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class LoopCounts:
    """The loops of each script by kind of runtime, and the protocol of each task.

    `seconds` is the wall time of the calibration.
    """

    seconds: float = 0.0
    benchmarks: tuple[ScriptLoops, ...] = ()
    protocols: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class MissingEntry:
    """Why a task, or an arm of it, is missing, and the seconds spent on its last block."""

    reason: str
    seconds: float = 0.0


class SessionFolder:
    """The folder of one session. Methods raise StoreError for a damaged file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, rules: Rules) -> None:
        """Create the folder, and remove unfinished blocks of a run that was killed."""
        for folder in (self._blocks, self._disturbed):
            folder.mkdir(parents=True, exist_ok=True)
        # A finished block was renamed: only unfinished ones still have this prefix.
        for unfinished in self._blocks.glob(".half-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        if not self.is_complete():
            write_atomically(self.path / "rules.json", json.dumps(asdict(rules), indent=1))

    def rules(self) -> Rules | None:
        """The rules of the session; None where it has not begun."""
        path = self.path / "rules.json"
        return _load(Rules, path) if path.exists() else None

    def is_complete(self) -> bool:
        """Whether nothing is left to be measured."""
        return (self.path / "complete").exists()

    def conclude(self) -> None:
        """Mark the session as complete: nothing is left to be measured."""
        (self.path / "complete").touch()

    def remove(self) -> None:
        """Remove the folder; the mark `complete` first, since this may be interrupted as well."""
        (self.path / "complete").unlink(missing_ok=True)
        shutil.rmtree(self.path)

    # -- tasks ------------------------------------------------------------------------------

    def calibration(self) -> LoopCounts:
        """The calibration so far."""
        path = self.path / "calibration.json"
        return _load(LoopCounts, path) if path.exists() else LoopCounts(protocols={})

    def keep_calibration(self, counts: LoopCounts) -> None:
        """Write the calibration so far."""
        text = json.dumps(documents.dump(counts), indent=1)
        write_atomically(self.path / "calibration.json", text)

    def keep_protocol(self, task: str, protocol: str) -> None:
        """Replace the protocol that was chosen for a task."""
        counts = self.calibration()
        self.keep_calibration(replace(counts, protocols={**counts.protocols, task: protocol}))

    def missing_tasks(self) -> dict[str, MissingEntry]:
        """The missing tasks, by name."""
        path = self.path / "missing.json"
        return _load(dict[str, MissingEntry], path) if path.exists() else {}

    def keep_missing_tasks(self, missing: Mapping[str, MissingEntry]) -> None:
        """Write the missing tasks."""
        text = json.dumps(documents.dump(missing), indent=1)
        write_atomically(self.path / "missing.json", text)

    def missing_arms(self) -> dict[str, dict[str, MissingEntry]]:
        """The missing arms of tasks whose other arms are measured: task to arm to reason."""
        path = self.path / "missing-arms.json"
        return _load(dict[str, dict[str, MissingEntry]], path) if path.exists() else {}

    def keep_missing_arms(self, missing: Mapping[str, Mapping[str, MissingEntry]]) -> None:
        """Write the missing arms of each task."""
        text = json.dumps(documents.dump(missing), indent=1)
        write_atomically(self.path / "missing-arms.json", text)

    # -- blocks -----------------------------------------------------------------------------

    def block(self, number: int, task: str) -> BlockRecord | None:
        """A block that counts; None where it has not been measured."""
        return _read_block(self._blocks / _name(number, task) / "block.json")

    def disturbed(self, number: int, task: str) -> BlockRecord | None:
        """A block that was disturbed and does not count; None where there is none."""
        return _read_block(self._disturbed / _name(number, task) / "block.json")

    def keep(
        self,
        record: BlockRecord,
        trials: Sequence[Trial],
        *,
        seed: int,
        counts: bool,
    ) -> None:
        """Write a block atomically: among those that count, or among the disturbed ones."""
        unfinished = Path(tempfile.mkdtemp(prefix=".half-", dir=self._blocks))
        unfinished.chmod(0o755)
        for trial in trials:
            (unfinished / f"{trial.arm}.json").write_text(
                json.dumps(trial.result), encoding="utf-8"
            )
        spent = {trial.arm: asdict(trial.spent) for trial in trials}
        content = {**asdict(record), "seed": seed, "spent": spent}
        (unfinished / "block.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
        unfinished.rename(
            (self._blocks if counts else self._disturbed) / _name(record.number, record.task)
        )

    def blocks(self) -> tuple[BlockRecord, ...]:
        """All blocks that count, including those of tasks that were given up later."""
        return _read_blocks(self._blocks)

    def read(self) -> SessionRecord:
        """The session's record, without the looks."""
        blocks = self.blocks()
        repeated = _read_blocks(self._disturbed)
        missing, arms = self.missing_tasks(), self.missing_arms()
        missing_seconds = sum(entry.seconds for entry in (*missing.values(), *_each(arms)))
        all_blocks = (*blocks, *repeated)
        kept = tuple(
            without(block, arms.get(block.task, ()))
            for block in blocks
            if block.task not in missing
        )
        return SessionRecord(
            blocks=kept,
            missing=tuple(_missing(missing, arms)),
            seconds=self.calibration().seconds
            + missing_seconds
            + sum(block.seconds for block in all_blocks),
            busy_seconds=sum(block.busy_seconds for block in all_blocks),
            complete=self.is_complete(),
            disturbance=tally(sum(bool(block.disturbed) for block in kept), len(repeated)),
        )

    @property
    def _blocks(self) -> Path:
        return self.path / "blocks"

    @property
    def _disturbed(self) -> Path:
        return self.path / "disturbed"


def _each(missing_arms: Mapping[str, Mapping[str, MissingEntry]]) -> Iterator[MissingEntry]:
    for arms in missing_arms.values():
        yield from arms.values()


def _missing(
    missing: Mapping[str, MissingEntry], missing_arms: Mapping[str, Mapping[str, MissingEntry]]
) -> Iterator[Missing]:
    for task, entry in missing.items():
        yield Missing(benchmark=task, reason=entry.reason)
    for task, arms in missing_arms.items():
        for arm, entry in arms.items():
            if task not in missing:
                yield Missing(benchmark=task, reason=entry.reason, arm=arm)


def _name(number: int, task: str) -> str:
    return f"{number:04d}-{slug(task)}"


def _read_blocks(folder: Path) -> tuple[BlockRecord, ...]:
    # Without unfinished blocks: their names begin with a dot.
    records = [_read_block(path) for path in sorted(folder.glob("[!.]*/block.json"))]
    return tuple(record for record in records if record is not None)


_DAMAGED = "A file of the results folder is damaged: it"
_REMOVE = "Remove it (of a block, its whole folder): what it held is measured again."


def _load(kind: type[T], path: Path) -> T:
    """Read a file of the session. They are written atomically: another program damaged a bad one.

    Raises StoreError for a damaged file.
    """
    return documents.read(kind, path, what=_DAMAGED, hint=_REMOVE, error=StoreError)


def load_list(kind: type[T], path: Path) -> tuple[T, ...]:
    """Read a list of values that a job keeps beside a session's files. Errors as `_load`."""
    return documents.read_list(kind, path, what=_DAMAGED, hint=_REMOVE, error=StoreError)


def _read_block(path: Path) -> BlockRecord | None:
    return _load(BlockRecord, path) if path.exists() else None


class MissingTracker:
    """The tasks that are missing, and the missing arms of tasks whose other arms are measured."""

    def __init__(self, folder: SessionFolder, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._tasks = folder.missing_tasks()
        self._arms = folder.missing_arms()

    def of(self, task: str) -> MissingEntry | None:
        """The entry of a missing task; None where the task is not missing."""
        return self._tasks.get(task)

    def arms(self, task: str) -> tuple[str, ...]:
        """The missing arms of a task whose other arms are measured."""
        return tuple(self._arms.get(task, ()))

    def arm_seconds(self) -> float:
        """The seconds spent on missing arms before they were given up."""
        return sum(entry.seconds for arms in self._arms.values() for entry in arms.values())

    def add_task(self, task: str, reason: str, seconds: float = 0.0) -> None:
        """Record a task as missing and report it; no effect where it already is."""
        if task not in self._tasks:
            self._tasks[task] = MissingEntry(reason=reason, seconds=seconds)
            self._say(f"{task} is missing: {reason}")
            self._folder.keep_missing_tasks(self._tasks)

    def add_arm(self, task: str, arm: str, reason: str, seconds: float = 0.0) -> None:
        """Record one arm of a task as missing; the other arms are still measured."""
        arms = self._arms.setdefault(task, {})
        if arm not in arms:
            arms[arm] = MissingEntry(reason=reason, seconds=seconds)
            self._say(f"{task} is missing for {arm}: {reason}")
            self._folder.keep_missing_arms(self._arms)
