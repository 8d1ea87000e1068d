"""Measure one binary against itself on this machine, with pyperformance and with patchbench.

    DIR/pair-1/first.json second.json   two runs of pyperformance, with its log
               raw/                     our session of the same machine time
               done.json                the outcome of both
    DIR/alone-0001/raw/ done.json       a separate session, with interim looks

What has a done.json is not measured again, so that a stopped study can be continued. Of three
separate sessions, one is killed and continued, and one runs beside another process.
"""

from __future__ import annotations

import contextlib
import functools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from bench.benchmarks import PackageSource
from bench.compare import MARGIN
from bench.context import Context
from bench.experiments import SessionOptions
from bench.host import Host, read_host
from bench.jobs.study import processes
from bench.measure import Effort, Rig, arm_of, choice
from bench.results import read as read_result
from bench.run import Ready
from bench.run import base as interpreters
from bench.session import (
    FIRST_LOOK,
    BenchmarkLineup,
    Session,
    SessionRecord,
    SessionTerms,
    conclude,
)
from bench.util import documents
from bench.validation import (
    CALM,
    KILLED,
    LOADED,
    Alone,
    Part,
    ProcedureComparison,
    RealRow,
    excludes_1,
    real,
    recordings,
)
from builder.files import guard_writes, write_atomically
from builder.process import Runner

# They spend their time in the interpreter and need no packages; chosen before any measurement.
BENCHMARKS = (
    "chaos", "deltablue", "fannkuch", "float", "go", "hexiom", "json_dumps", "nbody", "nqueens",
    "pickle_pure_python", "raytrace", "regex_effbot", "richards", "spectral_norm",
)  # fmt: skip
CANDIDATE = "candidate"
DONE = "done.json"
# More blocks than any session of a pair reaches: its budget ends it.
_MANY = 1000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RealStudyRequest:
    """The options of the study.

    It measures `pairs` of pyperformance and patchbench, and separate sessions of at most `blocks`
    blocks of each benchmark until they have `comparisons`. `slowdown` is the results folder of a
    run of a known slowdown, which is only read. `base` and `source` are as in
    `bench.run.base.base_build`.
    """

    out: Path
    base: str = ""
    source: str = ""
    words: tuple[str, ...] = ()
    pairs: int = 3
    comparisons: int = 300
    blocks: int = 12
    slowdown: Path | None = None
    seed: int = 1
    wheels: str = ""


def measure(context: Context, request: RealStudyRequest) -> Part:
    """Measure what is not measured yet, and read all. Raises PatchbenchError."""
    host = read_host()
    with (
        interpreters.base_build(context, request.base, request.source) as build,
        guard_writes(request.out),
    ):
        ready = interpreters.prepare(
            context, build, request.words or BENCHMARKS, wheels=request.wheels
        )
        request.out.mkdir(parents=True, exist_ok=True)
        with interpreters.measuring(
            context, timeout=SessionOptions().timeout, host=host.name
        ) as rig:
            _Job(context=context, request=request, ready=ready, host=host, rig=rig).go()
    return read(request, host, build.title)


def read(request: RealStudyRequest, host: Host, title: str) -> Part:
    """Read what the folder has so far. Raises DataError for a damaged file."""
    pairs = [_loaded(path, ProcedureComparison) for path in _done(request.out, "pair")]
    alone = [_loaded(path, Alone) for path in _done(request.out, "alone")]
    slowdown = None
    if request.slowdown is not None:
        slowdown = real.slowdown_of(read_result(request.slowdown))
    virtual = f" of a virtual machine ({host.hypervisor})" if host.hypervisor else ""
    return real.study(
        pairs,
        alone,
        slowdown,
        (
            f"{title}, on {host.usable_cpus} CPUs ({host.cpu}){virtual}, {host.os}",
            f"{len(pairs)} times: `pyperformance run --fast` twice, then a session of ours of the "
            "same machine time, base against base; making environments is not counted",
            f"{len(alone)} sessions alone, of at most {request.blocks} blocks of "
            "each, looking early; a third of them killed and "
            "resumed, a third beside a process that is busy every now and then on the same core",
            f"margin {MARGIN:.0%}; seed {request.seed}",
        ),
    )


def _done(out: Path, kind: str) -> list[Path]:
    return sorted(out.glob(f"{kind}-*/{DONE}"))


def _loaded(path: Path, kind: type[T]) -> T:
    hint = "Remove it: the same command measures it again."
    return documents.read(kind, path, what="A file of the study", hint=hint)


@dataclass(frozen=True, kw_only=True)
class _Job:
    context: Context
    request: RealStudyRequest
    ready: Ready
    host: Host
    rig: Rig

    def go(self) -> None:
        """Measure every pair, then separate sessions until there are enough comparisons."""
        for number in range(1, self.request.pairs + 1):
            self._once(f"pair-{number}", self._pair)
        for number in self._numbers_alone():
            self._once(f"alone-{number:04d}", functools.partial(self._alone, number))

    def _numbers_alone(self) -> Iterator[int]:
        number = comparisons = 0
        while comparisons < self.request.comparisons:
            number += 1
            yield number
            done = self.request.out / f"alone-{number:04d}" / DONE
            comparisons += max(len(_loaded(done, Alone).rows), 1)

    def _once(self, name: str, work: Callable[[Path], ProcedureComparison | Alone]) -> None:
        folder = self.request.out / name
        if not (folder / DONE).exists():
            self.context.show.say(f"study real: {name}")
            folder.mkdir(exist_ok=True)
            write_atomically(
                folder / DONE, json.dumps(documents.dump(work(folder)), indent=1) + "\n"
            )

    # -- pyperformance and ours --------------------------------------------------------------

    def _pair(self, folder: Path) -> ProcedureComparison:
        seconds = sum(self._theirs(folder, name) for name in ("first", "second"))
        files = [recordings.read(folder / f"{name}.json") for name in ("first", "second")]
        terms = replace(
            self._terms(folder.name),
            blocks=_MANY,
            budget=seconds,
            effort=Effort(),
            watched=(),
        )
        measured = self._session(folder, terms).run()
        return ProcedureComparison(
            theirs=real.their_rows(*files),
            their_seconds=seconds,
            ours=_rows(measured),
            our_seconds=measured.seconds,
        )

    def _theirs(self, folder: Path, name: str) -> float:
        """Run pyperformance once; return the seconds that its benchmarks took."""
        spent = folder / f"{name}.seconds"
        if spent.exists():
            return float(spent.read_text(encoding="utf-8"))
        place = self.context.home.root / "studies" / f"pyperformance-{self.ready.build.key}"
        place.mkdir(parents=True, exist_ok=True)
        wheels = Path(self.request.wheels) if self.request.wheels else None
        output = (folder / f"{name}.json").absolute()
        output.unlink(missing_ok=True)  # pyperformance refuses to overwrite a file
        command = processes.peer_command(
            self.ready.build.python,
            ",".join(benchmark.name for benchmark in self.ready.benchmarks),
            output,
            place,
            PackageSource(environment=self.context.pip_environment, wheels=wheels),
        )
        seconds = processes.run_peer(self.context.runner, command, folder / "pyperformance.log")
        write_atomically(spent, f"{seconds:.1f}\n")
        return seconds

    # -- separate sessions ------------------------------------------------------------------

    def _alone(self, number: int, folder: Path) -> Alone:
        how = (CALM, KILLED, LOADED)[number % 3]
        terms = self._terms(folder.name)
        if how == KILLED and not self._killed(folder, terms):
            how = CALM
        load = processes.load_on(self.context.runner, self.rig.core)
        with load if how == LOADED else contextlib.nullcontext():
            measured = self._session(folder, terms).run()
        return Alone(how=how, rows=_rows(measured))

    def _killed(self, folder: Path, terms: SessionTerms) -> bool:
        """Begin a session and kill it at a random point before the first look.

        Returns False when it ended before that point.
        """
        a_round = 2 * len(self.ready.benchmarks)
        rounds = min(terms.blocks, FIRST_LOOK)
        after = random.Random(terms.seed).randrange(a_round // 2, rounds * a_round)
        runner = processes.KillingRunner(self.context.runner, after=after)
        try:
            self._session(folder, terms, runner).run()
        except processes.Killed:
            self.context.show.say("The session was killed on purpose and is continued.")
            return True
        return False

    def _terms(self, salt: str) -> SessionTerms:
        choices = choice.choices(choice.AUTO, self.context.home, self.host, self.context.show.say)
        return SessionTerms(
            protocol=choices.protocol,
            fallback=choices.fallback,
            blocks=self.request.blocks,
            budget=None,
            seed=random.Random(f"{self.request.seed} {salt}").randrange(2**32),
            effort=Effort(),
            margin=MARGIN,
            stop_when_decided=True,
            watched=(CANDIDATE,),
        )

    def _session(self, folder: Path, terms: SessionTerms, runner: Runner | None = None) -> Session:
        """A session of the base against itself: both arms have one environment."""
        environment = self.ready.environment
        return Session(
            subjects=[
                BenchmarkLineup(
                    benchmark=benchmark,
                    lineups=(
                        tuple(
                            arm_of(environment, benchmark, name=name)
                            for name in ("base", CANDIDATE)
                        ),
                    ),
                )
                for benchmark in self.ready.benchmarks
            ],
            terms=terms,
            rig=replace(
                self.rig,
                runner=runner or self.context.runner,
                places={
                    **interpreters.places(self.context, folder),
                    self.rig.scratch: "SCRATCH",
                },
            ),
            folder=folder / "raw",
            show=self.context.show,
        )


def _rows(measured: SessionRecord) -> tuple[RealRow, ...]:
    return tuple(
        RealRow(
            benchmark=row.benchmark,
            ratio=row.ratio,
            called=row.verdict in ("faster", "slower"),
            excludes=excludes_1(row) if row.low95 is not None else None,
        )
        for row in conclude(measured, CANDIDATE, margin=MARGIN).comparisons
    )
