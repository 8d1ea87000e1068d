from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.benchmarks import variants
from bench.benchmarks.suites import Benchmark
from bench.benchmarks.variants import is_kernel, unfit


def benchmark(source: Path, name: str = "go") -> Benchmark:
    return Benchmark(name=name, source=source, folder="9.9/bm_go", script="9.9/bm_go/run.py")


def test_a_kernel_has_its_module_beside_the_script(tmp_path: Path) -> None:
    assert not is_kernel(benchmark(tmp_path))
    (tmp_path / "pure").mkdir()
    assert is_kernel(benchmark(tmp_path))
    assert [unfit(benchmark(tmp_path), variant) for variant in ("", *variants.VARIANTS)] == [""] * 4


def test_other_benchmarks_are_compiled_unchanged_or_not_at_all(tmp_path: Path) -> None:
    assert unfit(benchmark(tmp_path), "") == ""
    assert unfit(benchmark(tmp_path), "cython") == ""
    for variant in ("typed", "hand"):
        assert f"only kernels have a {variant} variant" in unfit(benchmark(tmp_path), variant)


def test_what_was_tried_in_vain_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "variants-9.9.toml").write_text(
        '[cannot]\ngo = "it is all in C"\n[tried]\nmako = {}\n'
    )
    monkeypatch.setattr(variants, "DATA", tmp_path)
    variants._trials.cache_clear()
    assert unfit(benchmark(tmp_path), "cython") == "it is all in C"
    assert unfit(benchmark(tmp_path, "chaos"), "cython") == ""
    # What needs packages has its hot code there, unless it was tried.
    mako, other = (
        replace(benchmark(tmp_path, name), requirements=("mako==1",)) for name in ("mako", "other")
    )
    assert unfit(mako, "cython") == ""
    assert "have not been tried" in unfit(other, "cython")
    variants._trials.cache_clear()
