"""Names of files, from any text."""

from __future__ import annotations

import pytest

from bench.history.reading import LineKey
from bench.site.naming import anchor, benchmark_path, commit_names, commit_path, root_of, slug


@pytest.mark.parametrize("text", ["nbody", "3.13", "bm_001", "a-b", "x" * 64])
def test_what_is_plain_stays(text: str) -> None:
    assert slug(text) == text


@pytest.mark.parametrize(
    "text", ["", "..", "../../etc", "a/b", "A", ".hidden", "pgo+lto", "x" * 65, "é", "a\nb", "<b>"]
)
def test_unsafe_names_are_made_safe_and_distinct(text: str) -> None:
    made = slug(text)
    assert slug(made) == made
    assert made != slug(f"{text}!")
    assert not made.startswith(".")


def test_commits_are_short_where_that_is_unambiguous() -> None:
    one, other, third = "a" * 40, "b" * 12 + "1" * 28, "b" * 12 + "2" * 28
    names = commit_names([one, other, third, one, ""])
    assert names == {one: "a" * 12, other: other, third: third}


def test_pages_lead_to_each_other() -> None:
    path = benchmark_path(LineKey(host="h", branch="3.13", flavor="pgo"), "nbody")
    assert str(path) == "benchmark/h/3.13/nbody.html"
    assert root_of(path) + str(commit_path("abc")) == "../../../commit/abc.html"
    assert benchmark_path(LineKey(host="h", branch="b", flavor="f"), "").name == "_suite.html"
    assert anchor("pgo+lto").startswith("f-pgo-lto-")
