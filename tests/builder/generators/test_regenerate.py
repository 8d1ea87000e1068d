from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import BuildError, PatchError
from builder.generators import generators, regenerate

GRAMMAR = generators.requirement(
    lambda path: b"regen-grammar:\nregen-ast:\n" if path == "Makefile.pre.in" else b"new",
    lambda _path: b"old",
    ("Grammar/Grammar", "Parser/Python.asdl"),
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "Makefile.pre.in": "regen-grammar:\n",
        "Python/bytecodes.c": "x",
        "Python/opcode_targets.h": "generated",
        "Include/graminit.h": "#define single_input 256\n#define file_input 257\n",
        "Include/token.h": "#define ENDMARKER\t0\n",
        "Python/graminit.c": '    {1, "and"},\n    {1, arcs_0_1},\n',
        "Lib/symbol.py": "single_input = 256\nfile_input = 257\n",
        "Lib/token.py": "ENDMARKER = 0\nN_TOKENS = 57\n",
        "Lib/keyword.py": "kwlist = [\n        'and',\n        ]\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_generated_files_are_newer_than_inputs_and_changed_ones_newest(tree: Path) -> None:
    regenerate.set_file_times(tree, 1000, ["Python/bytecodes.c", "Python/opcode_targets.h"])
    assert (tree / "Python/opcode_targets.h").stat().st_mtime == 1001
    assert (tree / "Python/bytecodes.c").stat().st_mtime == 1002


def test_what_generating_changed(tree: Path) -> None:
    before = regenerate.snapshot(tree)
    (tree / "Python/opcode_targets.h").write_text("other")
    (tree / "Python/new.o").write_text("object")
    assert regenerate.changed_files(before, regenerate.snapshot(tree)) == (
        "Python/opcode_targets.h",
    )


def test_a_patch_that_generating_undoes_is_refused() -> None:
    regenerate.refuse_lost_changes(["a.h"], ["b.c"], ["3.13/x"])
    with pytest.raises(PatchError, match="would be lost") as caught:
        regenerate.refuse_lost_changes(["a.h", "c.h"], ["b.c", "a.h"], ["3.13/x"])
    assert caught.value.where == "3.13/x: a.h"


@pytest.mark.parametrize(
    ("targets", "older"), [(["regen-cases"], False), (["Python/importlib.h", "clinic"], True)]
)
def test_rules_of_older_trees_have_another_name_for_python(targets: list[str], older: bool) -> None:
    command = regenerate.command(targets)
    assert command[:2] == ("make", "PYTHON_FOR_REGEN=python3")
    assert ("PYTHON=python3" in command) == older
    assert list(command[-len(targets) :]) == targets


def test_files_that_make_generates_are_older_than_all(tree: Path) -> None:
    regenerate.outdate(tree, ["Python/opcode_targets.h", "clinic"], 1000)
    assert (tree / "Python/opcode_targets.h").stat().st_mtime == 999


def test_what_was_compiled_to_generate_is_removed(tree: Path) -> None:
    (tree / "Objects").mkdir()
    (tree / "Objects/before.o").write_bytes(b"\x7fELF")
    before = regenerate.snapshot(tree) | {"Objects/before.o": ""}
    for name, start in {"pgen": b"\x7fELF", "lib.a": b"!<arch>\n", "new.h": b"#def"}.items():
        (tree / name).write_bytes(start)
    regenerate.remove_products(tree, before)
    assert {path.name for path in tree.iterdir() if path.is_file()} == {"Makefile.pre.in", "new.h"}
    assert (tree / "Objects/before.o").exists()


@pytest.mark.parametrize(
    ("header", "text", "module"),
    [
        ("Include/graminit.h", "#define single_input 256\n#define nop_stmt 258\n", "Lib/symbol.py"),
        ("Include/graminit.h", "#define single_input 257\n", "Lib/symbol.py"),
        ("Include/token.h", "#define ENDMARKER\t1\n", "Lib/token.py"),
        ("Python/graminit.c", '{1, "and"},\n{1, "nop"},\n', "Lib/keyword.py"),
    ],
)
def test_a_module_that_does_not_follow_its_header_is_refused(
    tree: Path, header: str, text: str, module: str
) -> None:
    regenerate.refuse_stale_modules(tree, ["regen-grammar"], ["2.7/x"])
    (tree / header).write_text(text)
    with pytest.raises(PatchError, match=f"{module}: generated.*do not follow") as caught:
        regenerate.refuse_stale_modules(tree, ["regen-grammar"], ["2.7/x"])
    assert caught.value.where == f"2.7/x: {module}"
    assert f"./python {module}" in caught.value.hint
    # Newer trees generate the module as well.
    (tree / "Makefile.pre.in").write_text("regen-symbol:\nregen-token:\nregen-keyword:\n")
    regenerate.refuse_stale_modules(tree, ["regen-grammar"], ["2.7/x"])


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ([], "Include/graminit.h"),
        (["Include/graminit.h", "Python/graminit.c"], "Python/Python-ast.c"),
        (["Include/graminit.h", "Python/Python-ast.c"], ""),
    ],
)
def test_generators_that_fail_are_accepted_if_the_patch_brings_their_output(
    changed: list[str], missing: str
) -> None:
    changed += ["Grammar/Grammar", "Parser/Python.asdl"]
    error = BuildError("regenerate failed.", where="line 1", hint="The whole log: x")
    if not missing:
        regenerate.accept_failure(GRAMMAR, changed, error)
        return
    with pytest.raises(BuildError, match=r"regenerate failed\. .*cannot be generated") as caught:
        regenerate.accept_failure(GRAMMAR, changed, error)
    assert "make regen-grammar regen-ast" in caught.value.hint
    assert missing in caught.value.hint
    assert "The whole log: x" in caught.value.hint


def test_what_failed_generators_changed_is_undone(tree: Path) -> None:
    regenerate.set_file_times(tree, 1000, ["Python/graminit.c"])
    (tree / "Include/graminit.h").write_text("half")
    regenerate.restore(
        tree, ["Include/graminit.h"], lambda _path: b"own", GRAMMAR, ["Python/graminit.c"]
    )
    assert (tree / "Include/graminit.h").read_text() == "own"
    assert (tree / "Python/graminit.c").stat().st_mtime > 1001


@pytest.mark.parametrize(
    ("changed", "failed", "text"),
    [
        (["a.h"], False, "Regenerated by the tree's own targets: a.h"),
        ([], False, "for Grammar/Grammar, Parser/Python.asdl: nothing changed."),
        ([], True, "agree with Grammar/Grammar, Parser/Python.asdl is not known"),
    ],
)
def test_what_regenerating_gave_is_told(changed: list[str], failed: bool, text: str) -> None:
    assert text in regenerate.summary(GRAMMAR, changed, failed=failed)


def test_all_modules_that_do_not_follow_are_named_at_once(tree: Path) -> None:
    (tree / "Python/graminit.c").write_text('{1, "nop"},\n')
    (tree / "Include/graminit.h").write_text("#define nop_stmt 258\n")
    with pytest.raises(PatchError, match=r"\(nop_stmt, nop\)") as caught:
        regenerate.refuse_stale_modules(tree, ["regen-grammar"], ["2.7/x"])
    assert "`./python Lib/symbol.py`, `./python Lib/keyword.py`" in caught.value.hint
