"""The dry run: print the plan and every command that a run would start to stdout.

Each command comes from the function that the run itself uses, in the order of a run: builds
(`Builder.commands`), tests (`gate_selection`), environments, compiled code, calibration and blocks.
Results that are stored already need no command and are not shown. Names in capitals are
placeholders for values that only a run knows: SCRATCH for its folders, TESTS-OF-... for the tests
of a build, VERSIONS-OF-... for the versions that pip chooses; PROGRAM-OF-... is a placeholder for a
program on the command line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.benchmarks import (
    Benchmark,
    Environment,
    Environments,
    Interpreter,
    misfit,
    of_runtime,
)
from bench.context import Context
from bench.experiments import PlannedArm, SessionOptions
from bench.host import read_host
from bench.measure import RunnableArm, choice
from bench.planning import Fitting, Resolved
from bench.results import folder_of
from bench.run import arms, base, durations, estimate, requirements
from bench.run.timing import Lineup, Timing, lined_up
from bench.session import BenchmarkLineup
from bench.util import harmless
from builder.builds import NoTestsError, Recipe, installed_python
from builder.process import Command, clean_environment
from builder.versions import numbers

SCRATCH = Path("SCRATCH")
# Assumed seconds of one value: the real time is not known before the calibration.
_VALUE = 0.02
_LONGEST = 200


def print_plan(context: Context, resolved: Resolved) -> None:
    """Print the plan and the commands. Nothing is built, installed or measured."""
    plan = resolved.plan
    session = plan.experiment.session
    _line(f"experiment  {plan.experiment.name} ({plan.identity})")
    for commit in resolved.commits:
        _line(commit)
    _line(f"suite       {plan.suite}: {', '.join(plan.benchmarks)}")
    for missing in resolved.selection.missing:
        _line(f"missing     {missing.benchmark}: {missing.reason}")
    packages = requirements.package_source(context, plan.experiment.wheels)
    for line in requirements.check(context, resolved, packages).lines():
        _line(f"packages    {line}")
    for remark in resolved.remarks:
        _line(f"work tree   {remark}")
    _line(f"session     margin {session.margin:g}; {effort_text(session)}")
    host = read_host()
    choices = choice.choices(plan.protocol, context.home, host, context.show.say)
    _line(f"protocols   {choices.origin}")
    drawn = "" if session.seed is not None else " in these commands; a run draws its seed"
    _line(f"seed        {session.seed or 0}{drawn}")
    timing = Timing(
        context=context,
        resolved=resolved,
        choices=choices,
        host=host,
        seed=session.seed or 0,
        raw=Path("RESULTS") / "raw",
        places={},
    )
    _estimates(context, resolved, choices)
    _Shown(context=context, resolved=resolved, timing=timing).go()


def effort_text(session: SessionOptions) -> str:
    """How long it measures, in words: what ends it."""
    blocks = f"{session.blocks} blocks of each benchmark"
    decides = session.until == "decided"
    if session.budget is None:
        ends = (
            f"until every verdict is decided or {blocks} are done" if decides else f"all {blocks}"
        )
        return f"no budget: measures {ends}"
    spent = f"the budget of {estimate.duration(session.budget)} is spent"
    if decides:
        return f"measures until every verdict is decided, {blocks} are done, or {spent}"
    return f"measures {blocks}, or until {spent}"


def _estimates(context: Context, resolved: Resolved, choices: choice.Choices) -> None:
    """Print how long each stage will take, and where that is known from."""
    results = folder_of(None, resolved.plan).path.parent
    for stage, expected in durations.stages(context, resolved, choices.default, results):
        _line(f"time        {stage}: {expected}")


def _line(text: str) -> None:
    sys.stdout.write(harmless(text) + "\n")


@dataclass(kw_only=True)
class _Shown:
    """One dry run. `seen`: the commands and builds shown so far, which are not shown again."""

    context: Context
    resolved: Resolved
    timing: Timing
    seen: set[str] = field(default_factory=set)
    with_variables: str = ""

    def go(self) -> None:
        """Every stage, in the order of a run."""
        plan = self.resolved.plan
        usual = " ".join(f"{name}={value}" for name, value in clean_environment().items())
        _line(f"# environment of every command: {usual}, and the variables shown before it")
        for arm in plan.arms:
            self._build(arm, 0)
        for arm in plan.candidates:
            self._gate(arm, 0)
        for replica in range(1, plan.replicas):
            self._build(plan.base, replica)
            for arm in plan.candidates:
                self._build(arm, replica)
                self._gate(arm, replica)
        self._measuring()

    def _commands(self, commands: Iterable[Command]) -> None:
        """Print commands, and their variables where they differ from the previous command's."""
        for command in commands:
            variables = _variables(command, self.context.pip_environment)
            if variables != self.with_variables:
                _line(f"# with {variables or 'nothing more'}")
                self.with_variables = variables
            _line(typed(command))

    def _once(self, commands: Iterable[Command]) -> None:
        """Print the commands that were not shown before."""
        for command in commands:
            if command.shown() not in self.seen:
                self.seen.add(command.shown())
                self._commands([command])

    # -- builds and their tests --------------------------------------------------------------

    def _build(self, arm: PlannedArm, replica: int) -> None:
        if arm.runtime is not None:
            if not replica:
                _line("")
                _line(f"# {arm.name}: {arm.title}, not built here: {arm.runtime.python}")
            return
        _line("")
        recipe = arm.recipes[replica]
        variant = f", {arm.variant}" if arm.variant else ""
        _line(f"# {arm.name}: {recipe.title}{variant}, build {recipe.key}")
        _line(f"# tree {recipe.tree} of commit {recipe.revision.commit}")
        for series in self.resolved.patches.get(arm.name, ()):
            _line(f"#   {series.name}: {series.title}")
        for note in self.resolved.notes.get(arm.name, ()):
            _line(f"#   note: {note}")
        for path in recipe.changed:
            _line(f"#   changes {path}")
        if recipe.replica or recipe.placebo:
            _line("# after configure, a layout is drawn: padding in C files, orders for the linker")
        repository = self.resolved.repositories[arm.name]
        commands = arms.builder(self.context).commands(recipe, repository)
        if not commands:
            _line(f"# already in the store: {self._python(recipe)}")
        elif recipe.key in self.seen:
            _line("# same build as above")
        else:
            self.seen.add(recipe.key)
            self._commands(commands)

    def _python(self, recipe: Recipe) -> Path:
        """The path of a recipe's interpreter, whether it is built yet or not."""
        return installed_python(self.context.store.folder(recipe.key), recipe)

    def _gate(self, arm: PlannedArm, replica: int) -> None:
        """The tests of a candidate's build and of the base's, unless their result is stored."""
        selection = arms.gate_selection(self.resolved.plan, arm, replica)
        if selection:
            _line("")
            _line(f"# {arm.name}: {selection} tests, of the base and of this arm")
            for tested in (self.resolved.plan.base, arm):
                self._once(self._tests(tested.recipes[replica], selection))

    def _tests(self, recipe: Recipe, selection: str) -> Iterator[Command]:
        gates, stored = arms.gate_of(self.context), self.context.store.find(recipe.key)
        if stored is None:
            names: tuple[str, ...] = (f"TESTS-OF-{selection}",)
        elif gates.has_result(stored, selection):
            return
        else:
            try:
                names = gates.tests_of(stored, selection).names
            except NoTestsError as error:
                _line(f"# {error.what}")
                return
        yield gates.command(self._python(recipe), recipe.revision.version, names, scratch=SCRATCH)

    # -- environments and blocks -------------------------------------------------------------

    def _measuring(self) -> None:
        environments = self.timing.environments()
        _line("")
        _line("# one environment for each build")
        lineups = [self._lineup(environments, number) for number in range(self._replicas)]
        _line("")
        _line("# packages of the benchmarks, and compiled code")
        subjects = [
            subject
            for benchmark in self.resolved.selection.benchmarks
            if (subject := self._subject(environments, benchmark, lineups)) is not None
        ]
        _line("")
        _line("# check whether addresses may be chosen (the dry run starts this as well)")
        self._commands([base.probe()])
        timing = self.timing
        rig = base.rig(self.context, SCRATCH, timeout=timing.timeout, host=timing.host.name)
        names = [arm.name for arm in self.resolved.plan.arms]
        session = timing.session(subjects, names, rig)
        _line("")
        _line("# in a run, PATCHBENCH_GATE names the pipes that release each value of a process")
        _line("# calibration: the loops of each benchmark for each kind of runtime")
        self._commands(session.calibrating_commands())
        _line("")
        _line("# one block of each benchmark (calibration determines loops, warm-ups and values)")
        for number in range(self._replicas):
            for commands in session.commands(number, _VALUE):
                self._commands(commands)

    @property
    def _replicas(self) -> int:
        return self.resolved.plan.replicas

    def _lineup(self, environments: Environments, replica: int) -> Lineup:
        lineup = []
        for arm in self.resolved.plan.arms:
            interpreter = self._interpreter(arm, replica)
            self._once(environments.commands(interpreter))
            lineup.append((arm, environments.planned(interpreter)))
        return lineup

    def _interpreter(self, arm: PlannedArm, replica: int) -> Interpreter:
        """The interpreter of an arm, whether it is built yet or not."""
        if arm.runtime is not None:
            return of_runtime(arm.runtime)
        recipe = arm.recipes[replica]
        return Interpreter(
            identity=recipe.key,
            python=self._python(recipe),
            version=numbers(recipe.revision.version),
        )

    def _subject(
        self, environments: Environments, benchmark: Benchmark, lineups: list[Lineup]
    ) -> BenchmarkLineup | None:
        fitting = Fitting(self.context, self.timing.packages)
        installing: set[str] = set()

        def fit(planned: PlannedArm, environment: Environment, replica: int) -> RunnableArm | str:
            reason = misfit(benchmark, environment.interpreter.version)
            if reason:
                return reason
            kind = environment.interpreter.kind
            self._once(environments.fetch_commands(self.resolved.suite))
            self._once(
                environments.add_commands(environment, benchmark, follows=kind in installing)
            )
            installing.add(kind)
            arm, commands = fitting.planned(planned, environment, benchmark, replica)
            self._once(commands)
            return arm

        subject, missing = lined_up(benchmark, lineups, fit)
        for entry in missing:
            arm = f" for {entry.arm}" if entry.arm else ""
            _line(f"missing     {entry.benchmark}{arm}: {entry.reason}")
        return subject


def typed(command: Command) -> str:
    """A command as it can be typed, with a placeholder for a program of several lines."""
    argv = tuple(
        f"PROGRAM-OF-{len(word.strip().splitlines())}-LINES" if "\n" in word else word
        for word in command.argv
    )
    return replace(command, argv=argv).shown()


def _variables(command: Command, hidden: Mapping[str, str]) -> str:
    """The variables of a command that not every command has; `hidden` are the caller's own
    settings, whose values are not shown, since they may contain passwords.
    """
    usual = clean_environment()
    return " ".join(
        f"{name}={'(yours)' if hidden.get(name) == value else _shortened(value)}"
        for name, value in command.env.items()
        if usual.get(name) != value
    )


def _shortened(value: str) -> str:
    return value if len(value) <= _LONGEST else f"({len(value)} characters)"
