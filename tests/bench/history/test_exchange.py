"""`patchbench history`, from the command line to the database and back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from bench.cli.main import main
from builder.errors import DataError, UsageError

NAMED = "2017-03-31_01-17-main-78a111c7d867.json"


def pyperf_file(path: Path, *, value: float = 1.0, **metadata: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    runs = [{"values": [value * factor]} for factor in (1.0, 1.01, 1.02)]
    own = {"name": "nbody", "unit": "second", "loops": 1}
    document = {
        "version": "1.0",
        "metadata": metadata,
        "benchmarks": [{"metadata": own, "runs": runs}],
    }
    path.write_text(json.dumps(document))
    return path


def history(place: Path, *arguments: str | Path) -> int:
    return main(["--home", str(place / "home"), "-q", "history", *map(str, arguments)])


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A history of two nights."""
    pyperf_file(tmp_path / "times" / NAMED)
    pyperf_file(tmp_path / "times" / NAMED.replace("03-31", "04-01"), value=2.0)
    where = tmp_path / "history.db"
    assert history(tmp_path, "import", where, tmp_path / "times", "--host", "here") == 0
    return where


def test_a_folder_is_imported_once(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("import", kept, tmp_path / "times", "--host", "here", "--json")
    assert history(tmp_path, *line) == 0
    assert json.loads(capsys.readouterr().out) == {
        "history": str(kept),
        "files": 2,
        "nights": 2,
        "new": 0,
    }


def test_an_export_can_be_imported_and_exported_alike(kept: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    assert history(tmp_path, "export", kept, "--out", first) == 0
    assert history(tmp_path, "import", tmp_path / "other.db", first) == 0
    assert history(tmp_path, "export", tmp_path / "other.db", "--out", second) == 0
    assert len(first.read_text().splitlines()) == 2
    assert first.read_text() == second.read_text()
    assert not list(tmp_path.glob(".*.half"))


def test_csv_goes_to_stdout_with_what_was_asked_for(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert history(tmp_path, "export", kept, "--format", "csv", "--branch", "main") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["host"], row["benchmark"]) for row in rows] == [("here", "nbody")] * 2
    assert history(tmp_path, "export", kept, "--format", "csv", "--branch", "3.0") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_options_count_in_place_of_what_a_file_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = pyperf_file(tmp_path / "plain.json", hostname="secret")
    where = tmp_path / "history.db"
    words = ("--branch", "3.13", "--flavor", "pgo", "--host", "lab", "--date", "2025-02-03")
    assert history(tmp_path, "import", where, file, *words) == 0
    assert history(tmp_path, "export", where) == 0
    night = json.loads(capsys.readouterr().out)
    assert (night["branch"], night["flavor"], night["host"]) == ("3.13", "pgo", "lab")
    assert night["when"] == "2025-02-03T00:00:00+00:00"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("import H.db", "There is no path to import from"),
        ("import H.db F.json --out x", "go with `history export`"),
        ("export H.db", "There is no history"),
        ("export H.db F.json", "go with `history import`"),
        ("export KEPT --json", "both go to stdout"),
        ("import H.db times --date 2025-01-01", "--date is of one pyperf file, and there are 2"),
        ("import H.db old.jsonl --branch x", "and there are none"),
    ],
)
def test_what_means_nothing_is_refused(
    words: str, message: str, kept: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "old.jsonl").touch()
    line = words.replace("KEPT", str(kept)).split()
    assert history(here, *line) == UsageError.exit_code
    assert message in capsys.readouterr().err
    assert not (here / "H.db").exists()


@pytest.mark.parametrize("name", ["gone", "broken.json", "broken.jsonl"])
def test_a_file_that_cannot_be_read_is_named(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name != "gone":
        (tmp_path / name).write_text("{")
    assert history(tmp_path, "import", tmp_path / "h.db", tmp_path / name) == DataError.exit_code
    assert str(tmp_path / name) in capsys.readouterr().err


def test_an_export_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: Path
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("before")
    monkeypatch.setattr("bench.history.exporting._moment", lambda _value: 1 / 0)
    assert history(tmp_path, "export", kept, "--out", out) == 70
    assert out.read_text() == "before"
    assert not list(tmp_path.glob(".*.half"))
