"""What a command costs before it does anything: counted in modules, since seconds vary."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pyperf
import pytest

from bench.cli.catalogue import COMMANDS, CommandEntry
from bench.cli.parser import CommandParser, command_line
from builder.errors import ToolError

ROOT = Path(__file__).parents[3]
IMPORTED = """
import json, sys
before = set(sys.modules)
from bench.cli.main import main
try:
    code = main(json.loads(sys.argv[1]))
except SystemExit as end:
    code = end.code
sys.stderr.write("\\n" + json.dumps([code, sorted(set(sys.modules) - before)]))
"""
# Each takes a tenth of a second and more, or is of a command that does something else.
HEAVY = {"matplotlib", "scipy", "sqlalchemy", "git", "Cython", "asyncio", "shtab"}


def imported(*arguments: str, codes: tuple[int, ...] = (0,)) -> set[str]:
    """The modules that a command imports, ours and others'."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, json.dumps(arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code in codes, done.stderr
    return set(modules)


def tops(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_no_command_and_hardly_a_module(option: str) -> None:
    modules = imported(option)
    assert not [name for name in modules if name.startswith("bench.cli.commands.")]
    assert tops(modules) - set(sys.stdlib_module_names) <= {"bench", "builder"}
    ours = {name for name in modules if name.startswith(("bench.", "builder."))}
    rooms = {name.split(".")[1] for name in ours}
    assert rooms <= {"cli", "util", "errors", "home", "process", "files"}
    assert len(ours) <= 20
    assert len(modules) <= 120


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_help_of_a_command_imports_no_other_command(entry: CommandEntry) -> None:
    modules = imported(entry.name, "--help")
    commands = {name for name in modules if name.startswith("bench.cli.commands.")}
    assert commands == {f"bench.cli.commands.{entry.module}"}
    assert not tops(modules) & {"sqlalchemy", "matplotlib", "scipy"}


def test_doctor_imports_what_looks_at_the_machine(tmp_path: Path) -> None:
    modules = imported("--home", str(tmp_path), "doctor", "--json", codes=(0, ToolError.exit_code))
    assert not tops(modules) & {*HEAVY, "numpy", "pyperf", "jinja2"}


def test_builds_and_series_import_what_reads_and_prints(tmp_path: Path) -> None:
    for command in ("builds", "series"):
        modules = imported("--home", str(tmp_path), command)
        assert not tops(modules) & {*HEAVY, "numpy", "jinja2"}, command


def test_compare_imports_numpy_and_special_functions_at_most(tmp_path: Path) -> None:
    paths = tmp_path / "base.json", tmp_path / "candidate.json"
    for shift, path in enumerate(paths):
        values = [1.0 + n / 100 + shift / 1000 for n in range(4)]
        named = [
            pyperf.Run([value], metadata={"name": "x"}, collect_metadata=False) for value in values
        ]
        pyperf.Benchmark(named).dump(str(path))
    modules = imported("compare", *map(str, paths))
    assert not tops(modules) & (HEAVY - {"scipy", "Cython"})  # SciPy imports Cython
    assert not {"scipy.stats", "scipy.optimize", "scipy.sparse"} & modules


def test_version_is_that_of_the_installed_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command_line().parse_args(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"patchbench {version('patchbench')}\n"


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"patchbench {version('patchbench')}\n"


def test_every_command_of_the_table_is_added_by_its_module() -> None:
    groups = command_line(complete=True)._subparsers
    assert groups is not None
    (action,) = groups._group_actions
    assert isinstance(action.choices, dict)
    assert list(action.choices) == [entry.name for entry in COMMANDS]
    for sub in action.choices.values():
        assert isinstance(sub, CommandParser)
        assert sub.load is None
        assert callable(sub.get_default("command"))


@pytest.mark.parametrize(
    ("line", "option", "expected"),
    [
        ("run f --suite quick --suite core,quick", "suite", ("quick", "core")),
        ("ladder --branch 2.7 --suite nbody --suite go", "suite", ("nbody", "go")),
        ("bisect a b --benchmark one --benchmark two", "benchmark", ("one", "two")),
        ("report d --format html --format md", "format", ("html", "md")),
        ("run --base 3.13 --patch a --patch b", "patch", ["a", "b"]),
        ("run f --gate core --gate core", "gate", "core"),
        ("--home a run f --home a", "home", "a"),
        ("run f --aa --aa", "aa", True),
    ],
)
def test_a_repeated_option_loses_nothing(line: str, option: str, expected: object) -> None:
    assert getattr(command_line().parse_args(line.split()), option) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run f --gate core --gate none", "--gate: is there twice, with 'core' and 'none'"),
        ("run --base 3.13 --base 3.12 --patch a", "--base: is there twice"),
        ("run --candidate a --base b --cand c", "--candidate: is there twice"),
        ("run f --margin 0.1 --seed 1 --seed 2", "--seed: is there twice, with '1' and '2'"),
        ("--home a run f --home b", "--home: is there twice, with 'a' and 'b'"),
        ("run f --blocks 3 --blocks 4", "--blocks: is there twice"),
        ("compare a b --margin 0.1 --margin 0.2", "--margin: is there twice"),
        ("run f --out a --out b", "--out: is there twice"),
    ],
)
def test_a_second_value_is_not_dropped_in_silence(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        command_line().parse_args(line.split())
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_no_option_with_a_value_keeps_the_last_of_several() -> None:
    groups = command_line(complete=True)._subparsers
    assert groups is not None
    (commands,) = groups._group_actions
    assert isinstance(commands.choices, dict)
    for name, parser in commands.choices.items():
        for action in parser._actions:
            assert type(action) is not argparse._StoreAction, f"{name} {action.option_strings}"


def test_a_parser_can_be_used_again() -> None:
    parser = command_line()
    assert [parser.parse_args(["gc", "--keep-days", days]).keep_days for days in "12"] == [1, 2]
