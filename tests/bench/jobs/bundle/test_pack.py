"""Bundles on the command line, with synthetic results; the last test does a real run."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.experiments.experiment import Experiment
from bench.results import read
from bench.run import run as run_module
from builder.errors import DataError, StoreError, UsageError, VerifyError
from tests import pipeline
from tests.bench.jobs.bundle.conftest import Bench
from tests.bench.results_folder import NAME, lay_out, rewrite


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


def test_the_same_results_give_the_same_bundle(bench: Bench) -> None:
    first = bench.pack().read_bytes()
    (bench.results / "report.md").write_text("an older one")
    assert bench.pack().read_bytes() == first


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
@pytest.mark.usefixtures("quick_reports")
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
