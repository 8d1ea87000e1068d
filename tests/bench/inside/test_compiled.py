"""Scripts of which the module was compiled. What runs on 2.7 as well is tried there for real."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from bench.inside.compiled import guarded
from bench.measure.trial import GATE
from builder.process import Command, SystemRunner, clean_environment
from ext.compile import Compiler, Target, Tools
from ext.kernels import ModuleSource

PACKAGES = Path(sysconfig.get_path("purelib"))
HEADER = Path(sysconfig.get_path("include")) / "Python.h"

SCRIPT = """
from __future__ import division
import os, pickle
import pyperf

FILE = os.path.abspath(__file__)

class Point(object):
    def __init__(self, x):
        self.x = x

def half(n):
    return [n / 2, pickle.loads(pickle.dumps(Point(n))).x, os.path.basename(FILE)]

def timed(loops):
    return 1.0

if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.bench_func("half", half, 3)
    runner.bench_time_func("timed", timed)
    runner.bench_func("kind", object)
"""


def namespace(script: Path) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "x"}
    exec(guarded(str(script)), names)
    return names


@pytest.mark.parametrize(
    "test", ['__name__ == "__main__"', "'__main__' == __name__", "__name__ in ('__main__',)"]
)
def test_what_is_for_the_main_module_alone_is_found(tmp_path: Path, test: str) -> None:
    script = tmp_path / "x.py"
    script.write_text(f"A = 1\nif {test}:\n    B = 2\nif __name__ != '__main__':\n    C = 3\n")
    names = namespace(script)
    assert names["B"] == 2
    assert "A" not in names
    assert "C" not in names


def test_the_language_is_that_of_the_script(tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text(
        "from __future__ import annotations\nif __name__ == '__main__':\n    x: nothing = 1\n"
    )
    assert namespace(script)["x"] == 1


def answers(folder: Path, script: Path, module: Path | None) -> Any:
    output = folder / "answers.json"
    environment = clean_environment(
        PYTHONPATH=str(PACKAGES), PATCHBENCH_ANSWERS=str(output), HOME=str(folder)
    )
    if module is not None:
        environment["PATCHBENCH_MODULE"] = str(module)
    argv = (sys.executable, str(GATE), str(script), "--worker")
    done = SystemRunner().run(Command(argv=argv, cwd=folder, env=environment), timeout=120)
    assert done.ok, done.output
    return json.loads(output.read_text())


def test_a_script_answers_instead_of_being_timed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert answers(tmp_path, script, None) == [
        ["half", ["1.5", "3", "'script.py'"]],
        ["timed", None],
        ["kind", "a object"],
    ]


@pytest.mark.slow
@pytest.mark.skipif(not HEADER.exists(), reason=f"there is no {HEADER}")
def test_compiled_it_answers_the_same(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    compiler = Compiler(
        runner=SystemRunner(),
        cache=tmp_path / "cache",
        target=Target(
            identity="host",
            python=Path(sys.executable),
            version=".".join(map(str, sys.version_info[:3])),
        ),
        tools=Tools(cython=PACKAGES, setuptools=PACKAGES),
        flags=("-O0",),
    )
    module = compiler.provide(ModuleSource(name="script", path=script, imports=False))
    assert answers(tmp_path, script, module.file) == answers(tmp_path, script, None)
