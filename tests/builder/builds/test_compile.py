"""Builds of the fake CPython: real git, configure, make, gcc and store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from builder.builds import facts
from builder.builds.compile import (
    Builder,
    Options,
    check_compiler,
    check_flavor,
    configure_arguments,
    configure_key,
    first_error,
    forgotten_outputs,
    identify_compiler,
    identify_tools,
    steps,
)
from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.builds.store import STAMP, Build, Store
from builder.errors import BuildError, ExperimentError, PatchError, StoreError, ToolError
from builder.home import Home
from builder.process import Command, Completed, SystemRunner
from builder.sources.revision import Revision
from builder.toolchain import ToolIdentity
from tests import fake
from tests.fake.repository import commit_tree

RUNNER = SystemRunner()


class Workshop:
    """A home, and a repository with the fake CPython in it."""

    def __init__(self, folder: Path, edit: Callable[[Path], object] = lambda _tree: None) -> None:
        self.home = Home(root=folder / "home", host_lock=folder / "host.lock")
        self.said: list[str] = []
        self.store = Store(self.home, self.said.append)
        tree = fake.write_tree(folder / "tree")
        edit(tree)
        self.repository, commit = commit_tree(folder / "fake.git", tree)
        self.revision = Revision(
            source="git",
            name="main",
            commit=commit,
            version="3.13.5",
            epoch=self.repository.epoch(commit),
        )
        self.builder = Builder(
            home=self.home, store=self.store, runner=RUNNER, say=self.said.append, jobs=1
        )

    def recipe(self, *patches: bytes, flavor: Flavor | None = None) -> Recipe:
        tree = base = self.repository.tree(self.revision.commit)
        for patch in patches:
            tree = self.repository.apply(tree, patch)
        changed = tuple(change.path for change in self.repository.changes(base, tree))
        return Recipe(
            revision=self.revision,
            tree=tree,
            changed=changed,
            flavor=flavor or Flavor(),
            compiler=identify_compiler("gcc", RUNNER),
        )


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_a_build_and_its_facts(workshop: Workshop) -> None:
    build, made = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert made
    assert build.python.is_file()
    assert build.facts.version == "3.13.5"
    assert build.facts.computed_gotos
    assert build.facts.indirect_jumps >= 1
    assert build.facts.eval_function == "_PyEval_EvalFrameDefault"
    assert "--prefix=PREFIX" in build.facts.configure_arguments
    assert [stage.name for stage in build.stages] == ["export", "configure", "make", "install"]
    assert {path.name for path in build.logs.iterdir()} == {
        "configure.log",
        "make.log",
        "make-stages.json",
        "install.log",
    }


def test_a_second_request_is_answered_from_the_store(workshop: Workshop) -> None:
    first, _ = workshop.builder.provide(workshop.recipe(), workshop.repository)
    second, made = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert not made
    assert second == first
    assert workshop.store.all() == (first,)


def test_flavors_are_seen_in_the_binary(workshop: Workshop) -> None:
    flavor = Flavor(pgo=True, lto=True, computed_gotos=False)
    build, _ = workshop.builder.provide(workshop.recipe(flavor=flavor), workshop.repository)
    assert build.facts.pgo, build.facts.options
    assert build.facts.lto
    assert not build.facts.computed_gotos


def test_a_build_whose_profile_task_failed_is_no_pgo(tmp_path: Path) -> None:
    """The fake has no profile at all, and gcc is let say so."""

    def tell(tree: Path) -> None:
        script = tree / "configure"
        told = script.read_text().replace("-fprofile-use -Wno-missing-profile", "-fprofile-use")
        script.write_text(told)

    workshop = Workshop(tmp_path, tell)
    recipe = workshop.recipe(flavor=Flavor(pgo=True))
    with pytest.raises(BuildError, match="no profile of the evaluation loop") as caught:
        workshop.builder.provide(recipe, workshop.repository)
    assert (Path(caught.value.where) / "make.log").exists()
    assert workshop.store.all() == ()


def test_flags_of_the_loop_are_seen_in_the_binary(workshop: Workshop) -> None:
    flavor = Flavor(loop_cflags="-fno-gcse")
    build, _ = workshop.builder.provide(workshop.recipe(flavor=flavor), workshop.repository)
    assert "-fno-gcse" in build.facts.options
    base, _ = workshop.builder.provide(workshop.recipe(), workshop.repository)
    found = facts.differences(base.facts, build.facts, flavors_differ=True, changed=())
    assert "options of the evaluation loop" in {one.fact for one in found}
    assert "sysconfig CFLAGS" not in {one.fact for one in found}


def test_what_differs_between_two_builds(workshop: Workshop) -> None:
    base, _ = workshop.builder.provide(workshop.recipe(), workshop.repository)
    patched = workshop.recipe(fake.speed_patch(1.1))
    same, _ = workshop.builder.provide(patched, workshop.repository)
    # The speed is data: not one instruction differs.
    assert facts.same_machine_code(base.facts, same.facts)
    assert not facts.differences(
        base.facts, same.facts, flavors_differ=False, changed=patched.changed
    )
    gotos = workshop.recipe(flavor=Flavor(computed_gotos=False))
    other, _ = workshop.builder.provide(gotos, workshop.repository)
    assert not facts.same_machine_code(base.facts, other.facts)
    found = facts.differences(base.facts, other.facts, flavors_differ=True, changed=())
    assert "computed gotos in effect" in {one.fact for one in found}
    assert all(one.asked for one in found)
    unasked = facts.differences(base.facts, other.facts, flavors_differ=False, changed=())
    assert "sysconfig CONFIG_ARGS" in {one.fact for one in unasked if not one.asked}


def test_a_compiler_that_fails_shows_its_own_first_error(workshop: Workshop) -> None:
    broken = fake.loop_patch('const char *speed = "1.0"', "int speed(")
    with pytest.raises(BuildError) as caught:
        workshop.builder.provide(workshop.recipe(broken), workshop.repository)
    assert "make of 3.13.5 plain" in caught.value.what
    assert "Python/ceval.c:" in caught.value.where
    assert "error:" in caught.value.where
    log = Path(caught.value.hint.rsplit(" ", 1)[-1])
    assert "error:" in log.read_text()
    assert workshop.store.all() == ()
    assert not workshop.store.leftovers()


def test_configure_that_refuses_an_option(workshop: Workshop) -> None:
    recipe = workshop.recipe(flavor=Flavor(configure=("--with-nonsense",)))
    with pytest.raises(BuildError, match=r"configure of 3\.13\.5") as caught:
        workshop.builder.provide(recipe, workshop.repository)
    assert caught.value.where == "configure: error: unrecognized options: --with-nonsense"


def test_generators_run_where_their_input_changed(workshop: Workshop) -> None:
    patch = fake.replacing("Python/bytecodes.c", "case BINARY_OP: break;", "case FAST: break;")
    build, _ = workshop.builder.provide(workshop.recipe(patch), workshop.repository)
    assert build.regenerated == ("Python/generated_cases.c.h",)


def test_a_build_from_before_its_generators_were_known_is_built_again(workshop: Workshop) -> None:
    patch = fake.replacing("Python/bytecodes.c", "case BINARY_OP: break;", "case FAST: break;")
    recipes = workshop.recipe(patch), workshop.recipe()
    for recipe in recipes:
        build, _ = workshop.builder.provide(recipe, workshop.repository)
        stamp = build.folder / STAMP
        content = json.loads(stamp.read_text())
        del content["unbuilt"]
        stamp.write_text(json.dumps(content))
    assert [bool(workshop.builder.commands(one, workshop.repository)) for one in recipes] == [
        True,
        False,
    ]
    made = [workshop.builder.provide(recipe, workshop.repository)[1] for recipe in recipes]
    assert made == [True, False]
    assert workshop.builder.commands(recipes[0], workshop.repository) == ()


def test_what_would_be_started_is_what_is_started(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Command] = []
    run = SystemRunner.run

    def recorded(runner: SystemRunner, command: Command, **named: Any) -> Completed:
        started.append(command)
        return run(runner, command, **named)

    monkeypatch.setattr(SystemRunner, "run", recorded)
    patch = fake.replacing("Python/bytecodes.c", "case BINARY_OP: break;", "case FAST: break;")
    recipe = workshop.recipe(patch)
    planned = workshop.builder.commands(recipe, workshop.repository)
    started.clear()
    workshop.builder.provide(recipe, workshop.repository)
    assert [(one.shown(), one.env) for one in started] == [
        (one.shown(), one.env) for one in planned
    ]
    assert any("regen-cases" in one.argv for one in planned)
    assert workshop.builder.commands(recipe, workshop.repository) == ()


def test_a_patch_that_the_generators_undo_is_refused(workshop: Workshop) -> None:
    lost = fake.replacing(
        "Python/generated_cases.c.h", "generated case BINARY_OP: break;", "case MINE: break;"
    )
    source = fake.replacing("Python/bytecodes.c", "case BINARY_OP: break;", "case FAST: break;")
    with pytest.raises(PatchError, match="would be lost"):
        workshop.builder.provide(workshop.recipe(source, lost), workshop.repository)
    assert workshop.store.all() == ()


FAST = fake.replacing("Python/bytecodes.c", "case BINARY_OP: break;", "case FAST: break;")
OWN_OUTPUT = fake.replacing(
    "Python/generated_cases.c.h", "generated case BINARY_OP: break;", "generated case FAST: break;"
)


def new_file(path: str, line: str = "x") -> bytes:
    return (
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        f"@@ -0,0 +1 @@\n+{line}\n"
    ).encode()


def unable(tree: Path) -> None:
    """Generators that change a file and fail."""
    makefile = tree / "Makefile.pre.in"
    text = makefile.read_text().replace(
        "regen-cases:\n", "regen-cases:\n\techo > branch\n\tfalse\n"
    )
    makefile.write_text(text)


def test_a_generator_that_fails_says_what_its_author_has_to_run(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, unable)
    with pytest.raises(BuildError, match=r"regenerate of .*bytecodes\.c.*cannot be") as caught:
        workshop.builder.provide(workshop.recipe(FAST), workshop.repository)
    assert "`make regen-cases`" in caught.value.hint
    assert "regenerate.log" in caught.value.hint
    assert workshop.store.all() == ()


def test_a_patch_that_brings_the_output_needs_no_generator(tmp_path: Path) -> None:
    """What the failed generator has changed is undone: the build needs the file."""
    workshop = Workshop(tmp_path, unable)
    build, _ = workshop.builder.provide(workshop.recipe(FAST, OWN_OUTPUT), workshop.repository)
    assert build.regenerated == ()
    assert build.unbuilt is not None
    # The fake's loop does not include it.
    assert [change.path for change in build.unbuilt] == ["Python/generated_cases.c.h"]
    assert any("is not known" in text for text in workshop.said)


def test_a_patch_that_generating_confirms(workshop: Workshop) -> None:
    build, _ = workshop.builder.provide(workshop.recipe(FAST, OWN_OUTPUT), workshop.repository)
    assert build.regenerated == ()
    assert any("Python/bytecodes.c: nothing changed" in text for text in workshop.said)


def test_an_input_of_configure_alone_is_refused_before_anything_starts(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, lambda tree: (tree / "configure.ac").write_text("old\n"))
    patch = (
        b"diff --git a/configure.ac b/configure.ac\n--- a/configure.ac\n+++ b/configure.ac\n"
        b"@@ -1 +1 @@\n-old\n+AC_CHECK_FUNCS([foo])\n"
    )
    recipe = workshop.recipe(patch)
    with pytest.raises(PatchError, match=r"configure\.ac and not what is generated"):
        workshop.builder.commands(recipe, workshop.repository)
    with pytest.raises(PatchError, match="would have no effect"):
        workshop.builder.provide(recipe, workshop.repository)
    assert not any("configure" in text for text in workshop.said)


def test_changed_files_from_which_nothing_was_built(workshop: Workshop) -> None:
    paths = ("Modules/_tkinter.c", "PC/winreg.c", "Doc/x.rst", "Lib/extra.py", "Include/unused.h")
    recipe = workshop.recipe(fake.speed_patch(1.1), *map(new_file, paths))
    build, _ = workshop.builder.provide(recipe, workshop.repository)
    assert build.unbuilt is not None
    assert {change.path: change.kind for change in build.unbuilt} == {
        "Doc/x.rst": "documentation",
        "Include/unused.h": "header",
        "Modules/_tkinter.c": "module",
        "PC/winreg.c": "Windows",
    }
    [told] = [text for text in workshop.said if "nothing that was built" in text]
    assert "Modules/_tkinter.c (of the module _tkinter, not built here)" in told
    assert workshop.store.find(recipe.key) == build
    unchanged, _ = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert unchanged.unbuilt == ()


def test_builds_from_before_that_was_recorded_are_read(workshop: Workshop) -> None:
    build, _ = workshop.builder.provide(workshop.recipe(), workshop.repository)
    stamp = build.folder / "build.json"
    data = json.loads(stamp.read_text())
    del data["unbuilt"]
    stamp.write_text(json.dumps(data))
    again, made = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert not made
    assert again.unbuilt is None


@pytest.mark.parametrize(
    ("patches", "expected"),
    [
        ([FAST], "Python/bytecodes.c differs"),
        ([FAST, OWN_OUTPUT], ""),
        ([fake.speed_patch(1.1)], ""),
        ([], ""),
    ],
)
def test_a_revision_without_what_its_generators_would_generate(
    workshop: Workshop, tmp_path: Path, patches: list[bytes], expected: str
) -> None:
    base = workshop.recipe()
    tree = workshop.recipe(*patches).tree
    (tmp_path / "other").mkdir()
    workshop.repository.export(tree, tmp_path / "other", 1)
    repository, commit = commit_tree(tmp_path / "fake.git", tmp_path / "other")
    recipe = replace(base, revision=replace(base.revision, commit=commit))
    doubts = forgotten_outputs(recipe, base, repository)
    assert len(doubts) == bool(expected)
    assert all(expected in doubt and "`make regen-cases`" in doubt for doubt in doubts)


def test_a_damaged_build_is_told_of_and_made_again(workshop: Workshop) -> None:
    build, _ = workshop.builder.provide(workshop.recipe(), workshop.repository)
    build.python.write_bytes(b"damaged")
    again, made = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert made
    assert again.key == build.key
    assert any("damaged" in text for text in workshop.said)
    stamp = build.folder / "build.json"
    stamp.write_text(stamp.read_text()[:100])
    _, made = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert made


def test_a_half_made_build_is_no_build(workshop: Workshop) -> None:
    half = workshop.store.folder(workshop.recipe().key)
    (half / "prefix").mkdir(parents=True)
    assert workshop.store.leftovers() == (half,)
    _, made = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert made


def test_removing(workshop: Workshop) -> None:
    build, _ = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert workshop.store.remove(build.key)
    assert workshop.store.find(build.key) is None
    assert not build.folder.exists()


def test_the_stamp_holds_the_recipe(workshop: Workshop) -> None:
    build, _ = workshop.builder.provide(workshop.recipe(), workshop.repository)
    stamp = json.loads((build.folder / "build.json").read_text())
    assert stamp["recipe"]["revision"]["commit"] == workshop.revision.commit
    assert stamp["recipe"]["tree"] == workshop.recipe().tree


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "lock")
    with pytest.raises(StoreError, match="home cannot be used") as caught:
        home.prepare()
    assert "--home" in caught.value.hint


def test_a_tree_that_is_not_cpython(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "README").write_text("hello")
    repository, commit = commit_tree(tmp_path / "other.git", tmp_path / "other")
    recipe = replace(workshop.recipe(), tree=repository.tree(commit))
    with pytest.raises(BuildError, match="no configure script"):
        workshop.builder.provide(recipe, repository)


def test_arguments_of_configure(workshop: Workshop) -> None:
    options = Options(optimizations=True, lto=True, ensurepip=False)
    flavor = Flavor(pgo=True, lto=True, computed_gotos=False, cflags="-O2", configure=("--x=1",))
    assert configure_arguments(workshop.recipe(flavor=flavor), Path("/p"), options) == (
        "--prefix=/p",
        "--enable-option-checking=fatal",
        "--enable-optimizations",
        "--with-lto",
        "--without-computed-gotos",
        "--x=1",
        "CC=gcc",
        "CFLAGS=-O2",
    )


def test_arguments_of_a_flavor_with_tools_and_variables(workshop: Workshop) -> None:
    options = Options(optimizations=True, lto=True, ensurepip=False)
    tools = (
        ToolIdentity(role="LLVM_AR", path="/usr/bin/llvm-ar-19", version="19", sha256="s"),
        ToolIdentity(role="linker", path="/usr/bin/ld", version="2.40", sha256="s"),
    )
    flavor = Flavor(
        lto=True,
        lto_mode="thin",
        bolt=True,
        cc="clang-19",
        configure=("--enable-shared",),
        variables=("LDFLAGS=-Wl,-z,now", "LLVM_AR=llvm-ar-19", "PROFILE_TASK=-m this"),
    )
    recipe = replace(workshop.recipe(flavor=flavor), tools=tools)
    assert configure_arguments(recipe, Path("/p"), options)[2:] == (
        "--with-lto=thin",
        "--enable-bolt",
        "--enable-shared",
        "CC=clang-19",
        "LDFLAGS=-Wl,-z,now -Wl,--enable-new-dtags -Wl,-rpath,/p/lib",
        "LLVM_AR=/usr/bin/llvm-ar-19",
        "PROFILE_TASK=-m this",
    )


def test_the_environment_of_a_build_is_that_of_each_step(
    workshop: Workshop, tmp_path: Path
) -> None:
    flavor = Flavor(build_environment=("PYTHON_JIT=0",), run_environment=("PYTHON_JIT=1",))
    options = Options(optimizations=True, lto=True, ensurepip=True)
    plain, with_variable = (
        steps(workshop.recipe(flavor=one), home=workshop.home, folder=tmp_path, options=options)
        for one in (Flavor(), flavor)
    )
    for ours, theirs in zip(with_variable, plain, strict=True):
        assert ours.command.env == {**theirs.command.env, "PYTHON_JIT": "0"}


def test_the_cache_of_configure_is_not_shared_with_another_run_path(workshop: Workshop) -> None:
    """configure refuses a cache whose LDFLAGS had another prefix."""
    options = Options(optimizations=True, lto=True, ensurepip=True)

    def key(flavor: Flavor, prefix: str) -> str:
        return configure_key(workshop.recipe(flavor=flavor), b"", options, Path(prefix))

    shared = Flavor(configure=("--enable-shared",))
    assert key(shared, "/a") != key(shared, "/b")
    assert key(Flavor(), "/a") == key(Flavor(), "/b")
    assert key(Flavor(build_environment=("A=1",)), "/a") != key(Flavor(), "/a")


def test_arms_that_differ_in_their_run_environment_share_a_build(workshop: Workshop) -> None:
    on = workshop.recipe(flavor=Flavor(run_environment=("PYTHON_JIT=0",)))
    first, _made = workshop.builder.provide(on, workshop.repository)
    second, made = workshop.builder.provide(workshop.recipe(), workshop.repository)
    assert not made
    assert first == second
    assert "PYTHON_JIT" not in second.title + json.dumps(second.recipe)


@pytest.mark.parametrize(
    ("flavor", "configure", "problem"),
    [
        ({"lto": True, "lto_mode": "thin"}, "--with-lto", "no kinds of LTO"),
        ({"bolt": True}, "--with-lto=[full|thin]", "no --enable-bolt"),
        ({"run_environment": ("PYTHON_JIT=1",)}, "", "PYTHON_JIT has no effect"),
        ({"run_environment": ("PYTHON_GIL=0",)}, "", "PYTHON_GIL=0 ends the interpreter"),
    ],
)
def test_what_a_tree_or_build_does_not_have_is_refused(
    flavor: dict[str, Any], configure: str, problem: str
) -> None:
    with pytest.raises(ExperimentError, match=problem):
        check_flavor(Flavor(**flavor), configure, "3.13.5")


@pytest.mark.parametrize(
    "flavor",
    [
        {"run_environment": ("PYTHON_JIT=0", "PYTHON_GIL=1")},
        {
            "configure": ("--enable-experimental-jit=yes-off", "--disable-gil"),
            "run_environment": ("PYTHON_JIT=1", "PYTHON_GIL=0"),
        },
        {"lto": True, "lto_mode": "thin", "bolt": True},
    ],
)
def test_what_a_tree_and_build_have_is_accepted(flavor: dict[str, Any]) -> None:
    check_flavor(Flavor(**flavor), "--with-lto=[full|thin|no|yes] --enable-bolt", "3.14.0")


def test_thin_lto_needs_clang() -> None:
    gcc = CompilerIdentity(path="/usr/bin/gcc", version="gcc 12.2.0", sha256="s")
    flavor = Flavor(lto=True, lto_mode="thin")
    with pytest.raises(ExperimentError, match="gcc has no thin LTO"):
        check_compiler(flavor, gcc)
    check_compiler(flavor, replace(gcc, version="Debian clang version 19.1.7"))


def test_tools_of_a_flavor_without_any(workshop: Workshop) -> None:
    for flavor in (Flavor(), Flavor(pgo=True, lto=True, configure=("--enable-shared",))):
        compiler = identify_compiler("gcc", RUNNER)
        assert identify_tools(flavor, compiler, "_LLVM_VERSION = 18", RUNNER) == ()
    jit = Flavor(configure=("--enable-experimental-jit",))
    with pytest.raises(ToolError, match="JIT of this revision needs clang of LLVM 99"):
        identify_tools(jit, compiler, "_LLVM_VERSION = 99\n", RUNNER)


def test_an_old_tree_is_profiled_by_its_own_target(workshop: Workshop, tmp_path: Path) -> None:
    """2.7.10's configure knows no --enable-optimizations; its Makefile has profile-opt."""
    recipe = workshop.recipe(flavor=Flavor(pgo=True))
    old = Options(optimizations=False, lto=False, ensurepip=True)
    plan = {
        step.name: step.command.argv
        for step in steps(recipe, home=workshop.home, folder=tmp_path, options=old, jobs=2)
    }
    assert plan["make"] == ("make", "-j2", "profile-opt")
    assert "--enable-optimizations" not in plan["configure"]


def test_lto_without_pgo_where_configure_has_it_with_pgo_alone(
    workshop: Workshop, tmp_path: Path
) -> None:
    """2.7's --with-lto does nothing without --enable-optimizations."""
    old = Options.of(
        "--enable-optimizations --with-lto Enable Link Time Optimization in PGO builds"
    )
    new = Options.of("--enable-optimizations --with-lto enable Link-Time-Optimization in any build")

    def made(options: Options, **flavor: bool) -> tuple[str, ...]:
        recipe = workshop.recipe(flavor=Flavor(**flavor))
        plan = steps(recipe, home=workshop.home, folder=tmp_path, options=options, jobs=2)
        return next(step.command.argv for step in plan if step.name == "make")

    variables = made(old, lto=True)[2:]
    assert [one.partition("=")[0] for one in variables] == ["EXTRA_CFLAGS", "LDFLAGS"]
    assert all("-flto" in one for one in variables)
    for argv in (made(new, lto=True), made(old, lto=True, pgo=True), made(old, pgo=True)):
        assert argv == ("make", "-j2")


def test_a_flavor_that_is_not_in_effect_is_refused(tmp_path: Path) -> None:
    def ignore(tree: Path) -> None:
        script = tree / "configure"
        script.write_text(script.read_text().replace('flags="$flags -flto"', "true"))

    workshop = Workshop(tmp_path, ignore)
    with pytest.raises(BuildError, match="LTO was requested"):
        workshop.builder.provide(workshop.recipe(flavor=Flavor(lto=True)), workshop.repository)
    assert workshop.store.all() == ()


def test_a_flavor_that_the_tree_does_not_know_is_refused_before_building() -> None:
    check_flavor(Flavor(pgo=True), "", "2.7.10")  # make profile-opt serves
    with pytest.raises(ExperimentError, match="no --with-lto"):
        check_flavor(Flavor(lto=True), "--enable-optimizations", "2.7.10")


@pytest.mark.parametrize(
    ("name", "package"), [("clang-99", "clang-99"), ("gcc-99", "gcc-99"), ("no-such", "gcc")]
)
def test_a_missing_compiler_is_named_with_its_package(name: str, package: str) -> None:
    with pytest.raises(ToolError) as caught:
        identify_compiler(name, RUNNER)
    assert f"apt-get install {package}`" in caught.value.hint


def test_a_compiler_that_is_not_there() -> None:
    with pytest.raises(ToolError, match="no-such-gcc"):
        identify_compiler("no-such-gcc", RUNNER)


def test_the_first_error_of_a_log() -> None:
    log = "cc -c a.c\na.c:3:5: error: x\n 3 | y\n   ^\nmore\na.c:9:1: error: z\nmake: *** [a.o]\n"
    assert first_error(log) == "a.c:3:5: error: x\n 3 | y\n   ^\nmore"
    assert first_error("ld: a.o: undefined reference to `f'") != ""
    assert first_error("one\ntwo\n") == "one\ntwo"


def laid_out(build: Build) -> list[str]:
    """The functions of the fake's own sources, in the order of their addresses."""
    with build.python.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = {one["st_value"]: one.name for one in table.iter_symbols()}
    names = [found[address] for address in sorted(found)]
    return [name for name in names if name.startswith(("_PyEval_E", "PyErr_", "PyObject_"))]


def distance(build: Build) -> int:
    """From the loop to a function of a file that is linked before it."""
    with build.python.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        (loop,) = table.get_symbol_by_name("_PyEval_EvalFrameDefault")
        (other,) = table.get_symbol_by_name("PyObject_Size")
    return int(other["st_value"] - loop["st_value"])


def test_replicas_differ_in_their_layout_and_in_nothing_else(workshop: Workshop) -> None:
    def build(recipe: Recipe) -> Build:
        return workshop.builder.provide(recipe, workshop.repository)[0]

    plain = build(workshop.recipe())
    replicas = [build(replace(workshop.recipe(), replica=number)) for number in range(1, 4)]
    patched = build(replace(workshop.recipe(fake.speed_patch(1.1)), replica=1))

    assert len({distance(one) for one in (plain, *replicas)}) > 2
    assert len({tuple(laid_out(one)) for one in (plain, *replicas)}) > 1
    for one in replicas:
        assert not facts.same_machine_code(plain.facts, one.facts)
        assert not facts.differences(plain.facts, one.facts, flavors_differ=False, changed=())
        assert "bytes before Python/ceval.c" in (one.logs / "layout.log").read_text()
    # The candidate of a replica has the layout of the base of that replica.
    assert facts.same_machine_code(replicas[0].facts, patched.facts)


def test_a_replica_made_again_is_the_same(workshop: Workshop) -> None:
    recipe = replace(workshop.recipe(), replica=1)
    first, _ = workshop.builder.provide(recipe, workshop.repository)
    workshop.store.remove(recipe.key)
    second, made = workshop.builder.provide(recipe, workshop.repository)
    assert made
    assert facts.same_machine_code(first.facts, second.facts)


@pytest.mark.parametrize("lto", [False, True], ids=["plain", "lto"])
def test_placebos_move_functions(workshop: Workshop, lto: bool) -> None:
    def build(placebo: str) -> Build:
        recipe = workshop.recipe(flavor=Flavor(lto=lto))
        return workshop.builder.provide(replace(recipe, placebo=placebo), workshop.repository)[0]

    plain, padding, functions, links = map(build, ("", "padding:1", "functions:3", "links:4"))

    for placebo in (padding, functions, links):
        assert not facts.same_machine_code(plain.facts, placebo.facts)
        assert placebo.facts.eval_bytes == plain.facts.eval_bytes
        assert sorted(laid_out(placebo)) == sorted(laid_out(plain))
    assert laid_out(padding) == laid_out(plain) != laid_out(functions)
    assert laid_out(links) != laid_out(plain)
    # gcc's LTO puts all padding before all functions.
    assert (distance(padding) == distance(plain)) is lto


def test_a_tree_whose_layout_cannot_be_drawn(workshop: Workshop, tmp_path: Path) -> None:
    tree = fake.write_tree(tmp_path / "other")
    makefile = tree / "Makefile.pre.in"
    makefile.write_text(makefile.read_text().replace("LIBRARY_OBJS", "THINGS"))
    repository, commit = commit_tree(tmp_path / "other.git", tree)
    recipe = replace(workshop.recipe(), tree=repository.tree(commit), replica=1)
    with pytest.raises(BuildError, match="No layout can be drawn") as caught:
        workshop.builder.provide(recipe, repository)
    assert "without replicas" in caught.value.hint
