"""The subjects of recorded results: series, and the flavors and stacks of experiments."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.context import Context
from bench.jobs.series import subjects
from bench.results.result import parse_document
from bench.util.console import Show
from builder.errors import ExperimentError, PatchError
from builder.home import Home
from tests.bench.jobs.series.made_up import FLAVOR, NAME, STACK, STACKED, Bench
from tests.recording import RecordingRunner


@pytest.fixture
def context(bench: Bench, tmp_path: Path) -> Context:
    return Context(
        home=Home(root=tmp_path / "home", host_lock=tmp_path / "lock"),
        project=tmp_path,
        runner=RecordingRunner(),
        show=Show(quiet=True),
    )


def names(context: Context, name: str | None = None) -> list[str]:
    return [subject.name for subject in subjects.chosen(context, name)]


def test_series_come_first_and_then_what_experiments_ask_about(
    context: Context, bench: Bench
) -> None:
    assert names(context) == [NAME, "3.13/padding", "3.13/wrong-add", FLAVOR]
    bench.stack()
    assert names(context)[-2:] == [FLAVOR, STACK]


def test_one_is_chosen_by_its_name_and_many_by_a_branch_or_experiment(context: Context) -> None:
    assert names(context, NAME) == [NAME]
    assert names(context, "3.13/") == [NAME, "3.13/padding", "3.13/wrong-add"]
    assert names(context, "specimen") == [FLAVOR]
    with pytest.raises(PatchError, match="nothing"):
        names(context, "3.13/nothing")


def test_a_flavor_and_a_stack_are_told_by_what_differs_from_the_base(
    context: Context, bench: Bench
) -> None:
    bench.stack()
    known = subjects.series(context)
    flavor, stack = subjects.of_experiments(context, known)
    assert (flavor.status, flavor.title) == (subjects.FLAVOR, "3.13.5 lto")
    assert flavor.flavor is not None
    assert flavor.flavor.lto
    assert flavor.folder == bench.experiments / FLAVOR
    assert (stack.status, stack.stack) == (subjects.STACK, (NAME, "3.13/padding"))
    assert set(stack.patches) == {f"{NAME}/0001-it.patch", "3.13/padding/0001-it.patch"}
    assert stack.flavor is None


@pytest.mark.parametrize(
    "arm",
    [
        'name = "alone"\nseries = ["3.13/fast-add"]',
        'name = "both"\nseries = ["3.13/fast-add", "3.13/padding"]\nflavor = { pgo = true }',
        'name = "unknown"\nseries = ["3.13/fast-add", "3.13/none"]',
        'name = "elsewhere"\nrevision = "3.12"\nflavor = { pgo = true }',
    ],
)
def test_what_differs_in_more_than_one_thing_is_not_kept(
    arm: str, context: Context, bench: Bench
) -> None:
    text = f'base = "3.13.5"\n[[candidate]]\n{arm}\n'
    (bench.experiments / "specimen.toml").write_text(text)
    assert subjects.of_experiments(context, subjects.series(context)) == []


def test_a_stack_on_a_base_with_series_is_what_comes_after_them(
    context: Context, bench: Bench
) -> None:
    (bench.experiments / "specimen.toml").write_text(
        'base = { revision = "3.13.5", series = ["3.13/wrong-add"] }\n[[candidate]]\n'
        'name = "stack"\nseries = ["3.13/wrong-add", "3.13/fast-add", "3.13/padding"]\n'
    )
    (stack,) = subjects.of_experiments(context, subjects.series(context))
    assert stack.title == "3.13/fast-add, 3.13/padding"
    assert len(stack.stack) == 3


def test_a_candidate_of_a_run_is_known_by_its_name(context: Context, bench: Bench) -> None:
    (flavor,) = subjects.of_experiments(context, subjects.series(context))
    run = parse_document(bench.run)
    by_name = {candidate.name: candidate for candidate in run.candidates}
    assert subjects.is_of(flavor, run, by_name["link-time"])
    assert not subjects.is_of(flavor, run, by_name["fast-add"])


def test_a_wrong_experiment_is_an_error(context: Context, bench: Bench) -> None:
    (bench.experiments / "wrong.toml").write_text(f"base = 1\n{STACKED}")
    with pytest.raises(ExperimentError, match="base"):
        subjects.chosen(context)
