"""The results folder: the choices that a run stores in it, and the files that it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.measure.choice import Choices
from bench.results.folder import Folder
from builder.errors import StoreError


def test_the_protocols_are_chosen_when_the_run_begins(tmp_path: Path) -> None:
    """A calibration made in between must not mix two protocols in one session."""
    first = Choices(
        default="lockstep", origin="calibrated", by_class={"short": "corun"}, others=("corun",)
    )
    folder = Folder(path=tmp_path)

    assert folder.choices(first) == first
    assert folder.choices(Choices.fixed("sequential")) == first


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"default": "x"'])
def test_a_damaged_choice_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "protocols.json").write_text(text)
    with pytest.raises(StoreError, match="choice of protocols cannot be read") as caught:
        Folder(path=tmp_path).choices(Choices.fixed("lockstep"))
    assert str(tmp_path / "protocols.json") in caught.value.where


def test_the_result_is_written_with_its_reports(tmp_path: Path) -> None:
    reports = {"report.md": "# r", "mail.txt": "Hello", "changes/fix.diff": "+"}
    Folder(path=tmp_path).finish({"schema": 1}, reports)
    assert (tmp_path / "changes" / "fix.diff").read_text() == "+"
    assert (tmp_path / "report.md").read_text() == "# r"
    assert (tmp_path / "mail.txt").read_text() == "Hello"
    assert (tmp_path / "result.json").exists()
