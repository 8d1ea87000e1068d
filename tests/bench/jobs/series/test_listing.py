"""The command `series`, on synthetic series, flavors and runs."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from bench.cli import main
from bench.jobs.series import listing
from builder.errors import DataError, PatchError, UsageError
from tests.bench.jobs.series.made_up import (
    EXPERIMENT,
    FLAVOR,
    NAME,
    STACK,
    Bench,
)


def test_a_run_is_recorded_and_listed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.series() == 0
    assert capsys.readouterr().out.count("not measured") == 4
    assert bench.record("--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == [NAME, "3.13/wrong-add", "3.13/padding", FLAVOR]
    assert f"{NAME}: fast-add is 1.05x faster over the suite" in printed.err
    assert bench.series() == 0
    rows = capsys.readouterr().out.splitlines()
    assert any("fast-add" in row and "0.9472 to 0.9552" in row and "faster" in row for row in rows)
    assert any("wrong-add" in row and "broken" in row for row in rows)


def test_a_flavor_is_recorded_and_shown(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.record(FLAVOR) == 0
    folder = bench.experiments / FLAVOR
    assert "3.13.5 lto against 3.13.5 plain" in (folder / "RESULT.md").read_text()
    assert not (bench.patches / NAME / "verdict.json").exists()
    capsys.readouterr()
    assert bench.series(FLAVOR) == 0
    assert "link-time is broken: make of 3.13.5 lto exited" in capsys.readouterr().out
    assert bench.series(FLAVOR, "--json") == 0
    (printed,) = json.loads(capsys.readouterr().out)
    assert (printed["status"], printed["flavor"]["lto"]) == ("flavor", True)
    assert printed["results"][0]["stale"] is False
    path = bench.experiments / "specimen.toml"
    path.write_text(EXPERIMENT.replace("lto = true", "lto = true, pgo = true"))
    assert bench.series() == 0
    assert "broken, stale" in capsys.readouterr().out


def test_a_flavor_is_told_in_words(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    path = bench.experiments / "specimen.toml"
    path.write_text(
        EXPERIMENT.replace("{ lto = true }", '{ lto = true, configure = ["--with-x"] }', 1)
    )
    assert bench.series(FLAVOR) == 0
    shown = capsys.readouterr().out
    assert "flavor      pgo = false, lto = true, configure = --with-x, cc = gcc\n" in shown


def test_those_of_a_branch_or_experiment_are_listed(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.write("2.7/other", "not proposed", 1.4)
    path = bench.patches / "2.7/other/series.toml"
    path.write_text(path.read_text().replace(">=3.13,<3.14", ">=2.7,<2.8"))
    for word, names in (
        ("2.7", ["2.7/other"]),
        ("3.13/", [NAME, "3.13/padding", "3.13/wrong-add"]),
        ("specimen", [FLAVOR]),
    ):
        capsys.readouterr()
        assert bench.series(word) == 0
        listed = capsys.readouterr().out.splitlines()[1:]
        assert [line.split()[0] for line in listed] == names
        assert bench.series(word, "--json") == 0
        assert [row["name"] for row in json.loads(capsys.readouterr().out)] == names
    assert bench.series("3.12") == PatchError.exit_code
    assert "There is no series '3.12'" in capsys.readouterr().err


def test_one_series_is_shown_with_all_of_it(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.series(NAME) == 0
    assert "Not measured yet" in capsys.readouterr().out
    bench.record(NAME)
    capsys.readouterr()
    assert bench.series(NAME) == 0
    shown = capsys.readouterr().out
    for text in ("mechanism", "against 3.13.5 plain, 2025-06-15", "spectral_norm", "changing noth"):
        assert text in shown
    assert bench.series(NAME, "--json") == 0
    (printed,) = json.loads(capsys.readouterr().out)
    assert printed["requires"] == printed["conflicts"] == []
    (result,) = printed["results"]
    assert result.pop("stale") is False
    assert [result] == bench.kept()["results"]


def test_changed_patches_make_a_result_stale(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.record(NAME)
    bench.write(NAME, "not proposed", 1.7)
    capsys.readouterr()
    assert bench.series() == 0
    assert "faster, stale" in capsys.readouterr().out
    assert bench.series(NAME) == 0
    assert "stale: it has changed since this run" in capsys.readouterr().out
    assert bench.series(NAME, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["results"][0]["stale"] is True


def test_a_stack_is_recorded_and_shown(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.stack()
    assert bench.record(STACK) == 0
    page = (bench.experiments / STACK / "RESULT.md").read_text()
    assert "- 3.13/fast-add/0001-it.patch: SHA-256" in page
    assert "- 3.13/padding/0001-it.patch: SHA-256" in page
    capsys.readouterr()
    assert bench.series(STACK) == 0
    assert "series      3.13/fast-add, 3.13/padding\n" in capsys.readouterr().out
    bench.write("3.13/padding", "placebo", 1.4)
    assert bench.series(STACK, "--json") == 0
    (printed,) = json.loads(capsys.readouterr().out)
    assert (printed["status"], printed["results"][0]["stale"]) == ("stack", True)


def test_what_is_not_there_is_told(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.series("3.13/fast-ad") == PatchError.exit_code
    assert "did you mean 3.13/fast-add" in capsys.readouterr().err
    assert bench.record("3.13/nothing") == PatchError.exit_code
    assert bench.series("--record", str(tmp_path / "none")) == DataError.exit_code
    del bench.run["candidates"][0]["comparisons"]
    assert bench.record() == DataError.exit_code
    assert "`comparisons`" in capsys.readouterr().err


def test_a_damaged_result_is_told(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.record()
    path = bench.patches / NAME / "verdict.json"
    path.write_text("{")
    assert bench.series() == DataError.exit_code
    printed = capsys.readouterr().err
    assert f"of {NAME} cannot be read" in printed
    assert "Remove it" in printed
    bench.record("3.13/wrong-add")
    content = bench.kept("3.13/wrong-add")
    del content["results"][0]["session"]["suite"]
    (bench.patches / "3.13/wrong-add/verdict.json").write_text(json.dumps(content))
    assert bench.series("3.13/wrong-add", "--render") == DataError.exit_code


def test_record_and_render_exclude_each_other(bench: Bench) -> None:
    with pytest.raises(SystemExit) as left:
        bench.series("--record", "x", "--render")
    assert left.value.code == UsageError.exit_code


def test_without_any_series_there_is_an_error_and_no_empty_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "PROJECT", tmp_path)
    assert main.main(["series"]) == PatchError.exit_code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert str(tmp_path / "patches") in printed.err


def test_outside_a_checkout_nothing_is_written_but_where_it_is_asked_for(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.record(NAME) == 0
    (tmp_path / ".git").rmdir()
    before = bench.kept()
    bench.run["base"]["title"] = "another base"
    assert bench.record(NAME) == UsageError.exit_code
    assert bench.series("--render") == UsageError.exit_code
    assert "--out DIR" in capsys.readouterr().err

    out = tmp_path / "out"
    assert bench.record(NAME, "--out", str(out)) == 0
    assert bench.record(FLAVOR, "--out", str(out)) == 0

    assert bench.kept() == before
    written = json.loads((out / "patches" / NAME / "verdict.json").read_text())
    titles = [result["base"]["title"] for result in written["results"]]
    assert titles == sorted(["another base", before["results"][0]["base"]["title"]])
    page = out / "patches" / NAME / "RESULT.md"
    text = page.read_text()
    page.unlink()
    assert bench.series("--render", "--out", str(out)) == 0
    assert page.read_text() == text
    assert (out / "experiments" / FLAVOR / "verdict.json").exists()


def test_a_folder_to_write_into_goes_with_what_writes(bench: Bench) -> None:
    assert bench.series("--out", "x") == UsageError.exit_code


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_narrow_terminal_shows_all_of_a_row(
    bench: Bench, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.record()
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, highlight=False)
    monkeypatch.setattr(listing, "print_table", console.print)
    assert bench.series() == 0
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    shown = re.sub(r"\s", "", stream.getvalue())
    for text in (NAME, "0.9472to0.9552", "faster", "notproposed", "broken", "3.13.5plain"):
        assert text in shown
