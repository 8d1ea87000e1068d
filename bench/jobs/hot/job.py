"""hot: a user's own program with its hot modules compiled, proved the same, and measured."""

from __future__ import annotations

import json
import random
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.compare import BenchmarkBlocks, PairedBlock, compare_blocks
from bench.context import Context
from bench.jobs.hot import analysis as hotness
from bench.jobs.hot import observe, report
from bench.jobs.hot.analysis import HotModule, Profile
from bench.jobs.hot.compile import CompiledModule, Compiling
from bench.jobs.hot.folder import FILE, KIND, HotFolder
from bench.jobs.hot.observe import SEED, Arm, Reference
from bench.jobs.hot.profile import ProfiledCommand, Programs, Ran
from bench.jobs.hot.program import Program as Subject
from bench.jobs.hot.program import subject
from bench.run import base as interpreters
from bench.util import print_json, published, stdout_console
from builder.errors import MeasureError
from builder.files import guard_writes

SCHEMA = 1
_PROFILE = "profile.json"
# Kernels sample CPU time no finer than their own tick, which is 1 to 10 ms.
_INTERVAL = 0.001
_ENOUGH_SAMPLES = 250
_FEW_SAMPLES = 20
_MOST_RUNS = 10
_LEAST_BLOCKS, _MOST_BLOCKS = 5, 40
_MOST_FUNCTIONS = 15


@dataclass(frozen=True, kw_only=True)
class HotRequest:
    """What was asked for. `budget` is of measuring, `timeout` of one run, in seconds. Without
    `blocks`, as many as the budget has room for. The program runs with all of the caller's
    `environment`.
    """

    script: str
    arguments: tuple[str, ...] = ()
    python: str = ""
    modules: tuple[str, ...] = ()
    stdin: Path | None = None
    files: tuple[Path, ...] = ()
    out: Path | None = None
    clock: str = "cpu"
    blocks: int | None = None
    budget: float = 60.0
    timeout: float = 600.0
    margin: float = 0.01
    seed: int | None = None
    wheels: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def hot(context: Context, request: HotRequest, *, as_json: bool) -> int:
    """Profile, compile, prove, measure, tell. Raises errors of the family; DifferentError when the
    compiled program does something else.
    """
    context.home.prepare()
    found = subject(context, request.script, request.python)
    folder = request.out or Path("results") / f"hot-{found.script.stem}"
    results = HotFolder(path=folder.absolute())
    results.claim()
    with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
        draft = Path(scratch) / "draft"
        draft.mkdir()
        job = _Job(context=context, request=request, subject=found, results=results, draft=draft)
        document = job.go(Path(scratch))
    if as_json:
        print_json(document)
    else:
        report.show(document, stdout_console())
        context.show.say(f"Kept: {results.path}")
    return 0


@dataclass(frozen=True, kw_only=True)
class _Job:
    """`draft` is a folder of ours: `results` gets what is in it once all is there."""

    context: Context
    request: HotRequest
    subject: Subject
    results: HotFolder
    draft: Path

    def go(self, scratch: Path) -> dict[str, Any]:
        """The document of all that was found, kept in the results folder."""
        program = self._program()
        runner = self.context.runner
        programs = Programs(
            program,
            self.subject.python,
            runner,
            scratch,
            version=self.subject.version,
            timeout=self.request.timeout,
        )
        self.context.show.say(f"Running {self.subject.script.name} with {self.subject.told}.")
        reference = observe.observe(program, programs)
        self.results.claim()  # again: it may be where the program writes
        profile = self._profile(programs)
        modules = hotness.hot_modules(profile)
        wanted = hotness.chosen(profile, modules, self.request.modules)
        if not wanted:
            raise _nothing_hot(profile, modules)
        made, refused = Compiling(
            self.context, self.subject, scratch / "sources", self.request.wheels
        ).compile(wanted, strict=bool(self.request.modules))
        arm = {one.module.name: (one.file, one.module.file) for one in made}
        compiled = self._same(programs, reference, arm)
        given = self.request.seed
        seed = secrets.randbelow(2**32) if given is None else given
        count = self._count(reference.ran, compiled)
        blocks = self._measure(programs, reference, arm, random.Random(seed), count)
        measured = BenchmarkBlocks(benchmark=self.subject.script.name, blocks=blocks)
        compared = compare_blocks([measured], margin=self.request.margin)
        document = {
            "schema": SCHEMA,
            "program": [str(self.subject.script), *self.request.arguments],
            "interpreter": {"told": self.subject.told, "version": self.subject.version},
            "clock": self.request.clock,
            "seed": seed,
            "blocks": [{"base": one.base, "candidate": one.candidate} for one in blocks],
            "profile": hotness.as_json(profile, [*modules], _MOST_FUNCTIONS),
            "compiled": [self._kept(one, profile) for one in made],
            "refused": [{"module": name, "reason": reason} for name, reason in refused],
            "same": observe.proved(reference),
            **compared.as_json(),
            "warnings": [*compared.warnings, *reference.warnings],
        }
        return self._write(document)

    def _program(self) -> ProfiledCommand:
        stdin = self.request.stdin
        with guard_writes(stdin or self.draft):
            data = stdin.read_bytes() if stdin else b""
        return ProfiledCommand(
            script=self.subject.script,
            arguments=self.request.arguments,
            cwd=Path.cwd(),
            environment=self.request.environment,
            stdin=data,
            files=self.request.files,
            ignored=self.results.path,
        )

    # -- where it is hot ----------------------------------------------------------------------

    def _profile(self, programs: Programs) -> Profile:
        reports: list[Path] = []
        profile = hotness.read_profile(())
        with self.context.show.bar("profiling", _ENOUGH_SAMPLES) as bar:
            while len(reports) < _MOST_RUNS and profile.samples < _ENOUGH_SAMPLES:
                before = profile.samples
                reports.append(programs.run(SEED, interval=_INTERVAL).report)
                profile = hotness.read_profile(reports)
                bar.advance(profile.samples - before)
        if profile.samples < _FEW_SAMPLES:
            raise MeasureError(
                f"The program is too short to see what is hot in it: {profile.samples} samples in "
                f"{len(reports)} runs.",
                where=str(self.subject.script),
                hint="Give it more to do.",
            )
        self._keep(reports[-1], _PROFILE)
        return profile

    # -- compiled ---------------------------------------------------------------------------------

    def _same(self, programs: Programs, reference: Reference, arm: Arm) -> Ran:
        """Run it compiled. Raises DifferentError unless it does what it does as it is."""
        ran = programs.run(SEED, arm)
        observe.check(reference, ran, arm)
        return ran

    def _measure(
        self,
        programs: Programs,
        reference: Reference,
        arm: Arm,
        chance: random.Random,
        count: int,
    ) -> tuple[PairedBlock, ...]:
        """Blocks: one process of each arm, one after the other, in random order."""
        blocks = []
        with (
            interpreters.hold_host(self.context),
            self.context.show.bar("measuring", count) as bar,
        ):
            for number in range(count):
                hash_seed = chance.randrange(1, 2**32) if reference.any_seed else SEED
                spent = {}
                for which in chance.sample(("base", "candidate"), 2):
                    ran = programs.run(hash_seed, arm if which == "candidate" else {})
                    observe.check(reference, ran, arm if which == "candidate" else {})
                    spent[which] = self._seconds(ran)
                blocks.append(
                    PairedBlock(number=number, base=spent["base"], candidate=spent["candidate"])
                )
                bar.advance(note=f"{spent['candidate'] / spent['base']:.3f}")
        return tuple(blocks)

    def _count(self, base: Ran, compiled: Ran) -> int:
        """Fixed before the first block, so that nobody stops where it looks best."""
        if self.request.blocks is not None:
            return self.request.blocks
        wall = sum(one.cost.wall for one in (base, compiled) if one.cost)
        fitting = int(self.request.budget / max(wall, 0.001))
        return min(max(fitting, _LEAST_BLOCKS), _MOST_BLOCKS)

    def _seconds(self, ran: Ran) -> float:
        assert ran.cost is not None  # looked at by _check
        return ran.cost.cpu if self.request.clock == "cpu" else ran.cost.wall

    # -- what is kept -----------------------------------------------------------------------------

    def _kept(self, one: CompiledModule, profile: Profile) -> dict[str, Any]:
        """A module's lines, the hottest that call into the interpreter first; its page is kept."""
        # Its whole name: a module may be called main, as the script is but for the underscores.
        page = f"lines-{one.module.name}.html"
        if one.page is not None:
            self._keep(one.page, page)
        sampled = hotness.lines_of(profile, one.module.file)
        lines = [
            {
                "line": line.number,
                "score": line.score,
                "share": round(profile.share(sampled[line.number]), 4),
                "text": line.text,
            }
            for line in one.lines
            if line.score
        ]
        lines.sort(key=lambda line: (-float(str(line["share"])), -int(str(line["score"]))))
        return {
            "module": one.module.name,
            "file": str(one.module.file),
            "share": round(profile.share(one.module.samples), 4),
            "seconds": one.seconds,
            "page": page if one.page is not None else None,
            "lines": lines,
        }

    def _keep(self, file: Path, name: str) -> None:
        with guard_writes(self.draft):
            shutil.copyfile(file, self.draft / name)

    def _write(self, document: dict[str, Any]) -> dict[str, Any]:
        files = sorted([FILE, *(one.name for one in self.draft.iterdir())])
        places = {Path.cwd(): ".", self.context.home.root: "HOME"}
        told = {"kind": KIND, **document, "files": files}
        clean: dict[str, Any] = published(told, places)
        with guard_writes(self.draft):
            text = json.dumps(clean, indent=1, ensure_ascii=False) + "\n"
            (self.draft / FILE).write_text(text, encoding="utf-8")
        self.results.replace(self.draft)
        return clean


def _nothing_hot(profile: Profile, modules: Sequence[HotModule]) -> MeasureError:
    where = [
        f"{profile.share(one.samples):6.1%}  {one.name}: {one.refused or 'less than a tenth'}"
        for one in modules[:8]
    ]
    return MeasureError(
        "No module of the program's own has a tenth of its time.",
        where="\n".join(where) or "all samples fell into code that is no module's",
        hint="What is hot is not its own Python code; --modules compiles what you name all the "
        "same.",
    )
