"""From a recipe to an installed interpreter: plan the steps purely, then run them.

Base and candidate differ in what their recipes say and in nothing else: both are exported to the
same path, configured with the same options and a prefix of the same length, in the same clean
environment, by the same compiler.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.builds import facts, layout, loop_flags
from builder.builds import regenerate as regen
from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.builds.store import Build, Stage, Store
from builder.errors import BuildError, ExperimentError, StoreError, ToolError
from builder.files import NO_SPACE, digest, guard_writes, hold_lock, sha256_of
from builder.git import Repository
from builder.home import Home
from builder.process import Command, Completed, Runner, clean_environment, last_lines, run_checked

# Debian's folder of compiler names that are ccache: first on PATH it leaves CC, and so everything
# that the build records of its compiler, as it is without ccache.
_CCACHE_NAMES = Path("/usr/lib/ccache")
# -Wmissing-profile, which gcc has on by default since version 9.
_NO_PROFILE = re.compile(r"ceval\w*\.gcda\W+profile count data file not found")
_STEP_TIMEOUT = 4 * 3600.0
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BuildStep:
    """One command of a build; its output goes to log/<name>.log."""

    name: str
    command: Command


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a tree's configure can do, read from the script itself."""

    optimizations: bool
    lto: bool
    ensurepip: bool
    # 2.7's configure says "Enable Link Time Optimization in PGO builds", and means it.
    lto_with_pgo_alone: bool = False

    @classmethod
    def of(cls, configure: str) -> Options:
        """The options of a configure script's text."""
        return cls(
            optimizations="--enable-optimizations" in configure,
            lto="--with-lto" in configure,
            ensurepip="--with-ensurepip" in configure or "--with(out)-ensurepip" in configure,
            lto_with_pgo_alone="Link Time Optimization in PGO builds" in configure,
        )


def identify_compiler(name: str, runner: Runner) -> CompilerIdentity:
    """Resolve a compiler's name and ask it who it is. Raises ToolError when it does not work."""
    environment = clean_environment()
    found = shutil.which(name, path=environment["PATH"])
    if found is None:
        raise ToolError(
            f"The compiler {name} is not on this machine.",
            where=f"PATH={environment['PATH']}",
            hint="Install it (`apt-get install gcc`), or name another with flavor.cc.",
        )
    path = Path(found).resolve()
    command = Command(argv=(str(path), "--version"), env=environment)
    hint = "Name a compiler that works with flavor.cc; `patchbench doctor` tries the usual one."
    said = run_checked(runner, command, timeout=20, hint=hint).strip()
    if not said:
        raise ToolError(f"{name} does not say which compiler it is.", where=found, hint=hint)
    return CompilerIdentity(
        path=found, version=said.splitlines()[0].strip(), sha256=sha256_of(path)
    )


def check_flavor(flavor: Flavor, configure: str, version: str) -> None:
    """Refuse, before anything is built, a flavor that this tree's configure does not know."""
    options = Options.of(configure)
    if flavor.lto and not options.lto:
        raise ExperimentError(
            f"configure of {version} has no --with-lto.",
            where="flavor.lto",
            hint="Leave LTO out for this revision, or give the compiler's options in "
            "flavor.cflags.",
        )


def configure_arguments(recipe: Recipe, prefix: Path, options: Options) -> tuple[str, ...]:
    """The arguments of configure: the same for every arm but for what the flavor says."""
    flavor = recipe.flavor
    arguments = [f"--prefix={prefix}", "--enable-option-checking=fatal"]
    if options.ensurepip:
        # Environments run the bundled pip from its wheel; installing it into each build is waste.
        arguments.append("--with-ensurepip=no")
    if flavor.pgo and options.optimizations:
        arguments.append("--enable-optimizations")
    if flavor.lto:
        arguments.append("--with-lto")
    if flavor.computed_gotos is not None:
        arguments.append(f"--with{'' if flavor.computed_gotos else 'out'}-computed-gotos")
    arguments.extend(flavor.configure)
    arguments.append(f"CC={flavor.cc}")
    if flavor.cflags:
        arguments.append(f"CFLAGS={flavor.cflags}")
    return tuple(arguments)


def environment(recipe: Recipe, home: Home) -> dict[str, str]:
    """The environment of every step."""
    base = clean_environment(
        HOME=str(home.work.parent), SOURCE_DATE_EPOCH=str(recipe.revision.epoch), TZ="UTC"
    )
    if uses_ccache(recipe.flavor):
        base["PATH"] = f"{_CCACHE_NAMES}:{base['PATH']}"
        base |= {"CCACHE_DIR": str(home.ccache), "CCACHE_MAXSIZE": "5G"}
    return base


def uses_ccache(flavor: Flavor) -> bool:
    """Whether the compiler cache serves a flavor: not for PGO, whose every profile is new."""
    return not flavor.pgo and (_CCACHE_NAMES / Path(flavor.cc).name).exists()


def steps(
    recipe: Recipe,
    *,
    home: Home,
    folder: Path,
    options: Options,
    regenerate: tuple[str, ...] = (),
    jobs: int = 1,
    locks: tuple[int, ...] = (),
) -> tuple[BuildStep, ...]:
    """The commands that build `recipe` into `folder`, in order. Pure."""
    tree = home.work
    env = environment(recipe, home)

    def step(name: str, *argv: str) -> BuildStep:
        command = Command(argv=argv, cwd=tree, env=env, keep_fds=locks)
        return BuildStep(name=name, command=command)

    arguments = configure_arguments(recipe, folder / "prefix", options)
    plan = [step("configure", "./configure", "--cache-file=config.cache", *arguments)]
    if regenerate:
        # The tree's own choice of a Python may not be on the machine; any of today's will do.
        plan.append(step("regenerate", "make", "PYTHON_FOR_REGEN=python3", *regenerate))
    target = ["profile-opt"] if recipe.flavor.pgo and not options.optimizations else []
    plan.append(step("make", "make", f"-j{jobs}", *target, *_lto_variables(recipe, options)))
    plan.append(step("install", "make", "install"))
    return tuple(plan)


def _lto_variables(recipe: Recipe, options: Options) -> tuple[str, ...]:
    """LTO without PGO for a tree that has it with PGO alone: what its Makefile adds there."""
    if not recipe.flavor.lto or recipe.flavor.pgo or not options.lto_with_pgo_alone:
        return ()
    flags = "-flto -fuse-linker-plugin -ffat-lto-objects -flto-partition=none -g"
    return f"EXTRA_CFLAGS={flags}", f"LDFLAGS={flags}"


def installed_python(folder: Path, recipe: Recipe) -> Path:
    """Where the interpreter of a recipe that is built into `folder` is or will be."""
    return folder / "prefix" / "bin" / f"python{recipe.revision.branch}"


def regenerate_targets(recipe: Recipe, repository: Repository) -> tuple[str, ...]:
    """The tree's own generators that the recipe's changes ask for."""
    return regen.targets(lambda path: repository.read(recipe.tree, path), recipe.changed)


def configure_key(recipe: Recipe, configure: bytes, options: Options) -> str:
    """The key of configure's cached answers: everything that could change one of them.

    Debian's package database stands for the installed headers and libraries.
    """
    status = Path("/var/lib/dpkg/status")
    return digest(
        {
            "configure": configure.hex(),
            "arguments": configure_arguments(recipe, Path(), options),
            "compiler": asdict(recipe.compiler),
            "packages": status.stat().st_mtime_ns if status.exists() else 0,
            "kernel": os.uname().release,
        }
    )


class Builder:
    """Provides builds: from the store, or by compiling them."""

    def __init__(
        self, *, home: Home, store: Store, runner: Runner, say: Say, jobs: int = 0
    ) -> None:
        self._home = home
        self._store = store
        self._runner = runner
        self._say = say
        self._jobs = jobs or len(os.sched_getaffinity(0))

    def provide(self, recipe: Recipe, repository: Repository) -> tuple[Build, bool]:
        """The build of a recipe; True when it was compiled now.

        Raises BuildError with the compiler's first error, or StoreError.
        """
        with guard_writes(self._home.root):
            self._home.prepare()
        return self._store.provide(
            recipe.key, lambda folder, held: self._build(recipe, repository, folder, held)
        )

    def commands(self, recipe: Recipe, repository: Repository) -> tuple[Command, ...]:
        """What `provide` would start now: nothing for a build that is stored."""
        if self._store.find(recipe.key) is not None:
            return ()
        folder = self._store.folder(recipe.key)
        steps = self._steps(recipe, repository, folder)
        asking = facts.asking(installed_python(folder, recipe), folder / "prefix")
        return (*(step.command for step in steps), asking)

    def _steps(
        self, recipe: Recipe, repository: Repository, folder: Path, locks: tuple[int, ...] = ()
    ) -> tuple[BuildStep, ...]:
        configure = repository.read(recipe.tree, "configure") or b""
        return steps(
            recipe,
            home=self._home,
            folder=folder,
            options=Options.of(configure.decode("utf-8", "replace")),
            regenerate=regenerate_targets(recipe, repository),
            jobs=self._jobs,
            locks=locks,
        )

    def _build(self, recipe: Recipe, repository: Repository, folder: Path, held: int) -> Build:
        say_waiting = _waiting(self._say)
        with (
            hold_lock(self._home.host_lock, shared=True, on_wait=say_waiting("timing")) as host,
            hold_lock(self._home.lock("work"), on_wait=say_waiting("building")) as work,
        ):
            return _Compilation(
                recipe=recipe,
                home=self._home,
                folder=folder,
                runner=self._runner,
                say=self._say,
                steps=self._steps(recipe, repository, folder, (held, host, work)),
            ).run(repository)


def _waiting(say: Say) -> Callable[[str], Callable[[str], None]]:
    return lambda doing: lambda _path: say(f"Another run is {doing} on this host; waiting for it.")


class _Compilation:
    """One build under way."""

    def __init__(
        self,
        *,
        recipe: Recipe,
        home: Home,
        folder: Path,
        runner: Runner,
        say: Say,
        steps: tuple[BuildStep, ...],
    ) -> None:
        self._recipe = recipe
        self._home = home
        self._folder = folder
        self._runner = runner
        self._say = say
        self._steps = steps
        self._stages: list[Stage] = []

    def run(self, repository: Repository) -> Build:
        began = time.monotonic()
        self._export(repository)
        self._stages.append(Stage(name="export", seconds=time.monotonic() - began))
        configure = (self._home.work / "configure").read_bytes()
        options = Options.of(configure.decode("utf-8", "replace"))
        cache = self._home.configure_caches / configure_key(self._recipe, configure, options)
        self._borrow(cache)
        regenerated: tuple[str, ...] = ()
        for step in self._steps:
            if step.name == "make":
                # After all that reads or writes sources by their content, and before the compiler.
                self._lay_out()
                loop_flags.apply(self._recipe.flavor.loop_cflags, self._home.work)
            if step.name == "regenerate":
                regenerated = self._regenerate(step)
            else:
                self._run(step)
            if step.name == "configure":
                self._lend(cache)
        self._check_profile()
        return self._finished(regenerated)

    def _export(self, repository: Repository) -> None:
        tree = self._home.work
        if tree.exists():
            shutil.rmtree(tree)
        tree.mkdir(parents=True)
        repository.export(self._recipe.tree, tree, self._recipe.revision.epoch)
        if not (tree / "configure").is_file():
            raise BuildError(
                "The tree has no configure script: it is not a CPython source tree.",
                where=self._recipe.title,
                hint="Check the source and the revision.",
            )
        regen.settle_times(tree, self._recipe.revision.epoch, self._recipe.changed)

    def _borrow(self, cache: Path) -> None:
        if cache.exists():
            shutil.copyfile(cache, self._home.work / "config.cache")

    def _lend(self, cache: Path) -> None:
        made = self._home.work / "config.cache"
        if made.exists() and not cache.exists():
            cache.parent.mkdir(parents=True, exist_ok=True)
            partial = cache.with_suffix(".partial")
            shutil.copyfile(made, partial)
            partial.replace(cache)

    def _lay_out(self) -> None:
        """Draw the layout of a replica or placebo, and keep what was drawn beside the logs."""
        recipe = self._recipe
        if not recipe.replica and not recipe.placebo:
            return
        makefile = (self._home.work / "Makefile").read_text(encoding="utf-8", errors="replace")
        drawn = layout.draw(makefile, replica=recipe.replica, placebo=recipe.placebo)
        layout.apply(drawn, self._home.work)
        log = self._folder / "log" / "layout.log"
        log.write_text(drawn.described(), encoding="utf-8")

    def _regenerate(self, step: BuildStep) -> tuple[str, ...]:
        before = regen.snapshot(self._home.work)
        self._run(step)
        changed = regen.generated(before, regen.snapshot(self._home.work))
        regen.refuse_lost(changed, self._recipe.changed, self._recipe.series)
        if changed:
            self._say(f"Generated again by the tree's own targets: {', '.join(changed)}")
        return changed

    def _run(self, step: BuildStep) -> None:
        self._say(f"{self._recipe.title}: {step.name}")
        log = self._folder / "log" / f"{step.name}.log"
        done = self._runner.run(step.command, log=log, timeout=_STEP_TIMEOUT)
        self._stages.append(Stage(name=step.name, seconds=done.seconds))
        if not done.ok:
            raise _failure(self._recipe, step, done, self._home.failures / self._recipe.key, log)

    def _check_profile(self) -> None:
        """PGO without a profile of the loop is no PGO, though gcc and make are content with it.

        What gcc says is asked, and not the files: 2.7's make removes them when it has used them.
        """
        if not self._recipe.flavor.pgo:
            return
        log = self._folder / "log" / "make.log"
        if _NO_PROFILE.search(log.read_text(encoding="utf-8", errors="replace")):
            raise BuildError(
                "The profile task left no profile of the evaluation loop: the build would be "
                "called PGO and not be it.",
                where=str(self._home.failures / self._recipe.key),
                hint="Read make.log there: the profile task failed, and this tree's make goes on.",
            )

    def _check_effect(self, read: facts.BuildFacts) -> None:
        """What was asked for must be in the binary, or its name would be a lie."""
        flavor = self._recipe.flavor
        for name, asked, found in (("PGO", flavor.pgo, read.pgo), ("LTO", flavor.lto, read.lto)):
            if asked and read.options and not found:
                raise BuildError(
                    f"{name} was asked for, and the evaluation loop was compiled without it.",
                    where=str(self._home.failures / self._recipe.key),
                    hint=f"Leave {name} out, or find out in make.log there why this tree's make "
                    "goes without it.",
                )

    def _finished(self, regenerated: tuple[str, ...]) -> Build:
        prefix = self._folder / "prefix"
        python = installed_python(self._folder, self._recipe)
        if not python.exists():
            raise BuildError(
                f"make install left no {python.name}.",
                where=str(self._home.failures / self._recipe.key),
                hint="Read install.log there.",
            )
        read = facts.read(python, prefix, self._runner)
        self._check_effect(read)
        return Build(
            key=self._recipe.key,
            title=self._recipe.title,
            folder=self._folder,
            python=python,
            facts=read,
            stages=tuple(self._stages),
            recipe=asdict(self._recipe),
            regenerated=regenerated,
        )


_ERROR_LINE = re.compile(
    r"^(?:\S+:\d+:(?:\d+:)? (?:fatal )?error: .*|.*undefined reference to .*|configure: error: .*)",
    re.MULTILINE,
)


def first_error(output: str) -> str:
    """The compiler's, linker's or configure's own first error, with the lines that explain it."""
    found = _ERROR_LINE.search(output)
    if found is None:
        return last_lines(output, 8)
    return "\n".join(output[found.start() :].splitlines()[:4])


def _failure(
    recipe: Recipe, step: BuildStep, done: Completed, kept: Path, log: Path
) -> BuildError | StoreError:
    whole = log.read_text(encoding="utf-8", errors="replace") if log.exists() else done.output
    if NO_SPACE in whole:
        return StoreError(
            f"{step.name} of {recipe.title} failed: no space left on the device.",
            where=str(log.parent.parent.parent),
            hint="Free some space (`patchbench gc`), or choose another disk with --home.",
        )
    return BuildError(
        f"{step.name} of {recipe.title} {done.how()}.",
        where=first_error(whole),
        hint=f"The whole log: {kept / log.name}",
    )
