"""Dataclasses to JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bench.history.models import HistoryRatio
from bench.nightly.report import (
    ConfirmedFinding,
    LineResult,
    NightBenchmark,
    NightCommit,
    NightReport,
    Revised,
)
from bench.util import documents
from builder.errors import StoreError


def report() -> NightReport:
    old = Revised(commit="a" * 40, version="3.13.5", date=date(2026, 11, 1))
    ratio = HistoryRatio(ratio=1.05, low=1.02, high=1.08, verdict="slower", blocks=5)
    line = LineResult(
        branch="main",
        flavor="plain",
        old=old,
        new=Revised(commit="b" * 40),
        commits=(NightCommit(hash="b" * 40, when=datetime(2026, 11, 2, tzinfo=UTC), subject="x"),),
        benchmarks=(NightBenchmark(name="fast", mean=0.02, rsd=0.01, last=ratio),),
        missing={"slow": "too slow"},
        findings=(
            ConfirmedFinding(
                benchmark="fast", state="confirmed", old=old, since=date(2026, 11, 2), ratio=ratio
            ),
        ),
    )
    return NightReport(
        name="n", date=date(2026, 11, 2), ended=datetime(2026, 11, 2, 4, tzinfo=UTC), host="h",
        lines=(line,), missed=(date(2026, 11, 1),),
    )  # fmt: skip


def test_what_is_dumped_is_loaded() -> None:
    text = json.dumps(documents.dump(report()))
    assert documents.load(NightReport, json.loads(text)) == report()


def test_what_an_older_version_lacks_has_its_default_and_more_is_left_out() -> None:
    assert documents.load(Revised, {"commit": "a", "colour": "red"}) == Revised(commit="a")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"commit": 3},
        {"commit": "a", "date": "yesterday"},
        {"commit": "a", "date": 3},
    ],
)
def test_anything_else_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"`commit`|\$\.(commit|date)"):
        documents.load(Revised, value)


def test_moments_and_dates_are_in_iso_format() -> None:
    dumped = documents.dump(report())
    assert dumped["ended"] == "2026-11-02T04:00:00+00:00"
    assert dumped["missed"] == ["2026-11-01"]


def test_every_text_can_be_changed() -> None:
    (line,) = report().lines
    odd = replace(line, branch="ma\x1bin", missing={"sl\x1bow": "too \x1bslow"})
    changed = documents.with_texts(odd, lambda text: text.replace("\x1b", "?"))
    assert changed == replace(line, branch="ma?in", missing={"sl?ow": "too ?slow"})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file"),
        ("", "Expecting value"),
        ("[]", "it is not a JSON object"),
        ('{"commit": NaN}', "NaN is not a number"),
        ('{"commit": ' + "1" * 5000 + "}", "digits"),
        ("[" * 100_000, "recursion"),
        ("\udc00", "utf-8"),
        ("{}", "`commit`"),
        ('{"commit": 3}', "Expected `str`, got `int` - at `$.commit`"),
        ('{"commit": "a", "date": {"x": [[[[1]]]]}}', "at `$.date`"),
    ],
)
def test_what_cannot_be_read_names_the_file_and_the_key(
    text: str | None, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "revised.json"
    if text is not None:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(StoreError, match="A revision cannot be read") as caught:
        documents.read(Revised, path, what="A revision", hint="Make it again.", error=StoreError)
    assert str(path) in caught.value.where
    assert why in caught.value.where
    assert caught.value.hint == "Make it again."


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "revised.json"
    path.write_text('{"commit": "a", "date": "2026-11-01"}')
    revised = documents.read(Revised, path, what="A revision")
    assert revised == Revised(commit="a", date=date(2026, 11, 1))
