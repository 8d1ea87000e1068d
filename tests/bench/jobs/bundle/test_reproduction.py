from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.experiments.experiment import AA, BASE, CANDIDATE, PLACEBO, Experiment
from bench.experiments.reading import Document, experiment_from
from bench.jobs.bundle import report
from bench.jobs.bundle.recipes import plan_of
from bench.jobs.bundle.reproduction import PlanOverrides, document, revision_name, side_by_side
from bench.results.result import parse_document as read_result
from bench.results.shape import Result
from bench.util.documents import read_json
from builder.errors import ExperimentError, UsageError
from builder.sources.provide import DEFAULT_REMOTE
from builder.sources.revision import Revision
from tests.bench.results.given import comparison
from tests.bench.results_folder import NAME, TASKS, lay_out
from tests.golden.specimen import specimen

NONE = PlanOverrides()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduction") / "out"
    lay_out(folder, controls=True)
    return folder


@pytest.fixture
def plan(folder: Path) -> dict[str, Any]:
    plan = read_json(folder / "plan.json")
    for arm in plan["arms"]:
        arm["recipe"]["revision"] |= {"source": "debian", "name": "3.13.5"}
    return plan


def understood(plan: dict[str, Any], folder: Path, overrides: PlanOverrides = NONE) -> Experiment:
    content = document(plan_of(plan), folder, overrides)
    return experiment_from(Document(content=content, file="bundle", folder=folder))


def test_a_plan_gives_the_experiment_again(plan: dict[str, Any], folder: Path) -> None:
    experiment = understood(plan, folder)

    assert experiment.name == "evidence-again"
    assert experiment.base.revision == "3.13.5"
    assert experiment.base.source is not None
    assert experiment.base.source.kind == "debian"
    assert experiment.suite == TASKS
    assert experiment.gate == "core"
    arms = {arm.name: (kind, arm) for kind, arm in experiment.arms}
    kinds = {name: kind for name, (kind, _arm) in arms.items()}
    assert kinds == {"base": BASE, NAME: CANDIDATE, "placebo-padding-1": PLACEBO, "aa": AA}
    fast = arms[NAME][1]
    assert fast.patches == (str(folder / "patches" / NAME / f"01-{NAME}" / f"{NAME}.patch"),)
    assert fast.revision == ""
    assert arms["placebo-padding-1"][1].placebo == "padding:1"


def test_the_session_is_as_it_was_but_for_its_seed(plan: dict[str, Any], folder: Path) -> None:
    plan["session"] |= {"margin": 0.02, "process_seconds": 1.5, "timeout": 60.5}
    session = understood(plan, folder).session

    assert (session.margin, session.process_seconds, session.timeout) == (0.02, 1.5, 60.5)
    assert (session.blocks, session.budget, session.until) == (4, 600.0, "blocks")
    assert session.seed is None


def test_what_a_user_wishes_otherwise(plan: dict[str, Any], folder: Path) -> None:
    overrides = PlanOverrides(gate="none", budget="5m", blocks=4, seed=3, wheels=str(folder))
    experiment = understood(plan, folder, overrides)

    assert (experiment.gate, experiment.wheels) == ("none", str(folder))
    assert (experiment.session.budget, experiment.session.blocks, experiment.session.seed) == (
        300.0,
        4,
        3,
    )


def test_flavors_are_kept(plan: dict[str, Any], folder: Path) -> None:
    flavor = {
        "pgo": True,
        "lto": True,
        "computed_gotos": False,
        "configure": ["--with-pymalloc"],
        "cflags": "-O2",
        "cc": "gcc-12",
    }
    plan["arms"][1]["recipe"]["flavor"] = flavor
    ((_, base), (_, fast), *_rest) = understood(plan, folder).arms

    assert fast.flavor.name == "pgo+lto+no-computed-gotos+with-pymalloc+-O2+gcc-12"
    assert base.flavor.name == "plain"


@pytest.mark.parametrize(
    ("label", "asked", "expected"),
    [
        ("debian", "", ("debian", "")),
        (f"git {DEFAULT_REMOTE}", "", ("default", "")),
        (f"git {DEFAULT_REMOTE}.git", "", ("default", "")),
        ("git https://example.org/cpython", "", ("git", "https://example.org/cpython")),
        ("git cpython", "https://example.org/x", ("git", "https://example.org/x")),
        ("git cpython", "debian", ("debian", "")),
        (f"archive x.tar.xz, SHA-256 {'ab' * 32}", "/x.tar.xz", ("archive", "/x.tar.xz")),
    ],
)
def test_the_source_is_the_one_that_was_recorded_or_asked_for(
    label: str, asked: str, expected: tuple[str, str], plan: dict[str, Any], folder: Path
) -> None:
    for arm in plan["arms"]:
        arm["recipe"]["revision"]["source"] = label
    source = understood(plan, folder, PlanOverrides(source=asked)).base.source

    assert source is not None
    assert (source.kind, source.location) == expected
    assert source.sha256 == ("ab" * 32 if source.kind == "archive" else "")


@pytest.mark.parametrize(
    "label", ["git cpython", "git file:///x", f"archive x, SHA-256 {'a' * 64}"]
)
def test_a_source_that_only_the_user_has(label: str, plan: dict[str, Any], folder: Path) -> None:
    plan["arms"][0]["recipe"]["revision"]["source"] = label
    with pytest.raises(UsageError, match="cannot be downloaded") as caught:
        document(plan_of(plan), folder, PlanOverrides())
    assert "--source" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "name", "asked", "expected"),
    [
        ("debian", "3.13", "", "3.13.5"),
        ("debian", "3.13.5", "", "3.13.5"),
        ("git x", "v3.13.5", "", "v3.13.5"),
        ("git x", "3.13", "", COMMIT),
        ("git x", "my-branch", "", COMMIT),
        ("git x", "3.13", "debian", "3.13.5"),
    ],
)
def test_a_revision_is_asked_for_by_a_name_that_does_not_move(
    source: str, name: str, asked: str, expected: str
) -> None:
    revision = Revision(source=source, name=name, commit=COMMIT, version="3.13.5", epoch=0)
    assert revision_name(revision, asked) == expected


def test_a_candidate_that_is_another_revision(plan: dict[str, Any], folder: Path) -> None:
    own = {"source": "git https://example.org/x", "commit": "f" * 40, "name": "mine"}
    plan["arms"][1]["recipe"]["revision"] |= own
    fast = understood(plan, folder).candidates[0]

    assert fast.revision == "f" * 40
    assert fast.source is not None
    assert fast.source.location == "https://example.org/x"


def test_a_suite_of_somebodys_own(plan: dict[str, Any], folder: Path) -> None:
    plan["suite"] = "kernels 0123"
    with pytest.raises(UsageError, match="not part of the bundle"):
        document(plan_of(plan), folder, PlanOverrides())
    named = document(plan_of(plan), folder, PlanOverrides(suite="my/MANIFEST"))["suite"]
    assert named == ["my/MANIFEST", *TASKS]


def test_added_arms_have_the_patches_of_the_base(plan: dict[str, Any], tmp_path: Path) -> None:
    own = tmp_path / "patches" / "base" / "01-x" / "x.patch"
    own.parent.mkdir(parents=True)
    own.write_text("x")
    experiment = document(plan_of(plan), tmp_path, PlanOverrides())

    assert experiment["base"]["patch"] == [str(own)]
    assert [arm["patch"] for arm in experiment["candidate"]] == [[], [str(own)]]


# -- side by side ---------------------------------------------------------------------------------


def two(folder: Path, tmp_path: Path, factor: float) -> tuple[Result, Result]:
    documents = lay_out(tmp_path / "one"), lay_out(tmp_path / "other", seed=8, factor=factor)
    return read_result(documents[0]), read_result(documents[1])


def test_the_same_experiment_agrees(folder: Path, tmp_path: Path) -> None:
    comparison = side_by_side(*two(folder, tmp_path, 0.9))

    assert comparison.agrees
    assert comparison.same_builds
    assert [pair.benchmark for pair in comparison.pairs] == ["", *TASKS]
    assert {pair.agreement for pair in comparison.pairs} == {"same"}
    assert report.sentences(comparison)[0] == (
        "The intervals of 2 of 2 benchmarks overlap; 2 of 2 have the same verdict."
    )


def test_another_truth_contradicts(folder: Path, tmp_path: Path) -> None:
    comparison = side_by_side(*two(folder, tmp_path, 1.1))

    assert not comparison.agrees
    assert len(comparison.contradictions) == 3
    assert f"The two results contradict each other on nbody ({NAME})." in report.sentences(
        comparison
    )


@pytest.mark.parametrize(
    ("before", "after", "overlap", "agreement"),
    [
        ((0.8, 0.9, "faster"), (0.85, 0.95, "faster"), True, "same"),
        ((0.8, 0.9, "faster"), (0.9, 1.2, "undecided"), True, "open"),
        ((0.8, 0.9, "faster"), (0.91, 0.95, "faster"), False, "contradiction"),
        ((0.99, 0.999, "faster"), (1.001, 1.01, "slower"), False, "contradiction"),
        ((0.8, 0.9, "faster"), (None, None, "undecided"), None, "open"),
        ((None, None, "undecided"), (None, None, "undecided"), None, "same"),
        ((0.999, 1.001, "equivalent"), (0.98, 0.9995, "faster"), True, "open"),
        ((0.8, 0.9, "faster"), None, None, "open"),
    ],
)
def test_what_agrees_and_what_contradicts(
    before: tuple[Any, ...], after: tuple[Any, ...] | None, overlap: bool | None, agreement: str
) -> None:
    results = []
    for bounds in (before, after):
        result = read_result(specimen())
        rows = ()
        if bounds:
            low, high, verdict = bounds
            rows = (comparison(1.0, verdict, low=low, high=high, low95=low, high95=high),)
        candidate = replace(result.candidates[0], suite=None, comparisons=rows)
        results.append(replace(result, candidates=(candidate,)))
    _suite, pair = side_by_side(*results).pairs
    assert (pair.overlap, pair.agreement) == (overlap, agreement)


def test_where_host_and_builds_differ(folder: Path, tmp_path: Path) -> None:
    before = lay_out(tmp_path / "one")
    after = copy.deepcopy(before)
    after["host"]["cpu"] = "another"
    after["experiment"]["arms"][0]["recipe"]["tree"] = "f" * 40
    after["candidates"][0]["build"]["facts"]["indirect_jumps"] = 3
    after["base"]["replicas"][0]["key"] = "0" * 16
    comparison = side_by_side(read_result(before), read_result(after))

    assert comparison.host == (("cpu", "Imaginary CPU 3000", "another"),)
    assert [what for what, _one, _other in comparison.builds] == [
        "base, source tree",
        f"{NAME}, indirect_jumps",
    ]
    assert not comparison.same_builds
    assert report.as_json(comparison)["agrees"]


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [
        ({}, {"dispatch": "computed gotos", "handlers": 250}, []),
        ({}, {"dispatch": "tail calls"}, [("computed_gotos", "True", "tail calls")]),
        ({}, {"pgo": None}, [("pgo", "False", "unknown")]),
        # Of clang builds, older versions did not know what they do not tell.
        (
            {"compiler": "clang version 19", "options": "", "computed_gotos": False},
            {"compiler": "clang version 19", "options": "", "dispatch": "unknown", "pgo": None}
            | {"lto": None, "computed_gotos": None},
            [],
        ),
    ],
)
def test_older_facts_are_compared_with_newer_ones(
    old: dict[str, Any], new: dict[str, Any], rows: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    before = lay_out(tmp_path / "one")
    after = copy.deepcopy(before)
    for content, changes in ((before, old), (after, new)):
        content["base"]["build"]["facts"] |= changes
    comparison = side_by_side(read_result(before), read_result(after))
    expected = [(f"base, {name}", one, other) for name, one, other in rows]
    assert list(comparison.builds) == expected


def test_nothing_in_common(folder: Path, tmp_path: Path) -> None:
    before = lay_out(tmp_path / "one")
    after = copy.deepcopy(before)
    after["candidates"][0]["name"] = "other"
    with pytest.raises(ExperimentError, match="no candidate in common"):
        side_by_side(read_result(before), read_result(after))
