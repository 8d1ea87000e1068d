"""The command `report`, on results made by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from tests.golden.specimen import specimen


def results(folder: Path, **changed: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(specimen() | changed))
    return folder


def test_a_report_is_rendered_as_a_run_leaves_it(tmp_path: Path) -> None:
    folder = results(tmp_path / "r")
    assert main(["--quiet", "report", str(folder)]) == 0
    made = {path.name for path in folder.iterdir()} - {"result.json", ".lock"}
    assert {"report.html", "report.md", "mail.txt"} <= made


def test_formats_go_to_files_or_to_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = results(tmp_path / "r")
    assert main(["report", str(folder), "--format", "csv,svg,png,json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == specimen()
    assert f"Report: {folder / 'report.csv'}" in output.err
    assert output.err.count("charts") == 1
    kinds = {path.suffix for path in (folder / "charts").iterdir()}
    assert kinds == {".svg", ".png"}
    assert not (folder / "report.html").exists()
    assert main(["report", str(folder), "--format", "text"]) == 0
    assert "fast-add is 1.05x faster" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--no-times"]])
def test_absolute_times_can_be_left_out_but_not_of_the_data(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = results(tmp_path / "r")
    formats = ["--format", "md,mail,submission,csv,text"]
    assert main(["report", str(folder), *formats, *options]) == 0
    texts = [path.read_text() for path in folder.iterdir() if path.suffix in (".md", ".txt")]
    texts.append(capsys.readouterr().out)
    assert [("CPU time" in text) for text in texts] == [not options] * 4
    assert ("base_seconds" in (folder / "report.csv").read_text()) == (not options)
    assert main(["report", str(folder), "--format", "json", *options]) == 0
    assert "base_seconds" in capsys.readouterr().out


def test_an_unknown_format_says_which_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["report", str(tmp_path), "--format", "html,pdf"])
    assert re.search(
        r"'pdf' is not one of html, md, mail, .*csv, .*svg, png", capsys.readouterr().err
    )


def test_an_index_leads_to_all_reports(tmp_path: Path) -> None:
    folders = [results(tmp_path / "with space & <b>"), results(tmp_path / "a:b" / "deep")]
    page = tmp_path / "site" / "index.html"
    given = [str(folder) for folder in folders]
    assert main(["--quiet", "report", *given, "--format", "md", "--index", str(page)]) == 0

    links = set(re.findall(r'href="(\./[^"]*)"', page.read_text()))
    assert links == {
        "./../with%20space%20%26%20%3Cb%3E/report.html",
        "./../a%3Ab/deep/report.html",
    }
    assert all((folder / "report.html").is_file() for folder in folders)


def test_a_damaged_result_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = results(tmp_path / "r", candidates=[{"name": "x"}])
    assert main(["report", str(folder), "--format", "csv,html"]) == 13
    output = " ".join(capsys.readouterr().err.split())
    assert "The result is damaged: it cannot be read." in output
    assert "required field `title` - at `$.candidates[0]`" in output
    assert [path.name for path in folder.iterdir()] == ["result.json"]


def test_what_is_kept_of_a_series_is_no_result_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {"schema": 1, "name": "3.13/fast-add", "results": []}
    for name in ("verdict.json", "result.json"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text(json.dumps(kept))
        assert main(["report", str(folder)]) == 13
        output = " ".join(capsys.readouterr().err.split())
        assert "verdict of a series, stack or flavor, not the results of a run" in output
        assert "patchbench series BRANCH/NAME" in output
        assert str(folder / name) in output
