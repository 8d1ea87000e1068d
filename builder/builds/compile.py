"""Compiling recipes: the steps are planned by pure functions, then executed.

Base and candidate differ only in what their recipes contain: both are exported to the same path,
configured with the same options and a prefix of the same length, in the same clean environment,
by the same compiler.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.builds import facts, layout, loop_flags, make_watch, past_builds, unbuilt
from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.builds.store import Build, Stage, Store
from builder.builds.unbuilt import UnbuiltChange
from builder.errors import BuildError, ExperimentError, StoreError, ToolError
from builder.files import NO_SPACE, digest, guard_writes, sha256_of
from builder.generators import Requirement, forgotten, requirement
from builder.generators import regenerate as regeneration
from builder.git import Repository
from builder.home import Home
from builder.locks import LockOrder
from builder.process import Command, Completed, Runner, clean_environment, last_lines, run_checked
from builder.toolchain import (
    ToolIdentity,
    ToolRequest,
    as_mapping,
    choose,
    is_program,
    jit_version,
)

# Debian's folder in which the names of compilers are links to ccache. With it first on PATH, CC and
# therefore all that the build records about its compiler is the same as without ccache.
_CCACHE_NAMES = Path("/usr/lib/ccache")
# The text of -Wmissing-profile, which gcc enables by default since version 9.
_NO_PROFILE = re.compile(r"ceval\w*\.gcda\W+profile count data file not found")
_STEP_TIMEOUT = 4 * 3600.0
_IN_HOME = "builds in the same home"
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BuildStep:
    """One command of a build; its output is written to log/<name>.log."""

    name: str
    command: Command


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options that a tree's configure script supports, read from the script."""

    optimizations: bool
    lto: bool
    ensurepip: bool
    lto_modes: bool = False
    bolt: bool = False
    # 2.7's configure enables LTO in PGO builds only.
    lto_with_pgo_alone: bool = False

    @classmethod
    def of(cls, configure: str) -> Options:
        """Parse the text of a configure script."""
        return cls(
            optimizations="--enable-optimizations" in configure,
            lto="--with-lto" in configure,
            lto_modes="--with-lto=[" in configure,
            bolt="--enable-bolt" in configure,
            ensurepip="--with-ensurepip" in configure or "--with(out)-ensurepip" in configure,
            lto_with_pgo_alone="Link Time Optimization in PGO builds" in configure,
        )


def _package_of(compiler: str) -> str:
    """The package of a compiler: clang-19 and gcc-11 are packages of these names."""
    name = Path(compiler).name
    return name if re.fullmatch(r"(gcc|clang)(-\d+)?", name) else "gcc"


def identify_compiler(name: str, runner: Runner) -> CompilerIdentity:
    """Find a compiler on PATH and read its version. Raises ToolError if it does not work."""
    environment = clean_environment()
    program = shutil.which(name, path=environment["PATH"])
    if program is None:
        raise ToolError(
            f"The compiler {name} is not on this machine.",
            where=f"PATH={environment['PATH']}",
            hint=f"Install it (`apt-get install {_package_of(name)}`), or name another compiler "
            "with flavor.cc.",
        )
    path = Path(program).resolve()
    command = Command(argv=(str(path), "--version"), env=environment)
    hint = "Name a working compiler with flavor.cc; `patchbench doctor` tests the usual one."
    output = run_checked(runner, command, timeout=20, hint=hint).strip()
    if not output:
        raise ToolError(f"{name} --version printed nothing.", where=program, hint=hint)
    return CompilerIdentity(
        path=program, version=output.splitlines()[0].strip(), sha256=sha256_of(path)
    )


def identify_tools(
    flavor: Flavor, compiler: CompilerIdentity, stencils: str, runner: Runner
) -> tuple[ToolIdentity, ...]:
    """The programs beside the compiler that a flavor uses. `stencils`: the text of the tree's
    Tools/jit/_llvm.py, "" without one. Raises ToolError for a missing one.
    """
    variables = as_mapping(flavor.variables)
    build = as_mapping(flavor.build_environment)
    linking = [value for name, value in variables.items() if name.startswith("LDFLAGS")]
    request = ToolRequest(
        compiler=compiler.path,
        version=compiler.version,
        flags=" ".join([flavor.cflags, *linking]),
        pgo=flavor.pgo,
        lto=flavor.lto,
        bolt=flavor.uses_bolt,
        stencils=jit_version(stencils, build) if flavor.makes_stencils else "",
        variables=variables,
    )
    return choose(request, runner)


def check_flavor(flavor: Flavor, configure: str, version: str) -> None:
    """Raise ExperimentError, before anything is built, if configure does not support a flavor."""
    options = Options.of(configure)
    _check_run_environment(flavor)
    if flavor.lto and not options.lto:
        raise ExperimentError(
            f"configure of {version} has no --with-lto.",
            where="flavor.lto",
            hint="Leave LTO out for this revision, or pass the compiler's options in "
            "flavor.cflags.",
        )
    if flavor.lto_mode and not options.lto_modes:
        raise ExperimentError(
            f"configure of {version} knows no kinds of LTO.",
            where="flavor.lto",
            hint="Use lto = true for this revision: 3.11 is the first with lto = "
            f'"{flavor.lto_mode}".',
        )
    if flavor.bolt and not options.bolt:
        raise ExperimentError(
            f"configure of {version} has no --enable-bolt.",
            where="flavor.bolt",
            hint="Leave BOLT out for this revision: 3.12 is the first with it.",
        )


def _check_run_environment(flavor: Flavor) -> None:
    """Raise ExperimentError for variables without which, or with which, nothing could run."""
    run = as_mapping(flavor.run_environment)
    has_jit = any(option.startswith("--enable-experimental-jit") for option in flavor.configure)
    if run.get("PYTHON_JIT", "0")[:1] not in ("", "0") and not has_jit:
        raise ExperimentError(
            "PYTHON_JIT has no effect: the build has no JIT.",
            where="flavor.environment.run",
            hint='Build it with one: configure = ["--enable-experimental-jit=yes-off"].',
        )
    if run.get("PYTHON_GIL") == "0" and "--disable-gil" not in flavor.configure:
        raise ExperimentError(
            "PYTHON_GIL=0 ends the interpreter at its start: the build has the GIL.",
            where="flavor.environment.run",
            hint='Build it without: configure = ["--disable-gil"].',
        )


def check_compiler(flavor: Flavor, compiler: CompilerIdentity) -> None:
    """Raise ExperimentError for a flavor that the compiler cannot build."""
    if flavor.lto_mode == "thin" and "clang version" not in compiler.version:
        raise ExperimentError(
            f"{flavor.cc} has no thin LTO ({compiler.version}).",
            where="flavor.lto",
            hint='Use lto = true, or clang with flavor.cc: cc = "clang".',
        )


def configure_arguments(recipe: Recipe, prefix: Path, options: Options) -> tuple[str, ...]:
    """The arguments of configure: the same for every arm, except for the flavor."""
    flavor = recipe.flavor
    arguments = [f"--prefix={prefix}", "--enable-option-checking=fatal"]
    if options.ensurepip:
        # Environments run the bundled pip from its wheel, so it need not be installed here.
        arguments.append("--with-ensurepip=no")
    if flavor.pgo and options.optimizations:
        arguments.append("--enable-optimizations")
    if flavor.lto:
        arguments.append(f"--with-lto={flavor.lto_mode}" if flavor.lto_mode else "--with-lto")
    if flavor.bolt:
        arguments.append("--enable-bolt")
    if flavor.computed_gotos is not None:
        arguments.append(f"--with{'' if flavor.computed_gotos else 'out'}-computed-gotos")
    arguments.extend(flavor.configure)
    arguments.append(f"CC={flavor.cc}")
    if flavor.cflags:
        arguments.append(f"CFLAGS={flavor.cflags}")
    arguments.extend(f"{name}={value}" for name, value in _variables(recipe, prefix).items())
    return tuple(arguments)


def _variables(recipe: Recipe, prefix: Path) -> dict[str, str]:
    """The variables of configure: those of the flavor, the tools, and where a library is found."""
    variables = as_mapping(recipe.flavor.variables)
    # As absolute paths: configure ignores the mere name of a program.
    programs = {tool.role: tool.path for tool in recipe.tools if is_program(tool.role)}
    variables |= programs
    if recipe.flavor.shared:
        flags = [variables.get("LDFLAGS", ""), *_run_path(prefix)]
        variables["LDFLAGS"] = " ".join(filter(None, flags))
    return variables


def _run_path(prefix: Path) -> tuple[str, ...]:
    """The linker's options by which an interpreter finds its own library, which LD_LIBRARY_PATH
    of the build (and no other process) overrides.

    With prefixes of one length, binaries have one length as well.
    """
    return ("-Wl,--enable-new-dtags", f"-Wl,-rpath,{prefix}/lib")


def environment(recipe: Recipe, home: Home) -> dict[str, str]:
    """The environment variables of every step."""
    base = clean_environment(
        HOME=str(home.work.parent), SOURCE_DATE_EPOCH=str(recipe.revision.epoch), TZ="UTC"
    )
    if uses_ccache(recipe.flavor):
        base["PATH"] = f"{_CCACHE_NAMES}:{base['PATH']}"
        base |= {"CCACHE_DIR": str(home.ccache), "CCACHE_MAXSIZE": "5G"}
    return base | as_mapping(recipe.flavor.build_environment)


def uses_ccache(flavor: Flavor) -> bool:
    """Whether ccache is used for a flavor: not for PGO, since every profile is new."""
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
    """The commands that build `recipe` into `folder`, in order. Pure.

    `regenerate` are Makefile targets that generate files again; children inherit `locks`.
    """
    tree = home.work
    env = environment(recipe, home)

    def step(name: str, *argv: str) -> BuildStep:
        command = Command(argv=argv, cwd=tree, env=env, keep_fds=locks)
        return BuildStep(name=name, command=command)

    arguments = configure_arguments(recipe, folder / "prefix", options)
    plan = [step("configure", "./configure", "--cache-file=config.cache", *arguments)]
    if regenerate:
        plan.append(step("regenerate", *regeneration.command(regenerate)))
    goal = ["profile-opt"] if recipe.flavor.pgo and not options.optimizations else []
    plan.append(
        step(
            "make", "make", f"-j{jobs}", *goal, *_lto_variables(recipe, options, folder / "prefix")
        )
    )
    plan.append(step("install", "make", "install"))
    return tuple(plan)


def _lto_variables(recipe: Recipe, options: Options, prefix: Path) -> tuple[str, ...]:
    """Make variables for LTO without PGO in a tree that supports LTO with PGO only."""
    if not recipe.flavor.lto or recipe.flavor.pgo or not options.lto_with_pgo_alone:
        return ()
    flags = "-flto -fuse-linker-plugin -ffat-lto-objects -flto-partition=none -g"
    linking = _variables(recipe, prefix).get("LDFLAGS", "")
    return f"EXTRA_CFLAGS={flags}", f"LDFLAGS={flags} {linking}".rstrip()


def installed_python(folder: Path, recipe: Recipe) -> Path:
    """The path of a recipe's interpreter when it is built into `folder`; it need not exist."""
    return folder / "prefix" / "bin" / f"python{recipe.revision.branch}"


def required_generators(recipe: Recipe, repository: Repository) -> Requirement:
    """The tree's generators that the changes of a recipe require.

    Raises PatchError, before anything is built, if one is required that cannot run here.
    """
    return requirement(
        lambda path: repository.read(recipe.tree, path),
        lambda path: repository.read(recipe.revision.commit, path),
        recipe.changed,
        ", ".join(recipe.series),
    )


def _is_current(build: Build, required: Requirement) -> bool:
    """Whether a stored build was made with all generators that its change requires.

    Older builds may lack the effect of a change: fewer generators were known when they were made,
    and what was built from the changed files was not recorded.
    """
    return build.unbuilt is not None or not required.targets


# A range of upstream's commits has more files, and was generated by upstream.
_MOST_FILES = 200


def forgotten_outputs(recipe: Recipe, base: Recipe, repository: Repository) -> tuple[str, ...]:
    """Doubts about a revision that changes inputs of generators, and no output, against a base's.

    Empty if the revisions differ in more files than a branch of one's own.
    """
    new, old = recipe.revision.commit, base.revision.commit
    if new == old or not repository.has_commit(old):
        return ()
    changed = [one.path for one in repository.changes(repository.tree(old), repository.tree(new))]
    if len(changed) > _MOST_FILES:
        return ()
    return forgotten(
        lambda path: repository.read(new, path), lambda path: repository.read(old, path), changed
    )


def configure_key(recipe: Recipe, configure: bytes, options: Options, prefix: Path = Path()) -> str:
    """The key of configure's cache: a hash of everything that could change its results.

    The prefix is among its arguments where it is part of linker options, in which configure accepts
    no change. The time of Debian's package database represents the installed headers and libraries.
    """
    status = Path("/var/lib/dpkg/status")
    build, shared = recipe.flavor.build_environment, recipe.flavor.shared
    return digest(
        {
            "configure": configure.hex(),
            "arguments": configure_arguments(recipe, prefix if shared else Path(), options),
            "compiler": asdict(recipe.compiler),
            **({"environment": build} if build else {}),
            "packages": status.stat().st_mtime_ns if status.exists() else 0,
            "kernel": os.uname().release,
        }
    )


class Builder:
    """Provides builds from the store, or compiles them."""

    def __init__(
        self,
        *,
        home: Home,
        store: Store,
        runner: Runner,
        say: Say,
        jobs: int = 0,
        watch: make_watch.Watch = make_watch.nobody,
    ) -> None:
        self._home = home
        self._store = store
        self._runner = runner
        self._say = say
        self._watch = watch
        self._jobs = jobs or len(os.sched_getaffinity(0))

    def provide(self, recipe: Recipe, repository: Repository) -> tuple[Build, bool]:
        """The build of a recipe, and whether it was compiled now.

        Raises BuildError with the compiler's first error, or StoreError.
        """
        recipe = recipe.as_built  # of the arms that share a build, none is named in it
        with guard_writes(self._home.root):
            self._home.prepare()
        required = required_generators(recipe, repository)
        return self._store.provide(
            recipe.key,
            lambda folder, lock_fd: self._build(recipe, repository, required, folder, lock_fd),
            lambda build: _is_current(build, required),
        )

    def commands(self, recipe: Recipe, repository: Repository) -> tuple[Command, ...]:
        """The commands that `provide` would start now; none for a build in the store."""
        stored = self._store.find(recipe.key)
        required = required_generators(recipe, repository)
        if stored is not None and _is_current(stored, required):
            return ()
        folder = self._store.folder(recipe.key)
        steps = self._steps(recipe, repository, required, folder)
        query = facts.query_command(installed_python(folder, recipe), folder / "prefix")
        return (*(step.command for step in steps), query)

    def _steps(
        self,
        recipe: Recipe,
        repository: Repository,
        required: Requirement,
        folder: Path,
        locks: tuple[int, ...] = (),
    ) -> tuple[BuildStep, ...]:
        configure = repository.read(recipe.tree, "configure") or b""
        return steps(
            recipe,
            home=self._home,
            folder=folder,
            options=Options.of(configure.decode("utf-8", "replace")),
            regenerate=required.targets,
            jobs=self._jobs,
            locks=locks,
        )

    def _build(
        self,
        recipe: Recipe,
        repository: Repository,
        required: Requirement,
        folder: Path,
        lock_fd: int,
    ) -> Build:
        home, queue = self._home, self._home.queue
        with (
            # The host last: while waiting for another build of this home, timings may go on.
            queue.hold(
                home.lock("work"), order=LockOrder.WORK, doing=_IN_HOME, say=self._say
            ) as work,
            queue.hold(
                home.host_lock, order=LockOrder.HOST, doing="builds", say=self._say, shared=True
            ) as host,
        ):
            return _Compilation(
                recipe=recipe,
                home=home,
                folder=folder,
                runner=self._runner,
                say=self._say,
                watch=self._watch,
                steps=self._steps(recipe, repository, required, folder, (lock_fd, work, host)),
                required=required,
            ).run(repository)


class _Compilation:
    """The execution of one build."""

    def __init__(
        self,
        *,
        recipe: Recipe,
        home: Home,
        folder: Path,
        runner: Runner,
        say: Say,
        watch: make_watch.Watch,
        steps: tuple[BuildStep, ...],
        required: Requirement,
    ) -> None:
        self._recipe = recipe
        self._home = home
        self._folder = folder
        self._runner = runner
        self._say = say
        self._watch = watch
        self._steps = steps
        self._required = required
        self._stages: list[Stage] = []

    def run(self, repository: Repository) -> Build:
        began = time.monotonic()
        self._export(repository)
        self._stages.append(Stage(name="export", seconds=time.monotonic() - began))
        configure = (self._home.work / "configure").read_bytes()
        options = Options.of(configure.decode("utf-8", "replace"))
        cache = self._home.configure_caches / configure_key(
            self._recipe, configure, options, self._folder / "prefix"
        )
        self._restore_cache(cache)
        regenerated: tuple[str, ...] = ()
        for step in self._steps:
            if step.name == "make":
                # After every step that reads or generates sources, before the compiler runs.
                self._apply_layout()
                loop_flags.apply(self._recipe.flavor.loop_cflags, self._home.work)
            if step.name == "regenerate":
                regenerated = self._regenerate(step, repository)
            else:
                self._run(step)
            if step.name == "configure":
                self._save_cache(cache)
        self._check_profile()
        return self._result(regenerated)

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
        regeneration.set_file_times(tree, self._recipe.revision.epoch, self._recipe.changed)

    def _restore_cache(self, cache: Path) -> None:
        if cache.exists():
            shutil.copyfile(cache, self._home.work / "config.cache")

    def _save_cache(self, cache: Path) -> None:
        source = self._home.work / "config.cache"
        if source.exists() and not cache.exists():
            cache.parent.mkdir(parents=True, exist_ok=True)
            partial = cache.with_suffix(".partial")
            shutil.copyfile(source, partial)
            partial.replace(cache)

    def _apply_layout(self) -> None:
        """Draw and apply the layout of a replica or placebo, and write it to the logs."""
        recipe = self._recipe
        if not recipe.replica and not recipe.placebo:
            return
        makefile = (self._home.work / "Makefile").read_text(encoding="utf-8", errors="replace")
        drawn = layout.draw(makefile, replica=recipe.replica, placebo=recipe.placebo)
        layout.apply(drawn, self._home.work)
        log = self._folder / "log" / "layout.log"
        log.write_text(drawn.as_text(), encoding="utf-8")

    def _regenerate(self, step: BuildStep, repository: Repository) -> tuple[str, ...]:
        """Run the tree's generators; the files that they changed."""
        tree, recipe, required = self._home.work, self._recipe, self._required
        before = regeneration.snapshot(tree)
        regeneration.outdate(tree, required.targets, recipe.revision.epoch)
        failed = False
        try:
            self._run(step)
        except BuildError as error:
            regeneration.accept_failure(required, recipe.changed, error)
            failed = True
        regeneration.remove_products(tree, before)
        changed = regeneration.changed_files(before, regeneration.snapshot(tree))
        if failed:
            regeneration.restore(
                tree,
                changed,
                lambda path: repository.read(recipe.tree, path),
                required,
                recipe.changed,
            )
            changed = ()
        regeneration.refuse_lost_changes(changed, recipe.changed, recipe.series)
        regeneration.refuse_stale_modules(tree, required.targets, recipe.series)
        self._say(regeneration.summary(required, changed, failed=failed))
        return changed

    def _run(self, step: BuildStep) -> None:
        self._say(f"{self._recipe.title}: {step.name}")
        log = self._folder / "log" / f"{step.name}.log"
        if step.name == past_builds.MAKE:
            result = self._make(step, log)
        else:
            result = self._runner.run(step.command, log=log, timeout=_STEP_TIMEOUT)
        self._stages.append(Stage(name=step.name, seconds=result.seconds))
        if not result.ok:
            raise _failure(self._recipe, step, result, self._home.failures / self._recipe.key, log)

    def _make(self, step: BuildStep, log: Path) -> Completed:
        """Run make, and show how far it is."""
        like = past_builds.like(past_builds.past_builds(self._home), self._recipe)
        expected = make_watch.expected(like[0] if like else None)
        with self._watch(f"{self._recipe.title}: make", expected) as report:
            reader = make_watch.Reader(report)
            result = self._runner.run(
                step.command, log=log, timeout=_STEP_TIMEOUT, on_line=reader.line
            )
        if result.ok:
            past_builds.keep_stages(self._folder, reader.seconds())
        return result

    def _check_profile(self) -> None:
        """Raise BuildError if PGO had no profile of the evaluation loop, which gcc and make accept.

        gcc's warning is checked, not the profile files: 2.7's make removes them after use.
        """
        if not self._recipe.flavor.pgo:
            return
        log = self._folder / "log" / "make.log"
        if _NO_PROFILE.search(log.read_text(encoding="utf-8", errors="replace")):
            raise BuildError(
                "The profile task left no profile of the evaluation loop: the loop would be "
                "compiled without PGO.",
                where=str(self._home.failures / self._recipe.key),
                hint="Read make.log there: the profile task failed and make ignored that.",
            )

    def _check_effect(self, built: facts.BuildFacts) -> None:
        """Raise BuildError if PGO or LTO of the flavor is not in effect in the binary."""
        flavor = self._recipe.flavor
        pairs = (("PGO", flavor.pgo, built.pgo), ("LTO", flavor.lto, built.lto))
        for name, requested, in_effect in pairs:
            if requested and in_effect is False:
                raise BuildError(
                    f"{name} was requested, but the evaluation loop was compiled without it.",
                    where=str(self._home.failures / self._recipe.key),
                    hint=f"Leave {name} out, or find out from make.log there why this tree's make "
                    "does not use it.",
                )

    def _result(self, regenerated: tuple[str, ...]) -> Build:
        prefix = self._folder / "prefix"
        python = installed_python(self._folder, self._recipe)
        if not python.exists():
            raise BuildError(
                f"make install did not install {python.name}.",
                where=str(self._home.failures / self._recipe.key),
                hint="Read install.log there.",
            )
        built = facts.read(python, prefix, self._runner)
        self._check_effect(built)
        without_effect = self._unbuilt(regenerated)
        return Build(
            key=self._recipe.key,
            title=self._recipe.title,
            folder=self._folder,
            python=python,
            facts=built,
            stages=tuple(self._stages),
            recipe=asdict(self._recipe),
            regenerated=regenerated,
            unbuilt=without_effect,
        )

    def _unbuilt(self, regenerated: tuple[str, ...]) -> tuple[UnbuiltChange, ...]:
        """The changed files from which nothing was built, which are told."""
        recipe = self._recipe
        changes = unbuilt.changes(
            unbuilt.Evidence(
                tree=self._home.work,
                prefix=self._folder / "prefix",
                logs=self._folder / "log",
            ),
            recipe.changed,
            required=self._required,
            regenerated=regenerated,
            trained=recipe.flavor.pgo,
        )
        for line in unbuilt.summary(changes):
            self._say(f"{recipe.title}: {line}")
        return changes


_ERROR_LINE = re.compile(
    r"^(?:\S+:\d+:(?:\d+:)? (?:fatal )?error: .*|.*undefined reference to .*|configure: error: .*)",
    re.MULTILINE,
)


def first_error(output: str) -> str:
    """The first error of the compiler, linker or configure, with the next three lines."""
    match = _ERROR_LINE.search(output)
    if match is None:
        return last_lines(output, 8)
    return "\n".join(output[match.start() :].splitlines()[:4])


def _failure(
    recipe: Recipe, step: BuildStep, result: Completed, saved_logs: Path, log: Path
) -> BuildError | StoreError:
    output = log.read_text(encoding="utf-8", errors="replace") if log.exists() else result.output
    if NO_SPACE in output:
        return StoreError(
            f"{step.name} of {recipe.title} failed: no space left on the device.",
            where=str(log.parent.parent.parent),
            hint="Free some space (`patchbench gc`), or choose another disk with --home.",
        )
    return BuildError(
        f"{step.name} of {recipe.title} {result.how()}.",
        where=first_error(output),
        hint=f"The whole log: {saved_logs / log.name}",
    )
