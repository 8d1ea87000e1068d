"""The site on request: what is written, said and refused."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import pytest

from bench.cli.commands import nightly
from bench.context import Context
from bench.history.store import History
from bench.util.console import Show
from builder.errors import StoreError, UsageError
from builder.home import Home
from builder.process import SystemRunner
from tests.bench.site.made_up import nights


def run(folder: Path, *arguments: str) -> str:
    """Run `nightly site`; the messages."""
    parser = argparse.ArgumentParser()

    def add(_name: str, run: object) -> argparse.ArgumentParser:
        parser.set_defaults(run=run)
        return parser

    nightly.add_commands(add)
    options = parser.parse_args(("site", *arguments))
    said = io.StringIO()
    context = Context(
        home=Home(root=folder / "home", host_lock=folder / "lock"),
        project=folder,
        runner=SystemRunner(),
        show=Show(stream=said),
    )
    assert options.run(context, options) == 0
    return said.getvalue()


def test_a_site_is_written_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, out = str(tmp_path / "history.db"), str(tmp_path / "site")
    with History.open(place) as history:
        history.add_nights(nights(3))
    said = run(tmp_path, "--history", place, "--out", out, "--json")
    document = json.loads(capsys.readouterr().out)
    assert document["index"] == f"{out}/index.html"
    assert document["made"] == document["pages"] == len(list(Path(out).rglob("*.html")))
    assert f"{document['pages']} of {document['pages']} pages were updated" in said.replace(
        "\n", " "
    )


def test_a_missing_history_is_not_created(tmp_path: Path) -> None:
    place = tmp_path / "histroy.db"
    with pytest.raises(UsageError, match="no history"):
        run(tmp_path, "--history", str(place), "--out", str(tmp_path / "site"))
    assert not place.exists()
    assert not (tmp_path / "site").exists()


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "notes.txt"
    place.write_text("my notes " * 1000)
    with pytest.raises(StoreError):
        run(tmp_path, "--history", str(place), "--out", str(tmp_path / "site"))
    assert not (tmp_path / "site").exists()
