"""Which benchmarks can be compiled: what a profile says, and the two files that are written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.benchmarks.suites import Benchmark
from bench.jobs.study.variants import (
    CompileAttempt,
    _Table,
    as_page,
    as_toml,
    compilable_scripts,
    edition,
    read,
    with_shares,
)

GO = CompileAttempt(benchmark="go", script="bm_go")


def test_a_benchmark_whose_time_is_its_own_can_be_compiled() -> None:
    attempt = with_shares(GO, {"own": 0.8, "called": 0.1, "rest": {"random": 0.1}})
    assert (attempt.own, attempt.called, attempt.reason) == (0.8, 0.1, "")


def test_where_the_time_goes_elsewhere_it_is_said_where() -> None:
    library = with_shares(GO, {"own": 0.05, "called": 0.05, "rest": {"a": 0.2, "b": 0.6, "c": 0.1}})
    assert library.reason == "5% of its time is in its own Python, the rest in b, a, c"
    in_c = with_shares(GO, {"own": 0.01, "called": 0.99, "rest": {}})
    assert in_c.reason == "1% of its time is in its own Python, 99% in C that this calls"
    assert with_shares(GO, {"own": 0.0, "called": 0.0, "rest": {}}).reason


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    tried = [
        CompileAttempt(benchmark="a", script="bm_a", own=0.5, called=0.25),
        CompileAttempt(
            benchmark="b", script="bm_a", own=0.01, called=0.9, reason='it is "all" in C\nreally'
        ),
    ]
    file = tmp_path / "variants-9.toml"
    file.write_text(as_toml(tried))
    attempts = read(file)
    assert attempts["a"] == tried[0]
    assert attempts["b"].reason == 'it is "all" in C really'
    assert read(tmp_path / "none.toml") == {}
    assert compilable_scripts(tried) == ("bm_a",)
    page = as_page(tried, "pyperformance 9")
    assert "1 scripts of 1 can be compiled" in page
    assert "| a | 50% | 25% | yes |" in page


def test_without_any_profile_there_are_no_shares() -> None:
    failed = replace(GO, reason="it ends | with: x")
    page = as_page([failed], "pyperformance 9")
    assert "| go |  |  | it ends \\| with: x |" in page
    assert compilable_scripts([failed]) == ()


def test_a_script_can_be_compiled_when_one_of_its_benchmarks_can() -> None:
    tried = [replace(GO, benchmark="a", reason="no"), replace(GO, benchmark="b"), GO]
    assert compilable_scripts(tried) == ("bm_go",)


def test_the_edition_is_that_of_the_benchmarks() -> None:
    one = Benchmark(name="go", source=Path(), folder="1.14.0/bm_go", script="1.14.0/bm_go/go.py")
    assert edition([one]) == "1.14.0"


def test_what_was_tried_before_and_not_now_is_kept(tmp_path: Path) -> None:
    table = _Table(
        docs=tmp_path / "docs", data=tmp_path / "data", edition="9", release="pyperformance 9"
    )
    table.add(replace(GO, reason="it failed"))
    table.add(replace(GO, benchmark="nbody", script="bm_nbody"))
    assert table.add(GO) == ("bm_go", "bm_nbody")
    assert list(read(tmp_path / "data" / "variants-9.toml")) == ["go", "nbody"]
    assert "| nbody |" in table.page.read_text()
