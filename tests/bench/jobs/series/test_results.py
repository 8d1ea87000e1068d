from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.jobs.series import results
from bench.jobs.series.results import (
    KeptResult,
    KeptResults,
    KeptSubject,
    extract,
    is_stale,
    of_series,
    read,
)
from bench.util import documents
from builder.builds.recipe import Flavor
from builder.errors import DataError
from tests.bench.committed import ROOTS, committed
from tests.golden.specimen import SERIES, specimen

PATCH = SERIES.patches[0]
SUBJECT = of_series(SERIES, Path("patches"))
OLDER = {"configure": [], "lto": True, "name": "lto"}
CHANGED = replace(SUBJECT, patches={PATCH.name: "0" * 64})
FLAVOR = KeptSubject(
    name="flavors/lto", title="3.13 lto", status="flavor", folder=Path("x"), flavor=Flavor(lto=True)
)


def extracted(**changed: Any) -> dict[str, Any]:
    run = specimen()
    return extract(run, run["candidates"][0], SUBJECT, ()) | changed


def loaded(content: Mapping[str, Any]) -> KeptResult:
    return documents.load(KeptResult, content)


def against(version: str) -> Mapping[str, Any]:
    content = extracted()
    return content | {"base": content["base"] | {"title": f"{version} plain"}}


def titles(kept: KeptResults) -> list[str]:
    return [result.base.title for result in kept.results]


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
    assert extract(run, fast, SUBJECT, ())["controls"] == []
    as_series = extract(run, fast, SUBJECT, ("3.13/wrong-add",))["controls"]
    assert [control["name"] for control in as_series] == ["wrong-add"]
    lto["kind"] = "placebo"
    assert extract(run, fast, SUBJECT, ())["controls"] == [], "it was never measured"
    lto["suite"] = fast["suite"]
    assert [row["name"] for row in extract(run, fast, SUBJECT, ())["controls"]] == ["lto"]
    assert extract(run, lto, SUBJECT, ())["controls"] == [], "no arm is its own control"


def test_a_candidate_that_did_not_build_is_kept_as_well() -> None:
    run = specimen()
    kept = extract(run, run["candidates"][2], SUBJECT, ())
    assert (kept["verdict"], kept["facts"], kept["suite"]) == ("broken", None, None)
    assert kept["broken"].startswith("make of")


def test_there_is_one_result_for_each_base() -> None:
    kept = KeptResults(name=SUBJECT.name)
    for version in ("3.13.7", "3.13.5", "3.13.7"):
        kept = kept.with_result({**against(version), "when": version}, SUBJECT)
    assert titles(kept) == ["3.13.5 plain", "3.13.7 plain"]
    again = kept.with_result({**against("3.13.5"), "when": "today"}, SUBJECT)
    assert [result.when for result in again.results] == ["today", "3.13.7"]


def test_a_result_is_stale_when_its_patches_changed() -> None:
    assert not is_stale(loaded(extracted()), SUBJECT)
    assert is_stale(loaded(extracted()), CHANGED)
    assert is_stale(
        loaded(extracted()), replace(SUBJECT, patches={**SUBJECT.patches, "0002": "0" * 64})
    )


def test_a_result_of_a_flavor_is_stale_when_the_flavor_changed() -> None:
    run = json.loads(json.dumps(specimen()))
    kept = extract(run, run["candidates"][2], FLAVOR, ())
    assert kept["patches"] == {}
    assert not is_stale(loaded(kept), FLAVOR)
    assert is_stale(loaded(kept), replace(FLAVOR, flavor=Flavor(lto=True, pgo=True)))
    assert not is_stale(loaded(kept | {"flavor": OLDER}), FLAVOR)


def test_a_new_result_takes_the_place_of_stale_ones() -> None:
    kept = KeptResults(name=SUBJECT.name).with_result(against("3.13.5"), SUBJECT)
    new = {**against("3.13.7"), "patches": CHANGED.patches}
    assert titles(kept.with_result(new, CHANGED)) == ["3.13.7 plain"]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read(replace(SUBJECT, folder=tmp_path)) == KeptResults(name=SUBJECT.name)
    kept = KeptResults(name=SUBJECT.name, contents=(extracted(),))
    (tmp_path / results.FILE).write_text(kept.as_text())
    assert read(replace(SUBJECT, folder=tmp_path)) == kept


def damaged(**changed: Any) -> str:
    text = KeptResults(name=SUBJECT.name, contents=(extracted(),)).as_text()
    return json.dumps(json.loads(text) | changed)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "it is not a JSON object"),
        ("{}", "schema None, not 1"),
        ("[" * 100_000, "recursion"),
        (damaged(schema=2), "schema 2, not 1"),
        (damaged(name="3.13/other"), "it is the result of '3.13/other'"),
        (damaged(results=[{}]), "`name` - at `$[0]`"),
        (damaged(results=[extracted(suite=1)]), "got `int` - at `$[0].suite`"),
        (damaged(results=[extracted(base={})]), "`title` - at `$[0].base`"),
        (damaged(results=[extracted(base={"title": 3})]), "at `$[0].base.title`"),
        (damaged(results=[extracted(flavor={"lto": 1})]), "at `$[0].flavor.lto`"),
        (damaged(results=[extracted(suite={"ratio": 1.0})]), "at `$[0].suite`"),
        (damaged(results=[extracted(suite={"ratio": 0})]), ">= 1e-100"),
        (damaged(results=[extracted(comparisons=[{}])]), "at `$[0].comparisons[0]`"),
        (damaged(results=[extracted(controls=[{"suite": {}}])]), "at `$[0].controls[0]"),
        (damaged(results=1), "Expected `array`, got `int`"),
        (damaged(results=None), "Expected `array`, got `null`"),
    ],
)
def test_a_damaged_file_is_told(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / results.FILE).write_text(text)
    with pytest.raises(DataError, match=r"The recorded result of 3\.13/fast-add") as error:
        read(replace(SUBJECT, folder=tmp_path))
    assert str(tmp_path / results.FILE) in error.value.where
    assert reason in error.value.where
    assert "--record" in error.value.hint


def test_a_file_of_the_old_name_is_told_how_to_be_called(tmp_path: Path) -> None:
    text = KeptResults(name=SUBJECT.name, contents=(extracted(),)).as_text()
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(DataError, match=r"are now named verdict\.json") as error:
        read(replace(SUBJECT, folder=tmp_path))
    assert "Rename it to verdict.json" in error.value.hint


# -- what is committed ---------------------------------------------------------------------------

KEPT = committed()


def test_there_are_series_and_flavors() -> None:
    assert {subject.flavor is None for subject in KEPT} == {True, False}


@pytest.mark.parametrize("subject", KEPT, ids=lambda subject: subject.name)
def test_a_committed_result_is_of_what_lies_beside_it(subject: KeptSubject) -> None:
    for result in read(subject).results:
        assert not is_stale(result, subject)
        assert result.gate is not None or result.broken


def test_no_result_is_of_something_that_is_gone() -> None:
    folders = {path.parent for root in ROOTS for path in root.rglob(results.FILE)}
    assert folders <= {subject.folder for subject in KEPT}
