"""Every fault gives one clear message and its exit code, and leaves no incomplete files."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cli import main
from tests.faults import (
    Place,
    Row,
    World,
    arguments,
    experiments,
    patches,
    runs,
    sources,
    stores,
)

TABLE = [
    *arguments.ROWS,
    *experiments.ROWS,
    *patches.ROWS,
    *sources.ROWS,
    *stores.ROWS,
    *runs.ROWS,
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def at(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    handler = signal.getsignal(signal.SIGTERM)
    place = Place(world, tmp_path, monkeypatch)
    yield place
    place.close()
    signal.signal(signal.SIGTERM, handler)


PARAMETERS = [
    pytest.param(row, id=row.name.replace(" ", "-"), marks=[pytest.mark.slow] if row.slow else [])
    for row in TABLE
]


def _run(at: Place, arguments: list[str]) -> int:
    home = [] if "--home" in arguments else ["--home", str(at.home)]
    try:
        return main.main([*home, *arguments])
    except SystemExit as left:  # argparse's own way out
        return int(left.code or 0)


@pytest.mark.parametrize("row", PARAMETERS)
def test_fault(row: Row, at: Place, capsys: pytest.CaptureFixture[str]) -> None:
    options = list(row.prepare(at))
    before, half_made = at.files(), at.half_made()
    capsys.readouterr()

    code = _run(at, options)

    out, err = capsys.readouterr()
    assert code == row.code, err
    for text in row.says:
        assert text in err
    assert "Traceback" not in err + out
    assert "\x1b" not in err + out
    messages = [line for line in err.splitlines() if line.startswith("patchbench: ")]
    if row.is_error:
        assert out == ""
        assert len(messages) == 1
        assert "\n  to do: " in err
    else:
        assert messages == []
    assert set(at.half_made()) <= set(half_made)
    assert at.files() == before
    if row.check is not None:
        row.check(at)


@pytest.mark.parametrize(
    "command", ["doctor", "sources", "series", "build", "builds", "builds KEY", "run", "compare"]
)
def test_json_is_all_that_stdout_holds(
    command: str, at: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    finished = stores.again(at)
    blocks = at.out / "raw" / "blocks"
    name, *rest = command.split()
    options = {
        "build": ["build", *finished[1 : finished.index("--out")], "--series", "3.13/slow"],
        "builds": ["builds", *(at.result()["base"]["build"][word.lower()] for word in rest)],
        "run": finished,
        "compare": [
            "compare",
            *(str(next(blocks.glob(f"*/{one}.json"))) for one in ("base", "slow")),
        ],
    }
    sources.without_apt(at)
    if name == "series":  # one of the world's own is misspelt
        at.patch.setattr(main, "PROJECT", Path(__file__).parent.parent)
    capsys.readouterr()

    code = _run(at, [*options.get(name, [name]), "--json"])

    out, err = capsys.readouterr()
    assert code == 0 or name == "doctor"
    assert isinstance(json.loads(out), dict | list)
    assert "Traceback" not in err


def test_there_are_enough_kinds() -> None:
    names = [row.name for row in TABLE]
    assert len(names) == len(set(names)) > 40
    assert {row.code for row in TABLE} >= {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13}
