from __future__ import annotations

import ast
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.benchmarks import suites
from builder.errors import DataError, UsageError
from builder.process import Command, SystemRunner, clean_environment
from ext import kernels
from ext.kernels import Kernel

KERNELS = kernels.load()
# What others say: counts of primes, zlib's checksum, tables of Collatz's numbers, the rules of
# noughts and crosses; and sums that were done by hand.
KNOWN: dict[str, tuple[int, Any]] = {
    "checksum": (256, 0x29058C73),
    "collatz": (1000, [871, 178]),
    "sieve": (1000, [168, 997, 76127]),
    "records": (1, [1, 4, 17 + 2.5 - 3 + 1000, 2, 3]),
    "pipeline": (13, [1, 12, sum(index * 37 % 1000 for index in range(1, 13))]),
    "search_tree": (1, [1, 1, 0, 1]),
    "levenshtein": (1, [2, ["interpreter"]]),
}


def _answer(path: Path, name: str, size: int) -> dict[str, Any]:
    command = Command(
        argv=(sys.executable, "-c", kernels.find(name).program(size)),
        env=clean_environment(PYTHONPATH=str(path), PYTHONDONTWRITEBYTECODE="1"),
    )
    done = SystemRunner().run(command, timeout=60)
    assert done.ok, done.output
    answer: dict[str, Any] = json.loads(done.output)
    return answer


def test_there_are_kernels_for_what_is_slow() -> None:
    assert len(KERNELS) >= 12
    assert sum("hand" in kernel.variants for kernel in KERNELS) >= 3
    for kernel in KERNELS:
        assert set(kernel.variants) >= {"pure", "cython", "typed"}, kernel.name


@pytest.mark.parametrize("name", KNOWN)
def test_a_kernel_answers_what_is_known(name: str) -> None:
    size, expected = KNOWN[name]
    answer = _answer(kernels.find(name).folder / "pure", name, size)
    assert answer == {"answer": expected, "code": "source"}


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_a_source_is_of_both_pythons(kernel: Kernel) -> None:
    """What only 3.x takes, or means otherwise: 2.7 itself runs them in the real test."""
    source = kernel.source("pure")
    assert source is not None
    tree = ast.parse(source.path.read_text("ascii"))
    only_3 = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.YieldFrom)
    for node in ast.walk(tree):
        assert not isinstance(node, (*only_3, ast.Nonlocal, ast.Starred)), ast.unparse(node)
        if isinstance(node, ast.ClassDef):
            assert node.bases, f"{node.name} would be an old-style class in 2.7"
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not node.args.kwonlyargs
            assert ast.get_docstring(node) or node.name in {"__init__", "__lt__", "read"}
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)][-1] == "run"


def test_scripts_differ_in_nothing_but_the_kernel() -> None:
    texts = set()
    for kernel in KERNELS:
        text = (kernel.folder / "run_benchmark.py").read_text("ascii")
        plain = text.replace(f"SIZE = {kernel.size}", "SIZE").replace(kernel.name, "NAME")
        texts.add(plain)
    assert len(texts) == 1


@pytest.mark.parametrize("version", ["2.7.18", "3.13.5"])
def test_the_manifest_lists_every_kernel_for_every_python(version: str) -> None:
    suite = suites.from_manifest(kernels.SUITE / "MANIFEST", version)
    chosen = suites.select(suite, ())
    assert [benchmark.name for benchmark in chosen.benchmarks] == [
        kernel.name for kernel in KERNELS
    ]
    assert not chosen.missing
    # So that both can be in one experiment.
    names = {benchmark.name for benchmark in suites.modern(version).benchmarks}
    assert not names & {kernel.name for kernel in KERNELS}


@pytest.mark.parametrize("has_variant", [False, True])
def test_a_module_on_pythonpath_comes_before_the_pure_one(
    tmp_path: Path, has_variant: bool
) -> None:
    """The folder is a copy, as an environment makes it: nothing of ours is beside it."""
    copy = tmp_path / "copy"
    shutil.copytree(kernels.find("sieve").folder, copy)
    (tmp_path / "site").mkdir()
    if has_variant:
        stub = 'def run(n):\n    raise SystemExit("the variant was given %d" % n)\n'
        (tmp_path / "site" / "sieve.py").write_text(stub)
    folders = [str(tmp_path / "site"), *(path for path in sys.path if path.endswith("packages"))]
    command = Command(
        argv=(sys.executable, str(copy / "run_benchmark.py"), "--worker", "-l1", "-n1", "-w0"),
        env=clean_environment(PYTHONPATH=os.pathsep.join(folders)),
    )
    done = SystemRunner().run(command, timeout=60)
    assert ("the variant was given 40000" in done.output) == has_variant
    assert done.ok != has_variant, done.output


def test_an_unknown_kernel_is_told() -> None:
    with pytest.raises(UsageError) as caught:
        kernels.find("sieves")
    assert "sieve" in caught.value.hint


@pytest.mark.parametrize("lacking", ["run_benchmark.py", "pure/sieve.py", "SIZE"])
def test_a_kernel_that_is_not_whole_is_told(tmp_path: Path, lacking: str) -> None:
    folder = tmp_path / "bm_sieve"
    shutil.copytree(kernels.find("sieve").folder, folder)
    if lacking == "SIZE":
        (folder / "run_benchmark.py").write_text("import sieve\n")
    else:
        (folder / lacking).unlink()
    with pytest.raises(DataError, match="sieve is incomplete"):
        kernels.load(tmp_path)
