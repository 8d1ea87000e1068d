"""Bundles on the command line, with synthetic results; the last test does a real run."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.experiments.experiment import Experiment
from bench.jobs.bundle import archive, verify
from bench.report.formats import catalogue
from bench.results import read
from bench.run import run as run_module
from builder.errors import DataError, StoreError, UsageError, VerifyError
from tests import pipeline
from tests.bench.results_folder import NAME, lay_out, rewrite


class Bench:
    """A results folder, its bundle, and the command line."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.results = root / "out"
        self.bundle = root / "evidence.tar.gz"

    def patchbench(self, *arguments: object) -> int:
        return main(["--quiet", "--home", str(self.root / "home"), *map(str, arguments)])

    def pack(self) -> Path:
        assert self.patchbench("bundle", self.results, "--out", self.bundle) == 0
        return self.bundle

    def repacked(self, change: Callable[[Path], Any]) -> Path:
        """The bundle with one file altered, and its manifest altered to match."""
        folder = self.root / "unpacked"
        folder.mkdir()
        archive.unpack(self.bundle, folder)
        change(folder)
        members: dict[str, bytes | Path] = {
            path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*")
            if path.is_file() and path.name != archive.MANIFEST
        }
        forged = self.root / "forged.tar.gz"
        archive.pack(members, forged, top="x", version="0.1.0", renderer=verify.renderer())
        return forged


@pytest.fixture(autouse=True)
def _quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reports without charts."""
    monkeypatch.setattr(catalogue, "OF_A_RUN", ("md", "mail", "submission"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "out"
    lay_out(folder)
    return folder


@pytest.fixture
def bench(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    made = Bench(tmp_path)
    shutil.copytree(original, made.results)
    return made


def printed_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_bundle_holds_all_of_a_run_and_verifies(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = bench.pack()
    sha256 = hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert capsys.readouterr().out == f"{sha256}  {bundle}\n"
    with tarfile.open(bundle) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert names >= {
        *("MANIFEST.json", "plan.json", "result.json", "environment.json"),
        *("report.md", "mail.txt", "submission.md", "raw/rules.json"),
        f"patches/{NAME}/01-{NAME}/{NAME}.patch",
        "raw/blocks/0000-nbody/base.json",
    }
    assert not [name for name in names if Path(name).name.startswith(".")]

    assert bench.patchbench("verify", bundle) == 0
    out = capsys.readouterr().out
    assert "Every figure follows from the raw data." in out
    assert "DISAGREE" not in out


def test_it_verifies_where_nothing_else_is(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "renamed.tar.gz"
    elsewhere.write_bytes(bench.pack().read_bytes())
    capsys.readouterr()
    assert bench.patchbench("verify", elsewhere, "--json") == 0
    report = printed_json(capsys)
    assert report["agrees"]
    assert report["bundle"] == "renamed.tar.gz"
    assert [check["problems"] for check in report["checks"]] == [[]] * 8
    assert not (bench.root / "home").exists()


def test_the_same_results_give_the_same_bundle(bench: Bench) -> None:
    first = bench.pack().read_bytes()
    (bench.results / "report.md").write_text("an older one")
    assert bench.pack().read_bytes() == first


def test_a_digit_that_was_altered_is_named(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.pack()
    name = f"raw/blocks/0002-nbody/{NAME}.json"

    def change(folder: Path) -> None:
        rewrite(folder / name, {"benchmarks.0.runs.0.values": [0.009, 0.009, 0.0091]})

    forged = bench.repacked(change)
    capsys.readouterr()
    assert bench.patchbench("verify", forged) == VerifyError.exit_code
    out, err = capsys.readouterr()
    assert "raw data" in out
    assert "1 DISAGREE" in out
    assert "The bundle does not verify: 1 problem." in err
    assert f"{name}, mean: recorded is 0.00" in err


def test_an_altered_member_is_named_by_the_manifest(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where no figure depends on it: a digit in pyperf's metadata of the machine."""
    source = bench.pack()
    folder = bench.root / "unpacked"
    folder.mkdir()
    archive.unpack(source, folder)
    rewrite(folder / "raw/blocks/0001-nbody/base.json", {"version": "1.1"})
    altered = bench.root / "altered.tar.gz"
    with tarfile.open(altered, "w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, f"x/{path.relative_to(folder)}")
    capsys.readouterr()
    assert bench.patchbench("verify", altered, "--json") == VerifyError.exit_code
    out, err = capsys.readouterr()
    problems = [problem for check in json.loads(out)["checks"] for problem in check["problems"]]
    assert problems == [
        "raw/blocks/0001-nbody/base.json: it is not what was packed (another SHA-256)"
    ]
    assert problems[0] in err


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("result.json", "{", "There is no result here: result.json cannot be read. result.json"),
        ("plan.json", "[]", "plan.json cannot be read. plan.json: it is no JSON object"),
        (
            "raw/rules.json",
            "{",
            "A file of the results folder is damaged: it cannot be read. raw/rules.json",
        ),
        ("more.txt", "more", "more.txt: this version of patchbench makes no such report"),
        (
            "raw/blocks/0000-nbody/block.json",
            "[1]",
            "is damaged: it cannot be read. raw/blocks/0000-nbody/block.json",
        ),
    ],
)
def test_contents_that_cannot_be_read_are_named(
    name: str, text: str, expected: str, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.pack()
    forged = bench.repacked(lambda folder: (folder / name).write_text(text))
    assert bench.patchbench("verify", forged) == VerifyError.exit_code
    assert expected in capsys.readouterr().err


def test_reports_of_another_patchbench_are_not_compared(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.pack()
    monkeypatch.setattr(verify, "renderer", lambda: "another")
    forged = bench.repacked(lambda folder: (folder / "mail.txt").write_text("other words"))
    monkeypatch.setattr(verify, "renderer", lambda: "yet another")
    assert bench.patchbench("verify", forged) == 0
    assert "agree: made by another version of patchbench" in capsys.readouterr().out


def test_a_report_that_was_altered_is_named(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.pack()
    forged = bench.repacked(lambda folder: (folder / "mail.txt").write_text("other words"))
    assert bench.patchbench("verify", forged) == VerifyError.exit_code
    assert "mail.txt: it is not the report of result.json" in capsys.readouterr().err


def test_hostile_text_of_a_bundle_stays_text(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.pack()
    evil = "\x1b[2J\x1b]0;owned\x07[red]x[/red]"
    forged = bench.repacked(lambda folder: rewrite(folder / "plan.json", {"name": evil}))
    bench.patchbench("verify", forged)
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err


def test_many_problems_are_told_in_part(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_SHOWN", 5)
    bench.pack()
    forged = bench.repacked(lambda folder: rewrite(folder / "result.json", {"blocks": []}))
    assert bench.patchbench("verify", forged) == VerifyError.exit_code
    assert "... and 3 more (--json lists all)" in capsys.readouterr().err


def test_an_archive_that_climbs_out_is_refused(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = bench.root / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as tar:
        tar.add(bench.results / "plan.json", "x/../../../evil")
    for command in ("verify", "reproduce"):
        assert bench.patchbench(command, evil) == VerifyError.exit_code
        assert "leads out of its folder" in capsys.readouterr().err
    assert not list(bench.root.rglob("evil"))


# -- what cannot be packed ------------------------------------------------------------------------


def test_a_folder_that_does_not_agree_with_itself_is_not_packed(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(bench.results / "result.json", {"candidates.0.suite.ratio": 0.5})
    assert bench.patchbench("bundle", bench.results) == VerifyError.exit_code
    assert "fast, suite, ratio: recorded is 0.5, recomputed 0." in capsys.readouterr().err
    assert not list(bench.root.glob("*.tar.gz"))


def test_a_plan_of_another_run_is_not_packed(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(bench.results / "plan.json", {"seed": 8})
    assert bench.patchbench("bundle", bench.results) == VerifyError.exit_code
    assert "their seed differs" in capsys.readouterr().err


def test_links_are_not_followed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    (bench.results / "raw" / "blocks" / "secret.json").symlink_to("/etc/hostname")
    assert bench.patchbench("bundle", bench.results) == StoreError.exit_code
    assert "contains a link" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x.zip", "x", ".tar.gz"])
def test_a_bundle_is_called_what_it_is(name: str, bench: Bench) -> None:
    assert bench.patchbench("bundle", bench.results, "--out", name) == UsageError.exit_code


def test_a_folder_without_a_result(bench: Bench, tmp_path: Path) -> None:
    (bench.results / "result.json").unlink()
    assert bench.patchbench("bundle", bench.results) == DataError.exit_code


def test_a_bundle_is_named_after_its_experiment(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.patchbench("bundle", bench.results, "--json") == 0
    report = printed_json(capsys)
    identity = read(bench.results).experiment.identity
    assert report["bundle"] == f"evidence-{identity}.tar.gz"
    assert Path(report["bundle"]).stat().st_size == report["bytes"]


# -- running it again -----------------------------------------------------------------------------


def stand_in(monkeypatch: pytest.MonkeyPatch, factor: float, code: int = 0) -> list[Experiment]:
    """A run that returns synthetic results."""
    asked: list[Experiment] = []

    def run(_context: Any, experiment: Experiment, *, out: Path, **_more: Any) -> int:
        asked.append(experiment)
        for patch in (patch for arm in experiment.candidates for patch in arm.patches):
            assert Path(patch).is_file()
        print("what a run says")
        if not out.exists():
            lay_out(out, seed=8, factor=factor)
        return code

    monkeypatch.setattr(run_module, "run", run)
    return asked


def test_both_results_stand_side_by_side(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = stand_in(monkeypatch, 0.9)
    bench.pack()
    capsys.readouterr()
    assert bench.patchbench("reproduce", bench.bundle, "--source", "debian", "--seed", "3") == 0
    out, err = capsys.readouterr()
    assert "what a run says" in err
    assert "what a run says" not in out
    assert "The intervals of 2 of 2 benchmarks overlap; 2 of 2 have the same verdict." in out
    assert "builds: the same recipes" in out
    assert asked[0].session.seed == 3
    identity = read(bench.results).experiment.identity
    written = Path("results") / f"evidence-{identity}-again" / "reproduction.json"
    assert json.loads(written.read_text())["agrees"]


def test_a_contradiction_has_an_exit_code_of_its_own(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, 1.1)
    bench.pack()
    capsys.readouterr()
    arguments = ("reproduce", bench.bundle, "--source", "debian", "--out", "again", "--json")
    assert bench.patchbench(*arguments) == 1
    report = printed_json(capsys)
    assert not report["agrees"]
    assert {pair["agreement"] for pair in report["pairs"]} == {"contradiction"}
    assert report["pairs"][1]["before"]["ratio"] < 1 < report["pairs"][1]["after"]["ratio"]


def test_the_exit_code_of_the_run_comes_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, 1.1, code=7)
    bench.pack()
    assert bench.patchbench("reproduce", bench.bundle, "--source", "debian") == 7


def test_a_run_is_not_set_beside_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = stand_in(monkeypatch, 0.9)
    bench.pack()
    arguments = ("reproduce", bench.bundle, "--source", "debian", "--out", bench.results)
    assert bench.patchbench(*arguments) == UsageError.exit_code
    assert asked == []


def test_what_does_not_verify_is_not_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = stand_in(monkeypatch, 0.9)
    bench.pack()
    forged = bench.repacked(lambda folder: rewrite(folder / "result.json", {"session.seed": 9}))
    assert bench.patchbench("reproduce", forged) == VerifyError.exit_code
    assert asked == []


def test_a_source_of_the_users_own_is_asked_for(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.pack()
    assert bench.patchbench("reproduce", bench.bundle) == UsageError.exit_code
    assert "--source WHERE" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_of_the_fake_is_bundled_verified_and_reproduced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = pipeline.lay_out(tmp_path)
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(ground.host_lock))
    monkeypatch.chdir(tmp_path)
    home = ["--quiet", "--home", str(ground.home)]
    source = str(tmp_path / "fake.git")
    assert main(ground.arguments()) == 0
    assert main([*home, "bundle", str(ground.out), "--out", "x.tar.gz"]) == 0
    assert main([*home, "verify", "x.tar.gz", "--source", source]) == 0
    assert "trees              2 compared  agree" in capsys.readouterr().out
    suite = str(tmp_path / "suite" / "MANIFEST")
    again = ["reproduce", "x.tar.gz", "--source", source, "--suite", suite, "--json"]
    assert main([*home, *again]) in (0, 1)
    report = printed_json(capsys)
    assert report["same_builds"]
    assert [pair["benchmark"] for pair in report["pairs"]] == ["", "fast", "pair_one", "pair_two"]
