"""`patchbench runtimes`: the list, providing and removing, on a synthetic archive."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from bench.context import Context
from bench.jobs.inventory import builds, runtimes
from bench.util.console import Show
from builder.errors import StoreError
from builder.runtimes import runtime
from tests.builder.packaged import Archive
from tests.builder.upstream import home_at


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def context(tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Context:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    show = Show(stream=io.StringIO())
    return Context(home=home_at(tmp_path), project=tmp_path, runner=archive, show=show)


def _said(context: Context) -> str:
    stream = context.show.console.file
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


def _listed(context: Context, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert runtimes.show(context, as_json=True) == 0
    return {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}


def test_what_is_here_and_what_can_be_had_are_listed(
    context: Context, archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runtimes.install(context, "pypy3", as_json=False) == 0
    assert Path(capsys.readouterr().out.strip()).name == "pypy3"
    assert "pypy 7.3.19, Python 3.11.11" in _said(context)
    assert _listed(context, capsys) == {
        "pypy3-7.3.19+dfsg-2": "here",
        "pypy3-7.3.11+dfsg-2": "can be had",
        "pypy2-7.3.3+dfsg-2": "can be had",
        "python3": "on PATH",
    }
    assert runtimes.show(context, as_json=False) == 0
    out = capsys.readouterr().out
    assert "pypy 3.11.11" in out
    assert "can be had, bookworm" in out
    assert runtimes.install(context, "pypy3", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "pypy-3.11"


def test_without_an_archive_what_is_here_is_listed(
    context: Context, archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    runtimes.install(context, "pypy2", as_json=False)
    archive.packages = {}
    (context.home.root / "apt-binaries/packages.json").unlink()
    capsys.readouterr()
    assert "pypy2-7.3.3+dfsg-2" in _listed(context, capsys)


def test_one_is_removed_unless_a_run_uses_it(context: Context) -> None:
    runtimes.install(context, "pypy3", as_json=False)
    (installed,) = runtime.installed(context.home)
    with (
        runtime.in_use(context.home, installed, print),
        pytest.raises(StoreError, match="is using"),
    ):
        runtimes.remove(context, installed.name)
    assert runtimes.remove(context, installed.name) == 0
    with pytest.raises(StoreError, match="no runtime"):
        runtimes.remove(context, installed.name)


def test_gc_removes_runtimes_that_nobody_uses(context: Context) -> None:
    def gc(*, everything: bool = False, dry_run: bool = False) -> list[str]:
        builds.collect_garbage(
            context, keys=(), keep_days=30, everything=everything, dry_run=dry_run
        )
        return [entry.name for entry in runtime.installed(context.home)]

    runtimes.install(context, "pypy3", as_json=False)
    runtimes.install(context, "pypy2", as_json=False)
    half = runtime.folder_of(context.home) / "half"
    half.mkdir()
    old = runtime.folder_of(context.home) / "pypy3-7.3.19+dfsg-2" / runtime.STAMP
    os.utime(old, (0, 0))
    assert len(gc(dry_run=True)) == 2
    assert gc() == ["pypy2-7.3.3+dfsg-2"]
    assert not half.exists()
    assert gc(everything=True) == []
