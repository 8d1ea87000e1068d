"""hot: compile the hot modules of a user's program, check that it does the same, and measure it."""

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
from bench.jobs.hot import analysis, observe, report
from bench.jobs.hot.analysis import HotModule, Profile
from bench.jobs.hot.compile import CompiledModule, ModuleCompiler
from bench.jobs.hot.folder import FILE, KIND, HotFolder
from bench.jobs.hot.observe import SEED, Arm, Reference
from bench.jobs.hot.profile import ProfiledCommand, ProgramRun, ProgramRunner
from bench.jobs.hot.program import Program, find_program
from bench.run import base as interpreters
from bench.util import print_json, published, stdout_console
from builder.errors import MeasureError
from builder.files import guard_writes

SCHEMA = 1
_PROFILE = "profile.json"
# Kernels sample CPU time at most once per tick, which is 1 to 10 ms.
_INTERVAL = 0.001
_ENOUGH_SAMPLES = 250
_FEW_SAMPLES = 20
_MOST_RUNS = 10
_LEAST_BLOCKS, _MOST_BLOCKS = 5, 40
_MOST_FUNCTIONS = 15


@dataclass(frozen=True, kw_only=True)
class HotRequest:
    """The options of a run. `budget` is for measuring, `timeout` for one run, in seconds. Without
    `blocks`, as many as the budget has room for. The program has the caller's `environment`.
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
    """Profile, compile, check, measure and report a program. Raises errors of the family;
    DifferentError if the compiled program behaves differently.
    """
    context.home.prepare()
    program = find_program(context, request.script, request.python)
    folder = request.out or Path("results") / f"hot-{program.script.stem}"
    results = HotFolder(path=folder.absolute())
    results.claim()
    with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
        draft = Path(scratch) / "draft"
        draft.mkdir()
        job = _Job(context=context, request=request, program=program, results=results, draft=draft)
        document = job.go(Path(scratch))
    if as_json:
        print_json(document)
    else:
        report.show(document, stdout_console())
        context.show.say(f"Results: {results.path}")
    return 0


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One run of the command. Writes to `draft`, which replaces `results` when complete."""

    context: Context
    request: HotRequest
    program: Program
    results: HotFolder
    draft: Path

    def go(self, scratch: Path) -> dict[str, Any]:
        """Run all steps and write the results folder; the document of hot.json."""
        command = self._command()
        runner = self.context.runner
        programs = ProgramRunner(
            command,
            self.program.python,
            runner,
            scratch,
            version=self.program.version,
            timeout=self.request.timeout,
        )
        self.context.show.say(
            f"Running {self.program.script.name} with {self.program.description}."
        )
        reference = observe.observe(command, programs)
        self.results.claim()  # again: the program may write into it
        profile = self._profile(programs)
        modules = analysis.hot_modules(profile)
        chosen = analysis.chosen(profile, modules, self.request.modules)
        if not chosen:
            raise _nothing_hot(profile, modules)
        compiled_modules, refused = ModuleCompiler(
            self.context, self.program, scratch / "sources", self.request.wheels
        ).compile(chosen, strict=bool(self.request.modules))
        arm = {built.module.name: (built.file, built.module.file) for built in compiled_modules}
        compiled = self._check(programs, reference, arm)
        asked_seed = self.request.seed
        seed = secrets.randbelow(2**32) if asked_seed is None else asked_seed
        count = self._count(reference.ran, compiled)
        blocks = self._measure(programs, reference, arm, random.Random(seed), count)
        measured = BenchmarkBlocks(benchmark=self.program.script.name, blocks=blocks)
        compared = compare_blocks([measured], margin=self.request.margin)
        document = {
            "schema": SCHEMA,
            "program": [str(self.program.script), *self.request.arguments],
            "interpreter": {"told": self.program.description, "version": self.program.version},
            "clock": self.request.clock,
            "seed": seed,
            "blocks": [{"base": block.base, "candidate": block.candidate} for block in blocks],
            "profile": analysis.as_json(profile, [*modules], _MOST_FUNCTIONS),
            "compiled": [self._module_json(built, profile) for built in compiled_modules],
            "refused": [{"module": name, "reason": reason} for name, reason in refused],
            "same": observe.common_output(reference),
            **compared.as_json(),
            "warnings": [*compared.warnings, *reference.warnings],
        }
        return self._write(document)

    def _command(self) -> ProfiledCommand:
        stdin = self.request.stdin
        with guard_writes(stdin or self.draft):
            data = stdin.read_bytes() if stdin else b""
        return ProfiledCommand(
            script=self.program.script,
            arguments=self.request.arguments,
            cwd=Path.cwd(),
            environment=self.request.environment,
            stdin=data,
            files=self.request.files,
            ignored=self.results.path,
        )

    # -- the profile --------------------------------------------------------------------------

    def _profile(self, programs: ProgramRunner) -> Profile:
        reports: list[Path] = []
        profile = analysis.read_profile(())
        with self.context.show.bar("profiling", _ENOUGH_SAMPLES) as bar:
            while len(reports) < _MOST_RUNS and profile.samples < _ENOUGH_SAMPLES:
                before = profile.samples
                reports.append(programs.run(SEED, interval=_INTERVAL).report)
                profile = analysis.read_profile(reports)
                bar.advance(profile.samples - before)
        if profile.samples < _FEW_SAMPLES:
            raise MeasureError(
                f"The program is too short for a profile: {profile.samples} samples in "
                f"{len(reports)} runs.",
                where=str(self.program.script),
                hint="Give it more work.",
            )
        self._save(reports[-1], _PROFILE)
        return profile

    # -- checks and measurement -------------------------------------------------------------------

    def _check(self, programs: ProgramRunner, reference: Reference, arm: Arm) -> ProgramRun:
        """Run it compiled once. Raises DifferentError unless it does the same as uncompiled."""
        ran = programs.run(SEED, arm)
        observe.check(reference, ran, arm)
        return ran

    def _measure(
        self,
        programs: ProgramRunner,
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

    def _count(self, base: ProgramRun, compiled: ProgramRun) -> int:
        """The number of blocks, fixed before the first one: the result cannot influence it."""
        if self.request.blocks is not None:
            return self.request.blocks
        wall = sum(run.cost.wall for run in (base, compiled) if run.cost)
        fitting = int(self.request.budget / max(wall, 0.001))
        return min(max(fitting, _LEAST_BLOCKS), _MOST_BLOCKS)

    def _seconds(self, ran: ProgramRun) -> float:
        assert ran.cost is not None  # checked by observe.check
        return ran.cost.cpu if self.request.clock == "cpu" else ran.cost.wall

    # -- results ----------------------------------------------------------------------------------

    def _module_json(self, built: CompiledModule, profile: Profile) -> dict[str, Any]:
        """A module with its lines that call into the interpreter, hottest first. Saves its page."""
        # The full name: another module may be called main, and the script is __main__.
        page = f"lines-{built.module.name}.html"
        if built.page is not None:
            self._save(built.page, page)
        sampled = analysis.lines_of(profile, built.module.file)
        lines = [
            {
                "line": line.number,
                "score": line.score,
                "share": round(profile.share(sampled[line.number]), 4),
                "text": line.text,
            }
            for line in built.lines
            if line.score
        ]
        lines.sort(key=lambda line: (-float(str(line["share"])), -int(str(line["score"]))))
        return {
            "module": built.module.name,
            "file": str(built.module.file),
            "share": round(profile.share(built.module.samples), 4),
            "seconds": built.seconds,
            "page": page if built.page is not None else None,
            "lines": lines,
        }

    def _save(self, file: Path, name: str) -> None:
        with guard_writes(self.draft):
            shutil.copyfile(file, self.draft / name)

    def _write(self, document: dict[str, Any]) -> dict[str, Any]:
        files = sorted([FILE, *(path.name for path in self.draft.iterdir())])
        replacements = {Path.cwd(): ".", self.context.home.root: "HOME"}
        complete = {"kind": KIND, **document, "files": files}
        clean: dict[str, Any] = published(complete, replacements)
        with guard_writes(self.draft):
            text = json.dumps(clean, indent=1, ensure_ascii=False) + "\n"
            (self.draft / FILE).write_text(text, encoding="utf-8")
        self.results.replace(self.draft)
        return clean


def _nothing_hot(profile: Profile, modules: Sequence[HotModule]) -> MeasureError:
    where = [
        f"{profile.share(module.samples):6.1%}  {module.name}: "
        f"{module.refused or 'less than a tenth'}"
        for module in modules[:8]
    ]
    return MeasureError(
        "None of the program's own modules has a tenth of its time.",
        where="\n".join(where) or "all samples are in code without a module",
        hint="Its time is not spent in its own Python code; --modules compiles in any case.",
    )
