"""The main job on a real CPython: real source package, compiler, regrtest and pyperformance.

Two builds of 2.7.18, about five minutes each from an empty cache on two shared cores.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pyperf
import pytest

from bench.cli import main as cli
from bench.cli.main import main
from tests.test_published import offences

pytestmark = pytest.mark.real

EXPERIMENT = """
base = "2.7.18"
source = "debian"
suite = ["nbody", "richards"]
[[candidate]]
series = ["2.7/inline-fast-paths"]
[session]
blocks = 8
seed = 1
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    path = tmp_path / "real.toml"
    path.write_text(EXPERIMENT)
    return path


def _run(experiment: Path, home: Path, out: Path) -> int:
    # All blocks: what follows counts them.
    arguments = ["run", str(experiment), "--out", str(out), "--until", "blocks"]
    return main(["--home", str(home), *arguments])


def _result(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "result.json").read_text())
    return content


def test_a_series_of_ours_runs_to_its_verdict(
    experiment: Path, real_home: Path, results: Path
) -> None:
    assert _run(experiment, real_home, results) == 0
    result = _result(results)
    base, candidate = result["base"], result["candidates"][0]
    for arm in (base, candidate):
        facts = arm["build"]["facts"]
        assert facts["version"] == "2.7.18"
        assert facts["computed_gotos"]
        assert facts["indirect_jumps"] > 50
        assert not facts["pgo"]
        assert "-fwrapv" in facts["config"]["CFLAGS"]
        assert {"_ssl", "zlib", "_ctypes"} <= set(facts["modules"])
    assert base["build"]["facts"]["code"] != candidate["build"]["facts"]["code"]
    assert candidate["gate"]["broken"] == []
    assert candidate["gate"]["tests"] > 40
    assert not candidate["missing"]
    # Callgrind counts a third fewer instructions: far beyond what noise could turn around.
    nbody = next(row for row in candidate["comparisons"] if row["benchmark"] == "nbody")
    assert nbody["verdict"] == "faster"
    assert nbody["blocks"] == 8
    assert "faster" in (results / "report.md").read_text()


def test_its_result_is_recorded_beside_its_patches(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(cli.PROJECT / "patches", tmp_path / "patches")
    (tmp_path / ".git").mkdir()  # a checkout: elsewhere --record asks for --out
    monkeypatch.setattr(cli, "PROJECT", tmp_path)
    folder = tmp_path / "patches" / "2.7" / "inline-fast-paths"
    (folder / "verdict.json").unlink(missing_ok=True)
    assert main(["series", "--record", str(results)]) == 0
    (kept,) = json.loads((folder / "verdict.json").read_text())["results"]
    assert kept["suite"] == _result(results)["candidates"][0]["suite"]
    page = (folder / "RESULT.md").read_text()
    assert "against 2.7.18 plain" in page
    assert offences(page + json.dumps(kept)) == []


def test_raw_trials_are_pyperfs_own_json(results: Path) -> None:
    trials = sorted(results.glob("raw/blocks/*/base.json"))
    assert len(trials) == 16
    protocols = _result(results)["session"]["protocols"]
    assert set(protocols.values()) <= {"corun", "lockstep"}
    for trial in trials:
        benchmark = pyperf.Benchmark.load(str(trial))
        assert benchmark.get_name() in {"nbody", "richards"}
        assert benchmark.get_metadata()["patchbench_protocol"] == protocols[benchmark.get_name()]


def test_the_same_run_again_builds_and_measures_nothing(
    experiment: Path, real_home: Path, results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = _result(results)
    trials = {path: path.stat().st_mtime_ns for path in results.rglob("raw/**/*.json")}
    assert _run(experiment, real_home, results) == 0
    captured = capfd.readouterr()
    assert "Already complete" in captured.err
    assert "configure" not in captured.err
    assert _result(results) == before
    assert {path: path.stat().st_mtime_ns for path in results.rglob("raw/**/*.json")} == trials


def test_the_builds_are_listed_with_their_facts(
    real_home: Path, results: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(real_home), "builds", "--json"]) == 0
    listed = {row["key"]: row for row in json.loads(capfd.readouterr().out)}
    result = _result(results)
    for arm in (result["base"], result["candidates"][0]):
        assert listed[arm["build"]["key"]]["facts"]["version"] == "2.7.18"


def test_every_series_applies_to_its_release(
    tmp_path: Path, real_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each alone, by its dry run: source, series, compiler and plan, and nothing built."""
    root = Path(__file__).parent.parent / "patches"
    names = sorted(str(path.parent.relative_to(root)) for path in root.glob("*/*/series.toml"))
    assert {name.split("/")[0] for name in names} == {"2.7", "3.13"}
    newest = {"2.7": "2.7.18", "3.13": "3.13.5"}
    for name in names:
        own = tomllib.loads((root / name / "series.toml").read_text())
        stack = [word for row in (*own.get("requires", ()), name) for word in ("--series", row)]
        arguments = ["--base", newest[name.split("/")[0]], *stack, "--source", "debian"]
        assert main(["--home", str(real_home), "run", *arguments, "--dry-run"]) == 0
        assert f" + {name}, build" in capfd.readouterr().out
