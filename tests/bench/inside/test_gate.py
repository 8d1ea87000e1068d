"""The shim without a harness: a script must run as if it had been called directly."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from bench.measure.trial import GATE
from builder.process import Command, Completed, SystemRunner, clean_environment

SCRIPT = """
import __main__, json, os, sys
class Kept: pass
def own(): return sys.modules["__main__"].__dict__ is globals() and __main__.Kept is Kept
if __name__ == "__main__":
    print(json.dumps([sys.argv, sys.path[0], __file__, own(), Kept.__module__,
                      "_hold_values" in globals(), __doc__]))
    %s
"""


def _run(folder: Path, ending: str, *, gated: bool) -> Completed:
    script = folder / "script.py"
    script.write_text('"""Doc."""\n' + SCRIPT % ending)
    shim = (str(GATE),) if gated else ()
    argv = (sys.executable, *shim, str(script), "--option", "word")
    return SystemRunner().run(Command(argv=argv, cwd=folder, env=clean_environment()), timeout=30)


def test_a_script_sees_what_it_would_see_without(tmp_path: Path) -> None:
    through = _run(tmp_path, "pass", gated=True)
    directly = _run(tmp_path, "pass", gated=False)
    assert through.output == directly.output
    assert through.returncode == 0
    assert json.loads(through.output)[0] == [str(tmp_path / "script.py"), "--option", "word"]


@pytest.mark.parametrize(
    ("ending", "status"), [("sys.exit(4)", 4), ("raise ValueError(1)", 1), ("os._exit(9)", 9)]
)
def test_a_script_ends_as_it_would_without(tmp_path: Path, ending: str, status: int) -> None:
    assert _run(tmp_path, ending, gated=True).returncode == status


def test_the_shim_uses_nothing_that_python_2_lacks() -> None:
    # No interpreter of that age is at hand here; tests with the mark `real` run it on one.
    tree = ast.parse(GATE.read_bytes())
    for node in ast.walk(tree):
        assert not isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr | ast.Nonlocal)
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Starred | ast.YieldFrom)
        if isinstance(node, ast.arguments):
            assert not node.kwonlyargs
            assert not any(argument.annotation for argument in node.args)
        if isinstance(node, ast.Raise):
            assert node.cause is None
