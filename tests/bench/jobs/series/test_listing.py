"""The command `series`, on series, flavors and runs made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.jobs.series.results import of_series
from bench.results.folder import kept_patches
from builder.errors import DataError, PatchError, StoreError, UsageError
from builder.patches.catalogue import Series, load
from tests import fake
from tests.golden.specimen import specimen

MANIFEST = """\
title = "Faster"
why = "why"
applies_to = ">=3.13,<3.14"
upstream = "none"
status = "STATUS"
effect = "effect"
mechanism = "mechanism"
"""
EXPERIMENT = """\
base = "3.13.5"
[[candidate]]
name = "link-time"
flavor = { lto = true }
[[candidate]]
series = ["3.13/fast-add"]
[[candidate]]
name = "both"
series = ["3.13/fast-add"]
flavor = { lto = true }
"""
NAME = "3.13/fast-add"
FLAVOR = "specimen/link-time"
STACKED = """\
[[candidate]]
name = "stack"
series = ["3.13/fast-add", "3.13/padding"]
"""
STACK = "specimen/stack"
Edit = Callable[[dict[str, Any]], object]


class Bench:
    """A project with three series and a flavor, and a run that measured them, each alone."""

    def __init__(self, folder: Path) -> None:
        (folder / ".git").mkdir()
        self.patches = folder / "patches"
        self.folder = folder / "run"
        self.experiments = folder / "experiments"
        self.experiments.mkdir()
        (self.experiments / "specimen.toml").write_text(EXPERIMENT)
        self.write(NAME, "not proposed", 1.1)
        self.write("3.13/wrong-add", "not proposed", 1.2)
        self.write("3.13/padding", "placebo", 1.3)
        self.run = self.measured()

    def write(self, name: str, status: str, speed: float, more: str = "") -> None:
        folder = self.patches / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "series.toml").write_text(MANIFEST.replace("STATUS", status) + more)
        (folder / "0001-it.patch").write_bytes(fake.speed_patch(speed))

    def measured(self) -> dict[str, Any]:
        run = specimen()
        fast, wrong, padding = run["candidates"]
        run["candidates"].append({**padding, "name": "link-time", "series": []})
        padding |= {"name": "padding", "series": ["3.13/padding"], "suite": fast["suite"]}
        padding |= {"flavor": run["base"]["flavor"], "broken": "", "verdict": "faster"}
        for arm in (fast, wrong, padding):
            stack = [load(self.patches, arm["series"][0])]
            run["experiment"]["arms"].append({"name": arm["name"], "patches": plan(arm, stack)})
        return run

    def stack(self) -> dict[str, Any]:
        """A stack that the experiment asks about and the run measured: its candidate."""
        (self.experiments / "specimen.toml").write_text(EXPERIMENT + STACKED)
        series = ["3.13/fast-add", "3.13/padding"]
        arm: dict[str, Any] = {**self.run["candidates"][0], "name": "stack", "series": series}
        patches = plan(arm, [load(self.patches, one) for one in series])
        self.run["candidates"].append(arm)
        self.run["experiment"]["arms"].append({"name": "stack", "patches": patches})
        return arm

    def kept(self, name: str = NAME) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.patches / name / "result.json").read_text())
        return content

    def series(self, *arguments: str) -> int:
        return main.main(["series", *arguments])

    def record(self, *arguments: str) -> int:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "result.json").write_text(json.dumps(self.run))
        return self.series("--record", str(self.folder), *arguments)


def plan(arm: dict[str, Any], stack: list[Series]) -> dict[str, str]:
    names = [name for name, _patch in kept_patches(arm["name"], stack)]
    values = [sha256 for one in stack for sha256 in of_series(one, Path()).patches.values()]
    return dict(zip(names, values, strict=True))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(main, "PROJECT", tmp_path)
    return Bench(tmp_path)


def test_a_run_is_recorded_and_listed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.series() == 0
    assert capsys.readouterr().out.count("not measured") == 4
    assert bench.record("--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == [NAME, "3.13/wrong-add", "3.13/padding", FLAVOR]
    assert f"{NAME}: fast-add is 1.05x faster over the suite" in told.err
    assert bench.series() == 0
    rows = capsys.readouterr().out.splitlines()
    assert any("fast-add" in row and "0.9472 to 0.9552" in row and "faster" in row for row in rows)
    assert any("wrong-add" in row and "broken" in row for row in rows)


def test_one_series_is_recorded(bench: Bench) -> None:
    assert bench.record(NAME) == 0
    (result,) = bench.kept()["results"]
    assert result["suite"]["ratio"] == 0.9512
    assert [one["name"] for one in result["controls"]] == ["padding"]
    assert "0.9512" in (bench.patches / NAME / "RESULT.md").read_text()
    assert not (bench.patches / "3.13/wrong-add/result.json").exists()


def test_a_flavor_is_recorded_and_shown(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.record(FLAVOR) == 0
    folder = bench.experiments / FLAVOR
    assert "3.13.5 lto against 3.13.5 plain" in (folder / "RESULT.md").read_text()
    assert not (bench.patches / NAME / "result.json").exists()
    capsys.readouterr()
    assert bench.series(FLAVOR) == 0
    assert "link-time is broken: make of 3.13.5 lto exited" in capsys.readouterr().out
    assert bench.series(FLAVOR, "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["status"], told["flavor"]["lto"]) == ("flavor", True)
    assert told["results"][0]["stale"] is False
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
        assert [one["name"] for one in json.loads(capsys.readouterr().out)] == names
    assert bench.series("3.12") == PatchError.exit_code
    assert "There is no series '3.12'" in capsys.readouterr().err


def test_a_run_is_recorded_of_a_branch_alone(bench: Bench) -> None:
    assert bench.record("3.13") == 0
    assert bench.kept()["results"]
    assert bench.kept("3.13/wrong-add")["results"]
    assert not (bench.experiments / FLAVOR / "result.json").exists()


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
    (told,) = json.loads(capsys.readouterr().out)
    assert told["requires"] == told["conflicts"] == []
    (result,) = told["results"]
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
    assert "stale: it has changed since" in capsys.readouterr().out
    assert bench.series(NAME, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["results"][0]["stale"] is True


def test_a_new_result_replaces_the_old_one_and_what_is_stale(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.record(NAME)
    bench.run["base"]["title"] = "3.13.5 pgo"
    bench.record(NAME)
    bench.record(NAME)
    assert [one["base"]["title"] for one in bench.kept()["results"]] == [
        "3.13.5 pgo",
        "3.13.5 plain",
    ]
    bench.write(NAME, "not proposed", 1.7)
    bench.run = bench.measured()
    capsys.readouterr()
    assert bench.record(NAME) == 0
    assert "against 3.13.5 pgo is stale; removed" in capsys.readouterr().err
    assert len(bench.kept()["results"]) == 1


def test_pages_are_made_again_from_what_is_kept(bench: Bench) -> None:
    bench.record()
    page = bench.patches / NAME / "RESULT.md"
    before = page.read_text()
    page.write_text("gone")
    assert bench.series("--render") == 0
    assert page.read_text() == before
    page.unlink()
    assert bench.series(NAME, "--render") == 0
    assert page.read_text() == before


# -- what is not recorded ------------------------------------------------------------------------


def stacked(run: dict[str, Any]) -> None:
    run["candidates"][0]["series"] = ["3.13/wrong-add", NAME]


def on_another(run: dict[str, Any]) -> None:
    run["base"]["series"] = ["3.13/wrong-add"]
    stacked(run)


def other_flavor(run: dict[str, Any]) -> None:
    run["candidates"][0]["flavor"] = {"name": "pgo"}


def laid_out(run: dict[str, Any]) -> None:
    run["candidates"][0]["placebo"] = "padding:1"


def other_patch(run: dict[str, Any]) -> None:
    (arm,) = (one for one in run["experiment"]["arms"] if NAME[5:] in str(one.get("patches")))
    arm["patches"] = dict.fromkeys(arm["patches"], "0" * 64)


def more_patches(run: dict[str, Any]) -> None:
    (arm,) = (one for one in run["experiment"]["arms"] if NAME[5:] in str(one.get("patches")))
    arm["patches"]["patches/fast-add/02-mine/mine.diff"] = "0" * 64


def without_digests(run: dict[str, Any]) -> None:
    for arm in run["experiment"]["arms"]:
        arm.pop("patches", None)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (stacked, ""),
        (on_another, "it stands on 3.13/wrong-add, not on what it requires"),
        (other_flavor, "its flavor is not the base's"),
        (laid_out, "a layout of its own"),
        (other_patch, "not what lies in patches/ now (0001-it.patch)"),
        (more_patches, "not what lies in patches/ now (mine.diff)"),
        (without_digests, "not what lies in patches/ now (0001-it.patch)"),
    ],
)
def test_what_says_nothing_of_the_series_is_refused(
    edit: Edit, reason: str, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(bench.run)
    assert bench.record(NAME) == UsageError.exit_code
    told = capsys.readouterr().err
    assert reason in told
    assert f"no candidate that is {NAME} alone" in told
    assert "fast-add (" in told
    assert not (bench.patches / NAME / "result.json").exists()


def other_flavor_than_asked(arm: dict[str, Any]) -> None:
    arm["flavor"] = {**arm["flavor"], "pgo": True}


def with_patches(arm: dict[str, Any]) -> None:
    arm["series"] = ["mine"]


def of_another_revision(arm: dict[str, Any]) -> None:
    arm["revision"] = {**arm["revision"], "commit": "f" * 40}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (other_flavor_than_asked, "its flavor is not what the experiment has now"),
        (with_patches, "it has patches of its own"),
        (of_another_revision, "its revision is not the base's"),
    ],
)
def test_what_says_nothing_of_the_flavor_is_refused(
    edit: Edit, reason: str, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(bench.run["candidates"][3])
    assert bench.record(FLAVOR) == UsageError.exit_code
    assert reason in capsys.readouterr().err


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
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["status"], told["results"][0]["stale"]) == ("stack", True)


def other_order(arm: dict[str, Any]) -> None:
    arm["series"] = arm["series"][::-1]


def other_flavor_than_its_base(arm: dict[str, Any]) -> None:
    arm["flavor"] = {**arm["flavor"], "name": "lto"}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (other_order, "its series are not what the experiment has now"),
        (other_flavor_than_its_base, "its flavor is not the base's"),
        (of_another_revision, "its revision is not the base's"),
    ],
)
def test_what_says_nothing_of_the_stack_is_refused(
    edit: Edit, reason: str, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(bench.stack())
    assert bench.record(STACK) == UsageError.exit_code
    assert reason in capsys.readouterr().err


def test_a_stack_of_other_patches_is_refused(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.stack()
    bench.write("3.13/padding", "placebo", 1.4)
    assert bench.record(STACK) == UsageError.exit_code
    assert "what was measured is not what lies in patches/ now" in capsys.readouterr().err


def test_a_series_on_what_it_requires_is_recorded(bench: Bench) -> None:
    bench.write(NAME, "not proposed", 1.1, 'requires = ["3.13/wrong-add"]\n')
    on_another(bench.run)
    stack = [load(bench.patches, name) for name in bench.run["candidates"][0]["series"]]
    for arm in bench.run["experiment"]["arms"]:
        if arm["name"] == "fast-add":
            arm["patches"] = plan(arm, stack)
    assert bench.record(NAME) == 0


def test_what_is_not_there_is_told(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.series("3.13/fast-ad") == PatchError.exit_code
    assert "did you mean 3.13/fast-add" in capsys.readouterr().err
    assert bench.record("3.13/nothing") == PatchError.exit_code
    assert bench.series("--record", str(tmp_path / "none")) == DataError.exit_code
    del bench.run["candidates"][0]["comparisons"]
    assert bench.record() == DataError.exit_code
    assert "KeyError" in capsys.readouterr().err


def test_a_damaged_result_is_told(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.record()
    path = bench.patches / NAME / "result.json"
    path.write_text("{")
    assert bench.series() == DataError.exit_code
    told = capsys.readouterr().err
    assert f"of {NAME} cannot be read" in told
    assert "Remove it" in told
    bench.record("3.13/wrong-add")
    content = bench.kept("3.13/wrong-add")
    del content["results"][0]["session"]["suite"]
    (bench.patches / "3.13/wrong-add/result.json").write_text(json.dumps(content))
    assert bench.series("3.13/wrong-add", "--render") == DataError.exit_code


def test_a_folder_that_cannot_be_written(bench: Bench) -> None:
    (bench.patches / NAME / "RESULT.md").mkdir()
    assert bench.record(NAME) == StoreError.exit_code


def test_record_and_render_exclude_each_other(bench: Bench) -> None:
    with pytest.raises(SystemExit) as left:
        bench.series("--record", "x", "--render")
    assert left.value.code == UsageError.exit_code


def test_without_any_series_there_is_an_error_and_no_empty_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "PROJECT", tmp_path)
    assert main.main(["series"]) == PatchError.exit_code
    told = capsys.readouterr()
    assert told.out == ""
    assert str(tmp_path / "patches") in told.err


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
    written = json.loads((out / "patches" / NAME / "result.json").read_text())
    titles = [one["base"]["title"] for one in written["results"]]
    assert titles == sorted(["another base", before["results"][0]["base"]["title"]])
    page = out / "patches" / NAME / "RESULT.md"
    text = page.read_text()
    page.unlink()
    assert bench.series("--render", "--out", str(out)) == 0
    assert page.read_text() == text
    assert (out / "experiments" / FLAVOR / "result.json").exists()


def test_a_folder_to_write_into_goes_with_what_writes(bench: Bench) -> None:
    assert bench.series("--out", "x") == UsageError.exit_code
