from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from bench.host.facts import HostState
from bench.measure.choice import FalseCalls
from bench.results import result as results
from bench.results.result import BROKEN, ArmReport, ProtocolRecord
from bench.session.verdicts import Band
from builder.errors import DataError
from tests import golden
from tests.golden import specimen as specimens
from tests.golden.specimen import HOME, specimen

PROJECT = Path(__file__).parents[3]


def assembled(**changed: Any) -> dict[str, Any]:
    """The specimen's document, with some of its parts replaced."""
    parts = {
        "plan": specimens.plan(),
        "seed": 7,
        "arms": specimens.arms(),
        "measured": specimens.measured(),
        "host": {"name": "c0ffee"},
        "commands": (),
        "warnings": (),
        "when": "",
        "version": "",
        "places": {},
    }
    return results.assemble(**(parts | changed))


def of(name: str) -> ArmReport:
    """An arm of the specimen."""
    return next(arm for arm in specimens.arms() if arm.name == name)


def test_the_content_is_the_golden_one() -> None:
    assert specimen() == json.loads(golden.read("result.json"))


def test_every_key_is_in_the_description_of_the_schema() -> None:
    described = (PROJECT / "docs" / "result-schema.md").read_text()
    content = specimen()
    keys = {*content, *content["session"], *content["base"], *content["candidates"][0]}
    keys |= {*content["base"]["build"], *content["blocks"][0], *content["candidates"][0]["gate"]}
    keys |= {*content["candidates"][0]["comparisons"][0]}
    keys |= {key.name for key in fields(HostState)}

    assert {key for key in keys if f"`{key}`" not in described} == set()
    assert f"schema {results.SCHEMA}" in described


def test_a_candidate_has_the_shape_of_a_comparison_of_files() -> None:
    document = json.loads(json.dumps(specimens.comparisons().document()))
    candidate = specimen()["candidates"][0]

    assert document.pop("schema") == 1
    assert {key: candidate[key] for key in document} == {
        **document,
        "warnings": candidate["warnings"],
    }
    assert candidate["warnings"] == [
        "same-library: only the interpreter differs",
        "suite-mix: benchmarks disagree",
    ]


@pytest.mark.parametrize(
    ("arm", "verdict"),
    [
        (of("fast-add"), "faster"),
        (of("wrong-add"), BROKEN),
        (of("lto"), BROKEN),
        (of("base"), "undecided"),
        (replace(of("fast-add"), comparisons=None), "undecided"),
        (
            replace(of("fast-add"), comparisons=replace(specimens.comparisons(), suite=None)),
            "undecided",
        ),
    ],
    ids=["measured", "gate", "build", "no comparison", "not measured", "no suite"],
)
def test_the_verdict_of_an_arm(arm: ArmReport, verdict: str) -> None:
    assert arm.verdict == verdict
    assert assembled(arms=(of("base"), arm))["candidates"][0]["verdict"] == verdict


def test_false_calls_are_recorded_where_they_were_measured() -> None:
    protocols = ProtocolRecord(
        origin="calibrated on Monday",
        false_calls=FalseCalls.counted(1, 40),
        comparisons="all of them",
    )
    session = assembled(calibrated=protocols)["session"]
    unknown = assembled()["session"]

    assert session["calibration"] == "calibrated on Monday"
    assert session["false_calls"] == {
        "called": 1,
        "of": 40,
        "upper": pytest.approx(0.1316, abs=0.0001),
        "origin": "all of them",
    }
    assert unknown["false_calls"] is None
    assert "`called`, `of`, `upper`" in (PROJECT / "docs" / "result-schema.md").read_text()


def test_the_band_of_the_placebos_is_plain_data() -> None:
    band = Band(suite=(0.99, 1.01), benchmarks={"nbody": (0.98, 1.0)})
    document = json.loads(json.dumps(assembled(band=band)["placebo_band"]))

    assert document == {"suite": [0.99, 1.01], "benchmarks": {"nbody": [0.98, 1.0]}}
    assert assembled()["placebo_band"] is None


def test_every_replica_is_recorded_and_the_first_in_full() -> None:
    arm = of("fast-add")
    (build,) = arm.builds
    again = replace(arm, builds=(build, replace(build, key="b" * 16)))
    candidate = assembled(arms=(of("base"), again))["candidates"][0]

    assert [replica["key"] for replica in candidate["replicas"]] == [build.key, "b" * 16]
    assert candidate["build"]["key"] == build.key
    assert assembled(arms=(of("base"), of("lto")))["candidates"][0]["replicas"] == []


def test_without_a_session_nothing_of_one_is_recorded() -> None:
    content = assembled(measured=None)

    assert content["blocks"] == []
    assert {"seconds", "busy_seconds", "missing"}.isdisjoint(content["session"])


def test_places_of_this_machine_are_replaced_by_names() -> None:
    places = {HOME: "HOME", Path("/home/ann"): "~", Path("/home/ann/results/x"): "RESULTS"}
    commands = (
        f"patchbench --home {HOME} run /home/ann/my.toml --out=/home/ann/results/x",
        "cd /home/ann",
        "cat /home/anna/x /home/ann-b/y /mnt/home/ann/z",
        f"Cannot write {HOME}/builds: see /home/ann.",
    )
    published = assembled(places=places, commands=commands)["commands"]

    assert published == [
        "patchbench --home HOME run ~/my.toml --out=RESULTS",
        "cd ~",
        "cat /home/anna/x /home/ann-b/y /mnt~/z",
        "Cannot write HOME/builds: see ~.",
    ]


def test_the_root_as_a_home_replaces_nothing() -> None:
    document = assembled(places={Path("/"): "~"}, commands=("https://example.org/a/b",))
    assert document["commands"] == ["https://example.org/a/b"]


def test_the_content_can_be_written_and_read_back(tmp_path: Path) -> None:
    content = assembled(
        commands=(b"run \xff.diff".decode("utf-8", "surrogateescape"),),
        host=asdict(specimens.HOST),
    )
    (tmp_path / results.FILE).write_text(
        json.dumps(content, allow_nan=False, ensure_ascii=False), encoding="utf-8"
    )

    assert results.read_document(tmp_path) == content
    assert results.read(tmp_path) == results.parse_document(content)
    assert content["commands"] == [r"run \udcff.diff"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "There is no result here: result.json cannot be read"),
        ("", "There is no result here: result.json cannot be read"),
        ('{"schema": 1', "There is no result here: result.json cannot be read"),
        ("[]", "There is no result here: result.json cannot be read"),
        ("{}", "schema None; this patchbench reads 1"),
        ("[" * 100_000, "There is no result here: result.json cannot be read"),
        ('{"schema": 2}', "schema 2; this patchbench reads 1"),
        ('{"schema": "1"}', "schema '1'; this patchbench reads 1"),
        ('{"schema": 1}', "The result is damaged: it cannot be read"),
        ('{"schema": 1, "experiment": []}', "The result is damaged: it cannot be read"),
    ],
    ids=str,
)
def test_what_is_no_result_of_ours(text: str | None, what: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / results.FILE).write_text(text)

    with pytest.raises(DataError, match=what) as caught:
        results.read(tmp_path)
    assert str(tmp_path / results.FILE) in caught.value.where
    assert caught.value.hint


def test_a_whole_result_is_read(tmp_path: Path) -> None:
    (tmp_path / results.FILE).write_text(golden.read("result.json"), encoding="utf-8")
    assert results.read_document(tmp_path) == specimen()
    assert results.read(tmp_path) == results.parse_document(specimen())
