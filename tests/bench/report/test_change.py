"""What a result is of: titles, and each change in words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.report import change as module
from bench.results import ChangeRecord, ChangeStep, LineCount
from bench.util import documents
from tests.bench.report import example
from tests.bench.results.given import given
from tests.golden import changes
from tests.golden.specimen import specimen

title_of = given(module.title_of)


def about(content: dict[str, Any]) -> list[str]:
    return list(given(module.about)(content))


def with_change(**more: Any) -> dict[str, Any]:
    content = changes.commit()
    content["candidates"][0]["change"] |= more
    return content


def old_adhoc() -> dict[str, Any]:
    content = example.result()
    content["experiment"]["name"] = "adhoc"
    return content


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            changes.commit(),
            "bpo-37543: optimize pymalloc (#14674) (fb26504d14) against 3.9.0a0",
        ),
        (
            changes.several() | {"experiment": {"name": "adhoc"}},
            "Fast add (3.13/fast-add) and 2 more against 3.13.5",
        ),
        (specimen(), "specimen"),
        (old_adhoc(), "fast-paths (2.7.18 plain fast-paths) against 2.7.18"),
        (with_change(subject="fix.diff", name="fix.diff"), "fix.diff against 3.9.0a0"),
        (with_change(subject="flavor lto against plain", name=""), "flavor lto against plain"),
    ],
)
def test_the_title_names_the_change_where_the_experiment_has_no_name(
    content: dict[str, Any], expected: str
) -> None:
    assert title_of(content).startswith(expected)
    assert "adhoc" not in title_of(content)


def test_a_commit_is_told_with_author_date_lines_and_base() -> None:
    assert about(changes.commit()) == [
        "bpo-37543: optimize pymalloc (#14674) (fb26504d14), Inada Naoki, 2019-07-17",
        "against 3.9.0a0 (7036e1de3a), first parent of fb26504d14, which is on master",
        "+3 -1 lines in 2 files: objects +2 -1, docs +1 -0",
    ]


def test_the_ref_of_a_commit_and_of_its_base_are_told() -> None:
    content = changes.commit()
    content["candidates"][0]["revision"]["ref"] = "refs/heads/fix"
    content["base"]["revision"] |= {"origin": "", "ref": "refs/heads/master"}
    first, base, _ = about(content)
    assert first.endswith("2019-07-17, refs/heads/fix")
    assert base == "against 3.9.0a0 (7036e1de3a), refs/heads/master"


def test_several_commits_are_a_list_with_the_number_of_the_rest() -> None:
    steps = [{"name": f"{n:040x}", "subject": f"Step {n}", "author": "Ann"} for n in range(20)]
    content = with_change(subject="155 commits up to: Step 0", steps=steps, commits=155)
    first, _, _, listing = about(content)
    assert first == "155 commits up to: Step 0 (fb26504d14)"
    assert listing.startswith("0000000000: Step 0 (Ann); ")
    assert listing.endswith("; and 150 more")


def test_what_is_lacking_or_unknown_is_said() -> None:
    texts = about(with_change(lacking=3, note="The commits are not known."))
    assert "it lacks 3 commits of the base, which count as taken back" in texts
    assert texts[-1] == "The commits are not known."


def test_older_results_have_titles_only() -> None:
    assert about(example.result()) == [
        "2.7.18 plain fast-paths",
        "against 2.7.18 (dddddddddd)",
    ]


def test_of_several_candidates_the_base_comes_first() -> None:
    texts = about(changes.several())
    assert texts[0] == "against 3.13.5 (0123456789)"
    assert texts[1:] == [
        "fast-add: Fast add (3.13/fast-add); +9 -2 lines in 1 file: loop +9 -2",
        "fast-sub: Fast sub (3.13/fast-sub); +9 -2 lines in 1 file: loop +9 -2",
        "lto: flavor lto against plain",
    ]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [({}, False), ({"objects": 1}, True), ({"objects": 1, "loop": 1}, False), ({"docs": 1}, True)],
)
def test_a_change_outside_the_loop(kinds: dict[str, int], expected: bool) -> None:
    record = ChangeRecord(
        subject="x", kinds={kind: LineCount(files=n) for kind, n in kinds.items()}
    )
    assert module.is_outside_loop(record) is expected


def test_what_is_not_listed_is_counted() -> None:
    content = copy.deepcopy(changes.COMMIT) | {
        "count": {"files": 102, "added": 1, "removed": 1},
        "left_out": 7,
    }
    shown = module.report_change(_record(content))
    assert (shown.more_files, shown.left_out) == (100, 7)
    assert shown.place == "The whole patch: changes/fb26504d14.diff in the results folder."


def _record(content: dict[str, Any]) -> ChangeRecord:
    return documents.load(ChangeRecord, content)


def test_only_full_hashes_are_abbreviated() -> None:
    assert module.short_name("a" * 40) == "a" * 10
    assert module.short_name("3.13/" + "a" * 40) == "3.13/" + "a" * 40
    assert module.step_words(ChangeStep(name="fix.diff", subject="fix.diff")) == "fix.diff"
