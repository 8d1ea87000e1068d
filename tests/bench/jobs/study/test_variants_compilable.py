from __future__ import annotations

from pathlib import Path

from bench.jobs.study.variants import Tried, as_page, as_toml, judged, read, scripts_that_can

GO = Tried(benchmark="go", script="bm_go")


def test_a_benchmark_whose_time_is_its_own_can_be_compiled() -> None:
    found = judged(GO, {"own": 0.8, "called": 0.1, "rest": {"random": 0.1}})
    assert (found.own, found.called, found.reason) == (0.8, 0.1, "")


def test_where_the_time_goes_elsewhere_it_is_said_where() -> None:
    library = judged(GO, {"own": 0.05, "called": 0.05, "rest": {"a": 0.2, "b": 0.6, "c": 0.1}})
    assert library.reason == "5% of its time is in its own Python, the rest in b, a, c"
    in_c = judged(GO, {"own": 0.01, "called": 0.99, "rest": {}})
    assert in_c.reason == "1% of its time is in its own Python, 99% in C that this calls"
    assert judged(GO, {"own": 0.0, "called": 0.0, "rest": {}}).reason


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    tried = [
        Tried(benchmark="a", script="bm_a", own=0.5, called=0.25),
        Tried(
            benchmark="b", script="bm_a", own=0.01, called=0.9, reason='it is "all" in C\nreally'
        ),
    ]
    file = tmp_path / "variants-9.toml"
    file.write_text(as_toml(tried))
    found = read(file)
    assert found["a"] == tried[0]
    assert found["b"].reason == 'it is "all" in C really'
    assert read(tmp_path / "none.toml") == {}
    assert scripts_that_can(tried) == ("bm_a",)
    page = as_page(tried, "pyperformance 9")
    assert "1 scripts of 1 can be compiled" in page
    assert "| a | 50% | 25% | yes |" in page
