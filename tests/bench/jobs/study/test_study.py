"""The studies' jobs, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main as cli
from bench.cli.main import main
from bench.jobs.study import study
from bench.jobs.study.study import StudyRequest
from bench.util import documents
from bench.validation import page, recordings, simulated
from bench.validation.findings import Part
from builder.errors import DataError, UsageError
from tests.bench.jobs.inventory.test_builds import Workbench
from tests.bench.validation.test_recordings import result
from tests.pipeline import PROJECT, SUITE


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "FEW_COMPARISONS", 16)


def parts(folder: Path) -> list[str]:
    return [row["name"] for row in json.loads((folder / study.FILE).read_text("utf-8"))["parts"]]


@pytest.mark.usefixtures("few")
def test_recorded_results_of_ours_and_of_others(tmp_path: Path) -> None:
    data = tmp_path / "theirs"
    data.mkdir()
    values = [[1.0 + number / 100, 1.01, 1.02] for number in range(8)]
    (data / "theirs.json").write_text(json.dumps(result("a", *values)))
    command = ["study", "recorded", "--small", "--out", str(tmp_path), "--data", str(data)]
    assert main(command) == 0
    text = (tmp_path / study.PAGE).read_text("utf-8")
    assert "theirs: 1 benchmarks of 8 processes, 16 splits each" in text
    assert "16 benchmarks of 40 processes, 1 splits each" in text
    before = text
    assert main(command) == 0
    assert (tmp_path / study.PAGE).read_text("utf-8") == before


@pytest.mark.usefixtures("few")
def test_each_study_fills_its_own_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = ["--small", "--out", str(tmp_path)]
    done: list[str] = []

    def simulate(sizes: simulated.Sizes, **_: object) -> simulated.Part:
        done.append("simulated" if sizes == simulated.SMALL else "all of it")
        return simulated.Part(name="simulated", setup=("s",), findings=())

    monkeypatch.setattr(simulated, "study", simulate)
    assert main(["study", "simulated", *out]) == 0
    assert parts(tmp_path) == ["simulated"]
    assert main(["study", "recorded", *out]) == 0
    assert parts(tmp_path) == ["recorded", "simulated"]
    assert done == ["simulated"]
    (tmp_path / study.PAGE).unlink()
    assert main(["study", "page", "--out", str(tmp_path)]) == 0
    assert "Not done yet: `study real`." in (tmp_path / study.PAGE).read_text("utf-8")


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 9, "parts": []}', '{"schema": 1}'])
def test_damaged_findings_are_told(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / study.FILE).write_text(text)
    assert main(["study", "page", "--out", str(tmp_path)]) == DataError.exit_code
    assert "Remove the file" in capsys.readouterr().err


def test_a_study_in_small_goes_not_into_the_docs() -> None:
    class Somewhere:
        project = PROJECT

    assert StudyRequest(small=True).folder(Somewhere()) == Path("results/study-small")  # type: ignore[arg-type]
    assert StudyRequest().folder(Somewhere()) == PROJECT / "docs"  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["recorded", "simulated", "real", "page", "variants"])
def test_outside_a_checkout_a_study_needs_a_folder(
    which: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "PROJECT", tmp_path)
    assert main(["--home", str(tmp_path / "home"), "study", which]) == UsageError.exit_code
    text = capsys.readouterr().err
    assert f"{tmp_path}/docs" in text
    assert "--out DIR" in text
    assert list(tmp_path.iterdir()) == []


def test_the_page_about_the_method_gets_the_summary(tmp_path: Path) -> None:
    class Somewhere:
        project = tmp_path

        class show:  # noqa: N801
            say = staticmethod(print)

    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / ".git").mkdir()
    data = (PROJECT / "docs" / study.FILE).read_text("utf-8")
    (docs / study.FILE).write_text(data, "utf-8")
    first, last = page.MARKS
    (docs / study.METHOD).write_text(f"Above.\n{first}\nold\n{last}\nBelow.\n", "utf-8")
    assert study.write_page(Somewhere(), StudyRequest()) == 0  # type: ignore[arg-type]
    parts = [documents.load(Part, row) for row in json.loads(data)["parts"]]
    expected = f"Above.\n{first}\n{page.summary(parts)}{last}\nBelow.\n"
    assert (docs / study.METHOD).read_text("utf-8") == expected


@pytest.mark.slow
def test_simulations_in_small(tmp_path: Path) -> None:
    assert main(["study", "simulated", "--small", "--out", str(tmp_path)]) == 0
    text = (tmp_path / study.PAGE).read_text("utf-8")
    assert f"{simulated.SMALL.null} sessions of 40 benchmarks" in text


@pytest.mark.slow
def test_the_fake_is_recorded_and_measured_against_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sessions alone: one undisturbed, one killed, one under load; pyperformance knows no fakes."""
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(tmp_path / "host.lock"))
    workbench = Workbench(tmp_path)
    assert workbench.patchbench("build", *workbench.arms) == 0
    suite = ["--benchmarks", f"{SUITE / 'MANIFEST'}"]
    results, out = tmp_path / "measured", tmp_path / "docs"
    command = ["study", "real", *suite, "--results", str(results), "--out", str(out), "--small"]
    assert workbench.patchbench(*command, "--pairs", "0") == 0
    done = [json.loads(path.read_text()) for path in sorted(results.glob("alone-*/done.json"))]
    assert {"killed and resumed", "under load"} <= {session["how"] for session in done}
    assert all(row["ratio"] > 0 for session in done for row in session["rows"])
    text = (out / study.PAGE).read_text("utf-8")
    assert "all comparisons: called different" in text
    assert str(tmp_path) not in text
    before = {path: path.stat().st_mtime_ns for path in results.rglob("block.json")}
    assert workbench.patchbench(*command, "--pairs", "0") == 0
    assert {path: path.stat().st_mtime_ns for path in results.rglob("block.json")} == before

    file = tmp_path / "recorded.json.gz"
    record = ["study", "record", *suite, "--processes", "4", "--out", str(file)]
    assert workbench.patchbench(*record) == 0
    assert all(len(processes) == 4 for processes in recordings.read(file).values())
    assert "recorded.json.gz" in capsys.readouterr().err
