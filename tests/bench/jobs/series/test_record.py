"""Recording a run: what is stored beside a series, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from builder.errors import StoreError, UsageError
from builder.patches.catalogue import load
from tests.bench.jobs.series.made_up import (
    FLAVOR,
    NAME,
    STACK,
    Bench,
    Edit,
    plan,
)


def test_one_series_is_recorded(bench: Bench) -> None:
    assert bench.record(NAME) == 0
    (result,) = bench.kept()["results"]
    assert result["suite"]["ratio"] == 0.9512
    assert [control["name"] for control in result["controls"]] == ["padding"]
    assert "0.9512" in (bench.patches / NAME / "RESULT.md").read_text()
    assert not (bench.patches / "3.13/wrong-add/verdict.json").exists()


def test_a_run_is_recorded_of_a_branch_alone(bench: Bench) -> None:
    assert bench.record("3.13") == 0
    assert bench.kept()["results"]
    assert bench.kept("3.13/wrong-add")["results"]
    assert not (bench.experiments / FLAVOR / "verdict.json").exists()


def test_a_new_result_replaces_the_old_one_and_what_is_stale(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.record(NAME)
    bench.run["base"]["title"] = "3.13.5 pgo"
    bench.record(NAME)
    bench.record(NAME)
    assert [result["base"]["title"] for result in bench.kept()["results"]] == [
        "3.13.5 pgo",
        "3.13.5 plain",
    ]
    bench.write(NAME, "not proposed", 1.7)
    bench.run = bench.measured()
    capsys.readouterr()
    assert bench.record(NAME) == 0
    assert "removed the result against 3.13.5 pgo, which is stale" in capsys.readouterr().err
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


def stacked(run: dict[str, Any]) -> None:
    run["candidates"][0]["series"] = ["3.13/wrong-add", NAME]


def on_another(run: dict[str, Any]) -> None:
    run["base"]["series"] = ["3.13/wrong-add"]
    stacked(run)


def other_flavor(run: dict[str, Any]) -> None:
    run["candidates"][0]["flavor"] |= {"name": "pgo", "pgo": True}


def laid_out(run: dict[str, Any]) -> None:
    run["candidates"][0]["placebo"] = "padding:1"


def other_patch(run: dict[str, Any]) -> None:
    (arm,) = (row for row in run["experiment"]["arms"] if NAME[5:] in str(row.get("patches")))
    arm["patches"] = dict.fromkeys(arm["patches"], "0" * 64)


def more_patches(run: dict[str, Any]) -> None:
    (arm,) = (row for row in run["experiment"]["arms"] if NAME[5:] in str(row.get("patches")))
    arm["patches"]["patches/fast-add/02-mine/mine.diff"] = "0" * 64


def without_digests(run: dict[str, Any]) -> None:
    for arm in run["experiment"]["arms"]:
        arm.pop("patches", None)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (stacked, ""),
        (on_another, "its base has the series 3.13/wrong-add, not those it requires"),
        (other_flavor, "its flavor is not the base's"),
        (laid_out, "its layout differs from the base's"),
        (other_patch, "differs from the one in patches/ (0001-it.patch)"),
        (more_patches, "differs from the one in patches/ (mine.diff)"),
        (without_digests, "differs from the one in patches/ (0001-it.patch)"),
    ],
)
def test_what_says_nothing_of_the_series_is_refused(
    edit: Edit, reason: str, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(bench.run)
    assert bench.record(NAME) == UsageError.exit_code
    err = capsys.readouterr().err
    assert reason in err
    assert f"No candidate of the run measures {NAME} alone" in err
    assert "fast-add (" in err
    assert not (bench.patches / NAME / "verdict.json").exists()


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
        (with_patches, "it has patches that the base does not have"),
        (of_another_revision, "its revision is not the base's"),
    ],
)
def test_what_says_nothing_of_the_flavor_is_refused(
    edit: Edit, reason: str, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(bench.run["candidates"][3])
    assert bench.record(FLAVOR) == UsageError.exit_code
    assert reason in capsys.readouterr().err


def other_order(arm: dict[str, Any]) -> None:
    arm["series"] = arm["series"][::-1]


def other_flavor_than_its_base(arm: dict[str, Any]) -> None:
    arm["flavor"] = {**arm["flavor"], "name": "lto", "lto": True}


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
    assert "the measured patch differs from the one in patches/" in capsys.readouterr().err


def test_a_series_on_what_it_requires_is_recorded(bench: Bench) -> None:
    bench.write(NAME, "not proposed", 1.1, 'requires = ["3.13/wrong-add"]\n')
    on_another(bench.run)
    stack = [load(bench.patches, name) for name in bench.run["candidates"][0]["series"]]
    for arm in bench.run["experiment"]["arms"]:
        if arm["name"] == "fast-add":
            arm["patches"] = plan(arm, stack)
    assert bench.record(NAME) == 0


def test_a_folder_that_cannot_be_written(bench: Bench) -> None:
    (bench.patches / NAME / "RESULT.md").mkdir()
    assert bench.record(NAME) == StoreError.exit_code
