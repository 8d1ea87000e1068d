from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import series_results
from bench.series_results import SeriesResults, digests, extract, is_stale, read
from builder.catalogue import Series, load_all
from builder.errors import DataError
from tests.golden.specimen import SERIES, specimen

PATCH = SERIES.patches[0]
CHANGED = replace(SERIES, patches=(replace(PATCH, data=b"other"),))


def extracted(**changed: Any) -> dict[str, Any]:
    run = specimen()
    return extract(run, run["candidates"][0], SERIES, ()) | changed


def against(version: str) -> Mapping[str, Any]:
    return extracted(base={"title": f"{version} plain"})


def titles(kept: SeriesResults) -> list[str]:
    return [one["base"]["title"] for one in kept.results]


def test_what_is_kept_is_what_the_run_says() -> None:
    run = specimen()
    candidate = run["candidates"][0]
    kept = extracted()
    same = ("verdict", "suite", "comparisons", "missing", "gate", "differences", "method", "title")
    assert {name: kept[name] for name in same} == {name: candidate[name] for name in same}
    assert kept["patches"] == {PATCH.name: hashlib.sha256(PATCH.data).hexdigest()}
    assert kept["base"]["title"] == "3.13.5 plain"
    assert kept["base"]["revision"] == run["base"]["revision"]
    assert kept["base"]["facts"]["indirect_jumps"] == 230
    assert kept["facts"]["indirect_jumps"] == 3
    assert (kept["host"], kept["when"]) == (run["host"], run["when"])
    assert kept["commands"] == run["commands"]
    assert kept["session"]["seed"] == run["session"]["seed"]
    assert kept["run"] == run["warnings"]


def test_blocks_and_whole_builds_are_not_kept() -> None:
    text = json.dumps(extracted())
    assert not {"blocks", "build", "replicas", "experiment"} & set(extracted())
    assert "lib-dynload" not in text
    assert len(text) < len(json.dumps(specimen())) / 2


def test_placebos_of_the_run_are_its_controls() -> None:
    run = specimen()
    fast, wrong, lto = run["candidates"]
    wrong["suite"] = fast["suite"]
    assert extract(run, fast, SERIES, ())["controls"] == []
    as_series = extract(run, fast, SERIES, ("3.13/wrong-add",))["controls"]
    assert [one["name"] for one in as_series] == ["wrong-add"]
    lto["kind"] = "placebo"
    assert extract(run, fast, SERIES, ())["controls"] == [], "it was never measured"
    lto["suite"] = fast["suite"]
    assert [one["name"] for one in extract(run, fast, SERIES, ())["controls"]] == ["lto"]
    assert extract(run, lto, SERIES, ())["controls"] == [], "no arm is its own control"


def test_a_candidate_that_did_not_build_is_kept_as_well() -> None:
    run = specimen()
    kept = extract(run, run["candidates"][2], SERIES, ())
    assert (kept["verdict"], kept["facts"], kept["suite"]) == ("broken", None, None)
    assert kept["broken"].startswith("make of")


def test_there_is_one_result_for_each_base() -> None:
    kept = SeriesResults(series=SERIES.name)
    for version in ("3.13.7", "3.13.5", "3.13.7"):
        kept = kept.with_result({**against(version), "when": version}, SERIES)
    assert titles(kept) == ["3.13.5 plain", "3.13.7 plain"]
    again = kept.with_result({**against("3.13.5"), "when": "today"}, SERIES)
    assert [one["when"] for one in again.results] == ["today", "3.13.7"]


def test_a_result_is_stale_when_its_patches_changed() -> None:
    assert not is_stale(extracted(), SERIES)
    assert is_stale(extracted(), CHANGED)
    more = replace(SERIES, patches=(PATCH, replace(PATCH, name="0002-more.patch")))
    assert is_stale(extracted(), more)


def test_a_new_result_takes_the_place_of_stale_ones() -> None:
    kept = SeriesResults(series=SERIES.name).with_result(against("3.13.5"), SERIES)
    new = {**against("3.13.7"), "patches": digests(CHANGED)}
    assert titles(kept.with_result(new, CHANGED)) == ["3.13.7 plain"]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, SERIES) == SeriesResults(series=SERIES.name)
    kept = SeriesResults(series=SERIES.name, results=(extracted(),))
    (tmp_path / series_results.FILE).write_text(kept.as_text())
    assert read(tmp_path, SERIES) == kept


def damaged(**changed: Any) -> str:
    content = SeriesResults(series=SERIES.name, results=(extracted(),)).as_json()
    return json.dumps(content | changed)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "indices"),
        ("{}", "schema"),
        ("[" * 100_000, "recursion"),
        (damaged(schema=2), "schema 2, not 1"),
        (damaged(series="3.13/other"), "it is of 3.13/other"),
        (damaged(results=[{}]), "title"),
        (damaged(results=[extracted(suite=1)]), "suite is not what it should be"),
        (damaged(results=[extracted(base={})]), "title"),
        (damaged(results=[extracted(base={"title": 3})]), "its base has no title"),
        (damaged(results=1), "iterable"),
    ],
)
def test_a_damaged_file_is_told(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / series_results.FILE).write_text(text)
    with pytest.raises(DataError, match=r"of 3\.13/fast-add cannot be read") as error:
        read(tmp_path, SERIES)
    assert reason in error.value.where
    assert "--record" in error.value.hint


# -- what is committed ---------------------------------------------------------------------------

ROOT = Path(__file__).parents[2] / "patches"


@pytest.mark.parametrize("series", load_all(ROOT), ids=lambda series: series.name)
def test_a_committed_result_is_of_the_patches_beside_it(series: Series) -> None:
    for result in read(ROOT / series.name, series).results:
        assert not is_stale(result, series)
        assert result["gate"] is not None or result["broken"]
