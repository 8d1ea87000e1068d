"""Options of the command line that change an experiment's session."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.parser import command_line
from bench.experiments.from_options import from_options
from bench.experiments.session_options import SessionOptions

FILE = """
base = "3.13"
[[candidate]]
patch = "a.diff"
[session]
aa = true
replicas = 3
"""


def session(folder: Path, *options: str) -> SessionOptions:
    path = folder / "x.toml"
    path.write_text(FILE)
    parsed = command_line().parse_args(["run", str(path), *options])
    return from_options(parsed).session


def test_a_file_says_what_options_do_not(tmp_path: Path) -> None:
    assert session(tmp_path) == SessionOptions(aa=True, replicas=3)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("--replicas 5", {"replicas": 5}),
        ("--placebos 2", {"placebos": 2}),
        ("--until blocks", {"until": "blocks"}),
        ("--protocol corun", {"protocol": "corun"}),
        ("--aa --replicas 1", {"replicas": 1}),
    ],
)
def test_options_change_what_a_file_says(
    options: str, changed: dict[str, object], tmp_path: Path
) -> None:
    wanted = {"aa": True, "replicas": 3, **changed}
    assert session(tmp_path, *options.split()) == SessionOptions(**wanted)  # type: ignore[arg-type]


def test_an_aa_arm_is_added_on_request() -> None:
    line = ["run", "--base", "3.13", "--patch", "a.diff", "--aa"]
    assert from_options(command_line().parse_args(line)).session.aa
    assert not from_options(command_line().parse_args(line[:-1])).session.aa
