"""The dry run: the plan and every command that carrying it out would start, on stdout.

Each command comes from the function that the run itself starts it by, asked in the run's own order:
what builds are made of (`Builder.commands`), what they are held to (`gate_selection`), what
environments and compiled code need, what a session calibrates and measures. What is stored already
starts nothing and is not shown. Names in capitals stand for what only exists in a run: SCRATCH for
its folders, TESTS-OF-... for the tests that a build has, VERSIONS-OF-... for what a pip chooses;
PROGRAM-OF-... stands for a program on the command line.
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
from bench.experiments import PlannedArm
from bench.host import read_host
from bench.measure import RunnableArm, choice
from bench.run import arms, base
from bench.run.fitting import Fitting
from bench.run.resolve import Resolved
from bench.run.timing import Lineup, Timing, lined_up
from bench.session import BenchmarkLineup
from bench.util import harmless
from builder.builds import Recipe, gate, installed_python
from builder.process import Command, clean_environment
from builder.versions import numbers

SCRATCH = Path("SCRATCH")
# Seconds of a value: what a benchmark makes is not known before it was run.
_VALUE = 0.02
_LONGEST = 200


def show(context: Context, resolved: Resolved) -> None:
    """Print the plan and the commands. Nothing is built, installed or measured."""
    plan = resolved.plan
    session = plan.experiment.session
    _line(f"experiment  {plan.experiment.name} ({plan.identity})")
    _line(f"suite       {plan.suite}: {', '.join(plan.benchmarks)}")
    for missing in resolved.selection.missing:
        _line(f"missing     {missing.benchmark}: {missing.reason}")
    budget = "none" if session.budget is None else f"{session.budget:.0f} s"
    until = "until all is decided" if session.until == "decided" else "whatever they show"
    _line(
        f"session     {session.blocks} blocks a benchmark at most, {until}, budget {budget}, "
        f"margin {session.margin:g}"
    )
    host = read_host()
    choices = choice.choices(plan.protocol, context.home, host, context.show.say)
    _line(f"protocols   {choices.origin}")
    drawn = "" if session.seed is not None else " in these commands; a run draws its own"
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
    _Shown(context=context, resolved=resolved, timing=timing).go()


def _line(text: str) -> None:
    sys.stdout.write(harmless(text) + "\n")


@dataclass(kw_only=True)
class _Shown:
    """One dry run. `seen`: what was shown is there when it is needed again."""

    context: Context
    resolved: Resolved
    timing: Timing
    seen: set[str] = field(default_factory=set)
    with_variables: str = ""

    def go(self) -> None:
        """Every stage, in the order of a run."""
        plan = self.resolved.plan
        usual = " ".join(f"{name}={value}" for name, value in clean_environment().items())
        _line(f"# every command: {usual}, and what is said before it")
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
        """Commands, and their variables where they are not those of the one before."""
        for command in commands:
            variables = _variables(command, self.context.pip_environment)
            if variables != self.with_variables:
                _line(f"# with {variables or 'nothing more'}")
                self.with_variables = variables
            _line(typed(command))

    def _once(self, commands: Iterable[Command]) -> None:
        """The commands that were not shown before: what they make is there then."""
        for command in commands:
            if command.shown() not in self.seen:
                self.seen.add(command.shown())
                self._commands([command])

    # -- builds and what they are held to ----------------------------------------------------

    def _build(self, arm: PlannedArm, replica: int) -> None:
        if arm.runtime is not None:
            if not replica:
                _line("")
                _line(f"# {arm.name}: {arm.title}, nothing is built: {arm.runtime.python}")
            return
        _line("")
        recipe = arm.recipes[replica]
        variant = f", {arm.variant}" if arm.variant else ""
        _line(f"# {arm.name}: {recipe.title}{variant}, build {recipe.key}")
        _line(f"# tree {recipe.tree} of commit {recipe.revision.commit}")
        for path in recipe.changed:
            _line(f"#   changes {path}")
        if recipe.replica or recipe.placebo:
            _line("# after configure, a layout is drawn: padding in C files, orders for the linker")
        repository = self.resolved.repositories[arm.name]
        commands = arms.builder(self.context).commands(recipe, repository)
        if not commands:
            _line(f"# stored already: {self._python(recipe)}")
        elif recipe.key in self.seen:
            _line("# the build above")
        else:
            self.seen.add(recipe.key)
            self._commands(commands)

    def _python(self, recipe: Recipe) -> Path:
        """Where a recipe's interpreter is or will be."""
        return installed_python(self.context.store.folder(recipe.key), recipe)

    def _gate(self, arm: PlannedArm, replica: int) -> None:
        """The tests of a candidate's build and of the base's; one that was tested is not again."""
        selection = arms.gate_selection(self.resolved.plan, arm, replica)
        if selection:
            _line("")
            _line(f"# {arm.name}: {selection} tests, on the base and on it")
            for one in (self.resolved.plan.base, arm):
                self._once(self._tests(one.recipes[replica], selection))

    def _tests(self, recipe: Recipe, selection: str) -> Iterator[Command]:
        gates, stored = arms.gate_of(self.context), self.context.store.find(recipe.key)
        if stored is None:
            names: tuple[str, ...] = (f"TESTS-OF-{selection}",)
        elif gates.has_result(stored.folder, selection):
            return
        else:
            names = gate.tests_of(stored, selection)
        yield gates.command(self._python(recipe), recipe.revision.version, names, scratch=SCRATCH)

    # -- environments and blocks -------------------------------------------------------------

    def _measuring(self) -> None:
        environments = self.timing.environments()
        _line("")
        _line("# environments: once for each build")
        lineups = [self._lineup(environments, number) for number in range(self._replicas)]
        _line("")
        _line("# what the benchmarks need")
        subjects = [
            one
            for benchmark in self.resolved.selection.benchmarks
            if (one := self._subject(environments, benchmark, lineups)) is not None
        ]
        _line("")
        _line("# may addresses be drawn here? (asked for this dry run as well)")
        self._commands([base.probe()])
        timing = self.timing
        rig = base.rig(self.context, SCRATCH, timeout=timing.timeout, host=timing.host.name)
        names = [arm.name for arm in self.resolved.plan.arms]
        session = timing.session(subjects, names, rig)
        _line("")
        _line("# in a run, PATCHBENCH_GATE names the pipes by which a process is let go on")
        _line("# loops of each benchmark for each kind of runtime")
        self._commands(session.calibrating_commands())
        _line("")
        _line("# one block of each benchmark (loops, warm-ups and values come from the above)")
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
        """What an arm runs, as it will be."""
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
        for one in missing:
            arm = f" for {one.arm}" if one.arm else ""
            _line(f"missing     {one.benchmark}{arm}: {one.reason}")
        return subject


def typed(command: Command) -> str:
    """A command as one would type it, a program in it by its length alone."""
    argv = tuple(
        f"PROGRAM-OF-{len(word.strip().splitlines())}-LINES" if "\n" in word else word
        for word in command.argv
    )
    return replace(command, argv=argv).shown()


def _variables(command: Command, hidden: Mapping[str, str]) -> str:
    """The environment of a command beside what every command has; `hidden` are the caller's own
    settings, which may hold passwords.
    """
    usual = clean_environment()
    return " ".join(
        f"{name}={'(yours)' if hidden.get(name) == value else _shortened(value)}"
        for name, value in command.env.items()
        if usual.get(name) != value
    )


def _shortened(value: str) -> str:
    return value if len(value) <= _LONGEST else f"({len(value)} characters)"
