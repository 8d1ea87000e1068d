"""The facts of a build: what an interpreter says of itself, and in what two builds differ."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from builder.builds import facts, machine_code
from builder.builds.facts import BuildFacts, differences
from builder.errors import BuildError
from builder.process import Completed
from tests.builder.builds.test_store import FACTS
from tests.recording import RecordingRunner, completed


def facts_that_differ(candidate: BuildFacts, **more: Any) -> dict[str, bool]:
    """Each fact in which the candidate differs from FACTS, and whether that was asked for."""
    given: dict[str, Any] = {"flavors_differ": False, "changed": (), **more}
    return {one.fact: one.asked for one in differences(FACTS, candidate, **given)}


def test_equal_builds_differ_in_nothing() -> None:
    assert facts_that_differ(FACTS) == {}
    assert facts.same_machine_code(FACTS, FACTS)


def test_a_difference_in_machine_code_alone_is_none_of_the_facts() -> None:
    other = replace(FACTS, code={"bin/python": "another"}, library="another")
    assert facts_that_differ(other) == {}
    assert not facts.same_machine_code(FACTS, other)


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({}, False),
        ({"flavors_differ": True}, True),
        ({"changed": ("configure.ac",)}, True),
        ({"changed": ("Modules/Setup.stdlib.in",)}, True),
        ({"changed": ("Python/ceval.c", "Lib/configure.py")}, False),
    ],
)
def test_who_asked_for_another_configuration(more: dict[str, Any], asked: bool) -> None:
    other = replace(FACTS, config={**FACTS.config, "CFLAGS": "-O0"})
    assert facts_that_differ(other, **more) == {"sysconfig CFLAGS": asked}


def test_the_loops_shape_is_always_asked_for() -> None:
    other = replace(
        FACTS,
        computed_gotos=not FACTS.computed_gotos,
        indirect_jumps=FACTS.indirect_jumps + 1,
        eval_bytes=FACTS.eval_bytes + 1,
    )
    found = facts_that_differ(other)
    assert len(found) == 3
    assert all(found.values())


def test_modules_are_named_on_the_side_that_has_them() -> None:
    base = replace(FACTS, modules=("_a", "_b"))
    candidate = replace(FACTS, modules=("_b", "_c"))
    (found,) = differences(base, candidate, flavors_differ=False, changed=())
    assert (found.base, found.candidate) == ("_a", "_c")


def test_facts_come_back_from_a_stamp() -> None:
    data = json.loads(json.dumps(asdict(FACTS)))
    assert BuildFacts.from_json({**data, "unknown": 1}) == FACTS
    del data["options"]
    with pytest.raises(KeyError, match="options"):
        BuildFacts.from_json(data)


@pytest.mark.parametrize(
    ("ending", "what"),
    [
        (completed("Segmentation fault", returncode=-11), "was killed by SIGSEGV"),
        (completed("no json\n"), "does not work"),
        (completed(""), "does not work"),
    ],
)
def test_an_interpreter_that_does_not_work(ending: Completed, what: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=what) as caught:
        facts.read(tmp_path / "python", tmp_path, RecordingRunner(ending))
    assert str(tmp_path / "python") in caught.value.where


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prefix with an interpreter and a library; their machine code is not looked into."""
    stdlib = tmp_path / "lib" / "python3.13"
    (stdlib / "lib-dynload").mkdir(parents=True)
    (stdlib / "os.py").write_text("x")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    loop = machine_code.Loop(
        function="_PyEval",
        size=10,
        indirect_jumps=3,
        dispatch=machine_code.Dispatch.GOTOS,
        handlers=12,
        options="-O3 -fprofile-use",
        compiler="",
        pgo=True,
        lto=None,
        reasons={"lto": "why"},
    )
    monkeypatch.setattr(machine_code, "evaluation_loop", lambda _paths: loop)
    monkeypatch.setattr(machine_code, "code_digest", lambda path: f"digest of {path.name}")
    return tmp_path


def read(prefix: Path, **more: str) -> BuildFacts:
    answer: dict[str, Any] = {
        "version": "3.13.5",
        "build": "3.13.5 (main) [GCC 12]",
        "stdlib": str(prefix / "lib" / "python3.13"),
        "dynload": str(prefix / "lib" / "python3.13" / "lib-dynload"),
        "libdir": str(prefix / "lib"),
        "config": {"CONFIG_ARGS": f"--prefix={prefix}", "OPT": None, "Py_DEBUG": 0},
        "modules": ["_b"],
        "builtin": ["_a", "_b"],
    }
    runner = RecordingRunner(completed("a warning\n" + json.dumps(answer | more)))
    return facts.read(prefix / "bin/python", prefix, runner)


def test_what_is_read_from_an_installed_interpreter(installed: Path) -> None:
    found = read(installed)
    assert found.configure_arguments == "--prefix=PREFIX"
    assert found.config == {"CONFIG_ARGS": "--prefix=PREFIX", "Py_DEBUG": "0"}
    assert (found.pgo, found.lto, found.computed_gotos) == (True, None, True)
    assert (found.dispatch, found.handlers) == ("computed gotos", 12)
    assert found.reasons == {"lto": "why"}
    assert found.stdlib == "lib/python3.13"
    assert BuildFacts.from_json(json.loads(json.dumps(asdict(found)))) == found
    assert found.compiler == "3.13.5 (main) [GCC 12]"  # without debug information
    assert found.modules == ("_a", "_b")
    assert found.code == {"bin/python": "digest of python"}


def test_folders_are_those_that_the_interpreter_names(installed: Path) -> None:
    """Its libraries may be beside lib/python3.N: in lib64, with a suffix, in one of Debian's."""
    stdlib = installed / "lib64" / "python3.13td"
    modules, libraries = installed / "lib64" / "modules", installed / "lib" / "x86_64-linux-gnu"
    for folder in (stdlib, modules, libraries):
        folder.mkdir(parents=True)
    (modules / "_b.so").touch()
    (libraries / "libpython3.13td.so.1.0").touch()
    more = {"stdlib": str(stdlib), "dynload": str(modules), "libdir": str(libraries)}
    found = read(installed, **more)
    assert found.stdlib == "lib64/python3.13td"
    assert set(found.code) == {
        "bin/python",
        "lib64/modules/_b.so",
        "lib/x86_64-linux-gnu/libpython3.13td.so.1.0",
    }


def test_older_facts_have_neither_a_kind_nor_folders() -> None:
    data = json.loads(json.dumps(asdict(FACTS)))
    for name in ("dispatch", "handlers", "reasons", "stdlib"):
        del data[name]
    assert BuildFacts.from_json(data) == FACTS


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({"pgo": None}, {"PGO in effect": ("False", "unknown")}),
        (
            {"dispatch": "tail calls", "computed_gotos": False},
            {
                "computed gotos in effect": ("True", "False"),
                "dispatch of the evaluation loop": ("merged gotos", "tail calls"),
            },
        ),
        (
            {"dispatch": "unknown", "computed_gotos": None},
            {
                "computed gotos in effect": ("True", "unknown"),
                "dispatch of the evaluation loop": ("merged gotos", "unknown"),
            },
        ),
        # Of older builds, and of the same build read by this version: nothing differs.
        ({"dispatch": "merged gotos", "handlers": 99, "stdlib": "lib/python3.13"}, {}),
    ],
)
def test_kinds_of_dispatch_and_what_is_unknown_differ(
    changes: dict[str, Any], rows: dict[str, tuple[str, str]]
) -> None:
    other = replace(FACTS, **changes)
    found = differences(FACTS, other, flavors_differ=True, changed=())
    assert {row.fact: (row.base, row.candidate) for row in found} == rows


def test_the_library_is_its_sources_without_what_the_build_wrote(installed: Path) -> None:
    stdlib = installed / "lib" / "python3.13"
    before = read(installed).library
    (stdlib / "_sysconfigdata_linux.py").write_text(str(installed))
    (stdlib / "config-3.13").mkdir()
    (stdlib / "config-3.13" / "x.py").touch()
    (stdlib / "os.pyc").touch()
    assert read(installed).library == before
    (stdlib / "os.py").write_text("y")
    assert read(installed).library != before


def test_the_code_is_that_of_the_interpreter_without_extension_modules(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installed / "lib/python3.13/lib-dynload/_b.so").touch()
    found = read(installed)
    assert set(found.code) == {"bin/python", "lib/python3.13/lib-dynload/_b.so"}
    monkeypatch.setattr(machine_code, "code_size", lambda path: len(path.name))
    assert facts.code_bytes(found, installed) == len("python")
    monkeypatch.undo()
    # No binary that can be read, and a build that was removed.
    assert facts.code_bytes(found, installed) is None
    assert facts.code_bytes(found, installed / "gone") is None
