"""Scripts that answer instead of being timed, and where the time of their calls goes."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from bench.measure.trial import GATE
from builder.process import Command, Completed, SystemRunner, clean_environment

PACKAGES = Path(sysconfig.get_path("purelib"))
ASYNCHRONOUS = """
import asyncio
async def later(n):
    return n
"""


class Script:
    """A pyperf script with these calls of `runner`, run for its answers."""

    def __init__(self, folder: Path, calls: str, before: str = "") -> None:
        self.folder = folder
        self.path = folder / "script.py"
        self.path.write_text(f"import pyperf\n{before}\nrunner = pyperf.Runner()\n{calls}\n")

    def run(self, **more: str) -> Completed:
        answers = self.folder / "answers.json"
        environment = clean_environment(
            PYTHONPATH=str(PACKAGES),
            PATCHBENCH_ANSWERS=str(answers),
            HOME=str(self.folder),
            **more,
        )
        argv = (sys.executable, str(GATE), str(self.path), "--worker")
        command = Command(argv=argv, cwd=self.folder, env=environment)
        return SystemRunner().run(command, timeout=120)

    def answers(self) -> Any:
        return json.loads((self.folder / "answers.json").read_text())


def answer(folder: Path, expression: str) -> Any:
    """What is written of a value."""
    script = Script(folder, f"runner.bench_func('x', lambda: {expression})")
    done = script.run()
    assert done.ok, done.output
    ((name, value),) = script.answers()
    assert name == "x"
    return value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[None, True, 2**70, 0.1, 1j]", [None, True, str(2**70), "0.1", "1j"]),
        ("('a', b'b')", ["'a'", "b'b'"]),
        ("{3, 1, 2}", ['"1"', '"2"', '"3"']),
        ("{'b': 1, 'a': [2]}", [["'a'", ["2"]], ["'b'", "1"]]),
        ("[object(), iter([])]", ["a object", "a list_iterator"]),
        ("'x' * 20000", ("'" + "x" * 20000)[:10000]),
    ],
)
def test_a_value_is_written_so_that_it_compares(
    tmp_path: Path, expression: str, value: Any
) -> None:
    assert answer(tmp_path, expression) == value


def test_what_contains_itself_ends_somewhere(tmp_path: Path) -> None:
    assert "a list" in json.dumps(answer(tmp_path, "(lambda x: x.append(x) or x)([])"))


def test_every_kind_of_benchmark_is_asked(tmp_path: Path) -> None:
    calls = (
        "runner.bench_time_func('timed', lambda loops: 1.0)\n"
        "runner.bench_async_func('later', later, 3)\n"
        "runner.timeit('statement', 'raise SystemError')\n"
        "runner.bench_command('command', ['/no/such/program'])\n"
    )
    script = Script(tmp_path, calls, ASYNCHRONOUS)
    done = script.run()
    assert done.ok, done.output
    assert script.answers() == [
        ["timed", None],
        ["later", "3"],
        ["statement", None],
        ["command", None],
    ]


def test_answers_before_a_crash_are_kept(tmp_path: Path) -> None:
    calls = "runner.bench_func('good', int)\nrunner.bench_func('bad', lambda: 1 / 0)"
    script = Script(tmp_path, calls)
    done = script.run()
    assert not done.ok
    assert "ZeroDivisionError" in done.output
    assert script.answers() == [["good", "0"]]


def test_a_profile_says_whose_the_time_was(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def work(n):\n    return sorted(range(n))\n")
    own = (
        "import helper, random\ndef run():\n"
        "    return len(helper.work(200000)) + random.randint(1, 1)"
    )
    script = Script(tmp_path, "runner.bench_func('run', run)", own)
    profile = tmp_path / "profile.json"
    done = script.run(PATCHBENCH_PROFILE=str(profile))
    assert done.ok, done.output
    shares = json.loads(profile.read_text())
    # What lies beside the script is its own; sorting is C that it calls; the rest has names.
    assert shares["own"] > 0
    assert shares["called"] > 0
    assert "random" in shares["rest"]
    assert "helper" not in shares["rest"]
