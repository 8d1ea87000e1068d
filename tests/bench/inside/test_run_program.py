"""A program run for its cost must see and do what it would without."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.util import INSIDE
from builder.process import Command, Completed, SystemRunner, clean_environment

SHIM = INSIDE / "run_program.py"
SEES = """
import __main__, helper, json, os, sys
print(json.dumps([sys.argv, sys.path[0], __file__, __name__, __doc__, helper.__file__,
                  sys.modules["__main__"].__dict__ is globals(), __package__,
                  sorted(name for name in globals() if name.startswith("__"))]))
"""


class Program:
    """A script with a module beside it, run with and without the shim."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.script = folder / "program.py"
        self.script.write_text(text)
        (folder / "helper.py").write_text("def spin(n):\n    return sum(i * i for i in range(n))\n")
        self.report = folder / "report.json"

    def run(self, *arguments: str, interval: float = 0.0) -> Completed:
        settings = {
            "script": str(self.script),
            "arguments": arguments,
            "compiled": {},
            "report": str(self.report),
            "interval": interval,
        }
        (self.folder / "settings.json").write_text(json.dumps(settings))
        return self._python(str(SHIM), str(self.folder / "settings.json"))

    def directly(self, *arguments: str) -> Completed:
        return self._python(str(self.script), *arguments)

    def cost(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.report.read_text())
        return found

    def _python(self, *arguments: str) -> Completed:
        argv = (sys.executable, *arguments)
        command = Command(argv=argv, cwd=self.folder, env=clean_environment())
        return SystemRunner().run(command, timeout=60)


def test_a_program_sees_what_it_would_see_without(tmp_path: Path) -> None:
    program = Program(tmp_path, SEES)
    through, directly = program.run("a", "\u00e9 b"), program.directly("a", "\u00e9 b")
    assert through.ok, through.output
    seen, would = (json.loads(done.output.splitlines()[-1]) for done in (through, directly))
    assert seen[:8] == would[:8]
    assert set(seen[8]) >= set(would[8]) - {"__cached__"}


@pytest.mark.parametrize(
    ("ending", "status"), [("import sys; sys.exit(4)", 4), ("raise ValueError(1)", 1), ("pass", 0)]
)
def test_it_ends_as_it_would_and_its_cost_is_written(
    tmp_path: Path, ending: str, status: int
) -> None:
    program = Program(tmp_path, ending)
    assert program.run().returncode == program.directly().returncode == status
    cost = program.cost()
    assert cost["cpu"] >= 0
    assert cost["wall"] > 0
    assert "samples" not in cost


def test_what_a_program_does_at_its_end_and_what_its_children_use_belongs_to_it(
    tmp_path: Path,
) -> None:
    child = "for number in range(10**6): pass"
    text = (
        "import atexit, subprocess, sys\n"
        f"atexit.register(subprocess.run, [sys.executable, '-c', '{child}'])\n"
    )
    alone = Program(tmp_path, "pass")
    alone.run()
    least = alone.cost()["cpu"]
    program = Program(tmp_path, text)
    assert program.run().ok
    assert program.cost()["cpu"] > least


def test_samples_are_of_the_program_by_function_and_by_line(tmp_path: Path) -> None:
    text = "import helper, time\nwhile time.process_time() < 0.5:\n    helper.spin(10000)\n"
    program = Program(tmp_path, text)
    assert program.run(interval=0.002).ok
    cost = program.cost()
    assert cost["samples"] > 0
    functions = {
        (Path(file).name, name): counts for file, name, _line, *counts in cost["functions"]
    }
    own, with_callees = functions["helper.py", "spin"]
    assert own <= with_callees <= cost["samples"]
    assert not any(file == SHIM.name for file, _name in functions)
    assert sum(count for *_place, count in cost["lines"]) == cost["samples"]
    assert cost["modules"]["helper"] == str(tmp_path / "helper.py")
