"""A whole run on the fake CPython, with replicas, an A/A arm and placebos."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.results.result import parse_document
from bench.results.shape import Result
from bench.run.run import _exit_code
from builder.errors import EXIT_VERDICT, BrokenError
from tests import fake
from tests.bench.results.given import suite
from tests.fake.repository import commit_tree
from tests.golden.specimen import specimen

EXPERIMENT = """
base = "main"
source = "SOURCE"
suite = ["suite/MANIFEST"]
[[candidate]]
patch = "slow.patch"
[session]
blocks = 5
seed = 7
process_seconds = 0.05
replicas = 2
aa = true
placebos = 1
until = "blocks"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    commit_tree(folder / "fake.git", fake.write_tree(folder / "tree"))
    (folder / "slow.patch").write_bytes(fake.speed_patch(1.2))
    shutil.copytree(Path(fake.__file__).parent / "suite", folder / "suite")
    (folder / "x.toml").write_text(EXPERIMENT.replace("SOURCE", str(folder / "fake.git")))
    return folder


@pytest.fixture(scope="module")
def result(place: Path) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBENCH_HOST_LOCK", str(place / "host.lock"))
        out = place / "out"
        arguments = ["--home", str(place / "home"), "run", str(place / "x.toml")]
        assert main.main([*arguments, "--out", str(out), "--quiet", "--json"]) == 0
        document: dict[str, Any] = json.loads((out / "result.json").read_text())
        return document


def by_name(result: dict[str, Any]) -> dict[str, Any]:
    return {arm["name"]: arm for arm in result["candidates"]}


@pytest.mark.slow
def test_every_arm_has_its_builds(result: dict[str, Any]) -> None:
    arms = {"base": result["base"], **by_name(result)}
    assert {name: arm["kind"] for name, arm in arms.items()} == {
        "base": "base",
        "slow": "candidate",
        "aa": "aa",
        "placebo-padding-1": "placebo",
    }
    keys = [replica["key"] for arm in arms.values() for replica in arm["replicas"]]
    assert len(set(keys)) == len(keys) == 8
    assert all(arm["build"]["key"] == arm["replicas"][0]["key"] for arm in arms.values())


@pytest.mark.slow
def test_blocks_rotate_over_the_replicas(result: dict[str, Any]) -> None:
    assert result["session"]["replicas"] == 2
    assert {block["number"] % 2 == block["replica"] for block in result["blocks"]} == {True}
    for row in by_name(result)["slow"]["comparisons"]:
        assert (row["blocks"], row["builds"]) == (5, 2)
        assert row["ratio"] == pytest.approx(1.2, rel=0.1)
        assert not any(text.startswith("one-build") for text in row["warnings"])
    warnings = by_name(result)["slow"]["suite"]["warnings"]
    assert any(text.startswith("few-builds") for text in warnings)


@pytest.mark.slow
def test_what_the_placebos_and_the_aa_arm_say_is_told(result: dict[str, Any]) -> None:
    placebo = by_name(result)["placebo-padding-1"]
    ratio = placebo["suite"]["ratio"]
    assert result["placebo_band"]["suite"] == [ratio, ratio]
    assert set(result["placebo_band"]["benchmarks"]) == {"fast", "pair_one", "pair_two"}
    assert result["session"]["false_calls"]["of"] == 3
    assert result["session"]["until"] == "blocks"
    assert set(result["session"]["protocols"]) == {"fast", "pair_one", "pair_two"}
    assert "not calibrated" in result["session"]["calibration"]


@pytest.mark.slow
def test_the_reports_are_there(result: dict[str, Any], place: Path) -> None:
    names = {path.name for path in (place / "out").iterdir()}
    assert result
    assert {"result.json", "report.html", "report.md", "mail.txt", "protocols.json"} <= names
    assert not list((place / "out" / "patches").glob("placebo*"))


@pytest.mark.slow
def test_what_each_arm_changes_is_in_the_result_and_not_in_the_plan(
    result: dict[str, Any], place: Path
) -> None:
    changes = {name: arm.get("change") for name, arm in by_name(result).items()}
    assert changes["aa"] is changes["placebo-padding-1"] is None
    assert changes["slow"]["subject"] == "slow.patch"
    assert changes["slow"]["patch_file"] == "patches/slow/"
    assert changes["slow"]["count"]["files"] == 1
    assert "change" not in (place / "out" / "plan.json").read_text().replace('"changed"', "")


# -- the exit code -------------------------------------------------------------------------------


def ended(**verdicts: str) -> Result:
    """A result with one arm for each kind, its suite with a verdict."""
    result = parse_document(specimen())
    arm = replace(result.candidates[0], comparisons=())
    arms = (
        replace(arm, kind=kind, verdict=verdict, suite=suite(1.0, verdict))
        for kind, verdict in verdicts.items()
    )
    return replace(result, candidates=tuple(arms))


def test_fail_on_asks_about_candidates() -> None:
    slower = ended(candidate="slower", aa="equivalent")
    assert _exit_code(slower, "slower") == _exit_code(slower, "different") == EXIT_VERDICT
    assert _exit_code(slower, "faster") == _exit_code(slower, None) == 0


def test_fail_on_does_not_ask_about_the_base_itself() -> None:
    result = ended(candidate="equivalent", aa="slower", placebo="slower")
    assert _exit_code(result, "slower") == 0
    assert _exit_code(ended(placebo="slower"), "slower") == EXIT_VERDICT


def test_whatever_is_broken_has_its_own_code() -> None:
    assert _exit_code(ended(candidate="faster", placebo="broken"), None) == BrokenError.exit_code
