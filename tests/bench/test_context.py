"""The folders of a project: what is looked up in it, and what may be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import main
from bench.context import Context, own_folder
from bench.util import Show
from builder.errors import ExperimentError, UsageError
from builder.home import Home
from builder.process import SystemRunner


@pytest.fixture
def context(tmp_path: Path) -> Context:
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "lock")
    show = Show(quiet=True)
    return Context(home=home, project=tmp_path / "project", runner=SystemRunner(), show=show)


@pytest.fixture
def quick(context: Context) -> Path:
    context.experiments.mkdir(parents=True)
    path = context.experiments / "quick.toml"
    path.touch()
    return path


@pytest.mark.parametrize("named", ["quick", "quick.toml", "experiments/quick.toml"])
def test_a_ready_experiment_goes_by_its_name_anywhere(
    named: str, context: Context, quick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert context.experiment_file(Path(named)) == quick


def test_a_file_that_is_there_goes_before_a_ready_experiment(
    context: Context, quick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.toml").touch()
    assert context.experiment_file(Path("quick.toml")) == Path("quick.toml")


@pytest.mark.parametrize("named", ["other", "patches/x.toml", "../project/experiments/quick.toml"])
def test_whatever_else_is_named_stays_as_it_is(
    named: str, context: Context, quick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    context.patches.mkdir()
    (context.patches / "x.toml").touch()
    assert context.experiment_file(Path(named)) == Path(named)


def test_run_takes_the_name_of_a_ready_experiment(
    context: Context,
    quick: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main, "PROJECT", context.project)
    quick.write_text("nonsense = 1\n")
    assert main.main(["run", "quick", "--dry-run"]) == ExperimentError.exit_code
    assert "nonsense" in capsys.readouterr().err


def test_only_a_checkout_is_written_to(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="installed") as caught:
        own_folder(tmp_path, "docs")
    assert str(tmp_path / "docs") in str(caught.value)
    (tmp_path / ".git").write_text("gitdir: elsewhere")  # a worktree has a file
    assert own_folder(tmp_path, "docs") == tmp_path / "docs"
