"""What a session keeps on disk; everything is there before the next thing begins.

raw/rules.json                  what was fixed before the first block
raw/calibration.json            loops, values and protocol of each task
raw/missing.json                what could not be measured, why, and what that took
raw/missing-arms.json           the same for single arms of a task: the others were measured
raw/blocks/0007-richards/       one folder per block and task, renamed into place when whole:
    base.json  fast-add.json    pyperf JSON of each arm
    block.json                  seed, order, seconds, the host's state
raw/disturbed/0007-richards/    the same of a block that does not count: it was measured again
raw/complete                    that nothing is left to be measured

`Losses` collects what cannot be measured, and writes it as it comes.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.benchmarks import Missing
from bench.host import tally
from bench.measure import ScriptLoops, Trial
from bench.session.kept import load, reading
from bench.session.record import BlockRecord, SessionRecord, without
from bench.session.stopping import Rules
from bench.util import slug
from builder.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class LoopCounts:
    """What calibration found, and the protocol of each task. `seconds`: its wall time."""

    seconds: float = 0.0
    benchmarks: tuple[ScriptLoops, ...] = ()
    protocols: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Why a task, or an arm of it, is missing, and the seconds spent on its last block."""

    reason: str
    seconds: float = 0.0


class SessionFolder:
    """One session on disk. Raises StoreError for a file that is not what was written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, rules: Rules) -> None:
        """Make the folder, and remove whatever a killed run was writing."""
        for folder in (self._blocks, self._disturbed):
            folder.mkdir(parents=True, exist_ok=True)
        # Finished blocks were renamed out of their half.
        for half in self._blocks.glob(".half-*"):
            shutil.rmtree(half, ignore_errors=True)
        if not self.is_complete():
            write_atomically(self.path / "rules.json", json.dumps(asdict(rules), indent=1))

    def rules(self) -> Rules | None:
        """The rules that it was measured under; None where nothing was begun."""
        path = self.path / "rules.json"
        kept = load(path, None)
        if kept is None:
            return None
        with reading(path):
            return Rules(**{**kept, "watched": tuple(kept["watched"])})

    def is_complete(self) -> bool:
        """Whether nothing is left to be measured."""
        return (self.path / "complete").exists()

    def conclude(self) -> None:
        """Nothing is left to be measured."""
        (self.path / "complete").touch()

    def remove(self) -> None:
        """Forget all of it. First what says that it is complete: this may be killed as well."""
        (self.path / "complete").unlink(missing_ok=True)
        shutil.rmtree(self.path)

    # -- tasks ------------------------------------------------------------------------------

    def calibration(self) -> LoopCounts:
        """What was calibrated so far."""
        path = self.path / "calibration.json"
        kept = load(path, {"seconds": 0.0, "benchmarks": [], "protocols": {}})
        with reading(path):
            return LoopCounts(
                seconds=float(kept["seconds"]),
                benchmarks=tuple(ScriptLoops.from_json(one) for one in kept["benchmarks"]),
                protocols={task: str(name) for task, name in kept["protocols"].items()},
            )

    def keep_calibration(self, found: LoopCounts) -> None:
        """Write what was calibrated so far."""
        content = {
            "seconds": found.seconds,
            "benchmarks": [one.to_json() for one in found.benchmarks],
            "protocols": dict(found.protocols),
        }
        write_atomically(self.path / "calibration.json", json.dumps(content, indent=1))

    def keep_protocol(self, task: str, protocol: str) -> None:
        """Write that a task has another protocol than was chosen."""
        found = self.calibration()
        self.keep_calibration(replace(found, protocols={**found.protocols, task: protocol}))

    def losses(self) -> dict[str, Loss]:
        """What is missing."""
        path = self.path / "missing.json"
        with reading(path):
            return {
                name: Loss(reason=str(one["reason"]), seconds=float(one["seconds"]))
                for name, one in load(path, {}).items()
            }

    def keep_losses(self, losses: Mapping[str, Loss]) -> None:
        """Write what is missing."""
        content = {name: asdict(one) for name, one in losses.items()}
        write_atomically(self.path / "missing.json", json.dumps(content, indent=1))

    def lost_arms(self) -> dict[str, dict[str, Loss]]:
        """For each task, the arms that are missing there alone, by their names."""
        path = self.path / "missing-arms.json"
        with reading(path):
            return {
                task: {
                    arm: Loss(reason=str(one["reason"]), seconds=float(one["seconds"]))
                    for arm, one in arms.items()
                }
                for task, arms in load(path, {}).items()
            }

    def keep_lost_arms(self, lost: Mapping[str, Mapping[str, Loss]]) -> None:
        """Write which arms are missing where."""
        content = {
            task: {arm: asdict(one) for arm, one in arms.items()} for task, arms in lost.items()
        }
        write_atomically(self.path / "missing-arms.json", json.dumps(content, indent=1))

    # -- blocks -----------------------------------------------------------------------------

    def block(self, number: int, task: str) -> BlockRecord | None:
        """A block that counts; None where it is not measured."""
        return _read_block(self._blocks / _name(number, task) / "block.json")

    def disturbed(self, number: int, task: str) -> BlockRecord | None:
        """What was measured under disturbance, and does not count."""
        return _read_block(self._disturbed / _name(number, task) / "block.json")

    def keep(
        self,
        record: BlockRecord,
        trials: Sequence[Trial],
        *,
        seed: int,
        counts: bool,
    ) -> None:
        """Put a block where it belongs, whole or not at all."""
        half = Path(tempfile.mkdtemp(prefix=".half-", dir=self._blocks))
        half.chmod(0o755)
        for trial in trials:
            (half / f"{trial.arm}.json").write_text(json.dumps(trial.result), encoding="utf-8")
        spent = {trial.arm: asdict(trial.spent) for trial in trials}
        content = {**asdict(record), "seed": seed, "spent": spent}
        (half / "block.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
        half.rename(
            (self._blocks if counts else self._disturbed) / _name(record.number, record.task)
        )

    def blocks(self) -> tuple[BlockRecord, ...]:
        """All that count, those of tasks that were given up later as well."""
        return _read_blocks(self._blocks)

    def read(self) -> SessionRecord:
        """All that counts, without the looks."""
        blocks = self.blocks()
        repeated = _read_blocks(self._disturbed)
        losses, arms = self.losses(), self.lost_arms()
        lost = sum(one.seconds for one in (*losses.values(), *_each(arms)))
        every = (*blocks, *repeated)
        kept = tuple(
            without(block, arms.get(block.task, ())) for block in blocks if block.task not in losses
        )
        return SessionRecord(
            blocks=kept,
            missing=tuple(_missing(losses, arms)),
            seconds=self.calibration().seconds + lost + sum(block.seconds for block in every),
            busy_seconds=sum(block.busy_seconds for block in every),
            complete=self.is_complete(),
            disturbance=tally(sum(bool(block.disturbed) for block in kept), len(repeated)),
        )

    @property
    def _blocks(self) -> Path:
        return self.path / "blocks"

    @property
    def _disturbed(self) -> Path:
        return self.path / "disturbed"


def _each(lost: Mapping[str, Mapping[str, Loss]]) -> Iterator[Loss]:
    for arms in lost.values():
        yield from arms.values()


def _missing(
    losses: Mapping[str, Loss], lost: Mapping[str, Mapping[str, Loss]]
) -> Iterator[Missing]:
    for task, one in losses.items():
        yield Missing(benchmark=task, reason=one.reason)
    for task, arms in lost.items():
        for arm, one in arms.items():
            if task not in losses:
                yield Missing(benchmark=task, reason=one.reason, arm=arm)


def _name(number: int, task: str) -> str:
    return f"{number:04d}-{slug(task)}"


def _read_blocks(folder: Path) -> tuple[BlockRecord, ...]:
    # Not what is half written: its name begins with a dot.
    found = [_read_block(path) for path in sorted(folder.glob("[!.]*/block.json"))]
    return tuple(one for one in found if one is not None)


def _read_block(path: Path) -> BlockRecord | None:
    data = load(path, None)
    if data is None:
        return None
    with reading(path):
        return BlockRecord(**{key: data[key] for key in data if key not in ("seed", "spent")})


class Losses:
    """Tasks that are missing, and arms of tasks of which the others are measured."""

    def __init__(self, folder: SessionFolder, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._tasks = folder.losses()
        self._arms = folder.lost_arms()

    def of(self, task: str) -> Loss | None:
        """Why a task is missing; None where it is not."""
        return self._tasks.get(task)

    def arms(self, task: str) -> tuple[str, ...]:
        """The arms that are missing for a task alone."""
        return tuple(self._arms.get(task, ()))

    def arm_seconds(self) -> float:
        """What was spent on arms until they were given up."""
        return sum(one.seconds for arms in self._arms.values() for one in arms.values())

    def lose(self, task: str, reason: str, seconds: float = 0.0) -> None:
        """Give a task up, unless it is already."""
        if task not in self._tasks:
            self._tasks[task] = Loss(reason=reason, seconds=seconds)
            self._say(f"{task} is missing: {reason}")
            self._folder.keep_losses(self._tasks)

    def lose_arm(self, task: str, arm: str, reason: str, seconds: float = 0.0) -> None:
        """Give one arm of a task up, unless it is already; the others go on."""
        arms = self._arms.setdefault(task, {})
        if arm not in arms:
            arms[arm] = Loss(reason=reason, seconds=seconds)
            self._say(f"{task} is missing for {arm}: {reason}")
            self._folder.keep_lost_arms(self._arms)
