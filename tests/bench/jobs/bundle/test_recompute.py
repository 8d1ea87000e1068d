from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.jobs.bundle import recompute
from bench.jobs.bundle.agreement import AgreementCheck, read_part
from bench.jobs.bundle.recompute import BundleContents
from bench.results import read, read_document
from bench.session.session import read_folder
from bench.util.documents import read_json
from builder.errors import VerifyError
from tests.bench.results_folder import NAME, lay_out, render, rewrite


def checks(folder: Path) -> tuple[AgreementCheck, ...]:
    names = ("report.md", "mail.txt")
    return recompute.verify(
        BundleContents(
            folder=folder,
            plan=read_json(folder / "plan.json"),
            document=read_document(folder),
            measured=read_folder(folder / "raw"),
            reports={name: (folder / name).read_text() for name in names},
            render=render,
        )
    )


def problems(folder: Path) -> list[str]:
    return [problem for check in checks(folder) for problem in check.problems]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence") / "out"
    lay_out(folder, controls=True)
    return folder


class Altered:
    """A folder whose files are changed for one test, and restored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[Path, bytes] = {}

    def keep(self, name: str) -> Path:
        path = self.folder / name
        self._kept.setdefault(path, path.read_bytes())
        return path

    def change(self, name: str, **places: Any) -> None:
        rewrite(self.keep(name), {place.replace("__", "."): to for place, to in places.items()})

    def restore(self) -> None:
        for path, data in self._kept.items():
            path.write_bytes(data)


@pytest.fixture
def altered(whole: Path) -> Any:
    folder = Altered(whole)
    yield folder
    folder.restore()


def test_an_honest_folder_agrees_in_every_check(whole: Path) -> None:
    results = checks(whole)

    assert [check.problems for check in results] == [()] * len(results)
    names = ["raw data", "blocks", "session", "comparisons", "plan", "patches", "reports"]
    assert [check.name for check in results] == names
    assert all(check.compared > 0 for check in results)


def raw_value(altered: Altered, digit: int) -> None:
    """Alter one digit of one value that pyperf measured."""
    path = altered.keep(f"raw/blocks/0003-nbody/{NAME}.json")
    text = path.read_text()
    at = text.index('"values": [') + digit
    other = "4" if text[at] != "4" else "5"
    path.write_text(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("digit", [17, 19, 22, 25])
def test_a_digit_of_a_raw_value_shows_in_its_block(altered: Altered, digit: int) -> None:
    raw_value(altered, digit)

    (only,) = problems(altered.folder)
    assert only.startswith(f"raw/blocks/0003-nbody/{NAME}.json, mean: recorded is 0.00")


def test_sums_of_another_python_agree(altered: Altered) -> None:
    """Python sums floats more exactly since 3.12."""
    block = json.loads((altered.folder / "raw/blocks/0003-nbody/block.json").read_text())
    busy_seconds = read(altered.folder).session.busy_seconds
    mean = math.nextafter(block["means"][NAME], 1.0)
    altered.change("raw/blocks/0003-nbody/block.json", **{f"means__{NAME}": mean})
    busy = math.nextafter(busy_seconds, 0.0)
    altered.change("result.json", session__busy_seconds=busy)
    lines = problems(altered.folder)
    assert not any("mean: recorded" in line or "busy_seconds" in line for line in lines)

    altered.change("result.json", session__busy_seconds=busy * (1 + 1e-11))
    assert any("busy_seconds: recorded" in line for line in problems(altered.folder))


def test_raw_values_that_were_altered_to_their_block_show_in_the_result(altered: Altered) -> None:
    """Altered blocks contradict the ratios, and so on up to the report."""
    block = f"raw/blocks/0003-nbody/{NAME}.json"
    altered.change(block, benchmarks__0__runs__0__values=[0.008, 0.008, 0.008])
    altered.change("raw/blocks/0003-nbody/block.json", **{f"means__{NAME}": 0.008})
    lines = problems(altered.folder)
    assert f"result.json, block 3 of nbody, means, {NAME}: recorded is" in lines[0]
    assert any(line.startswith(f"result.json, {NAME}, comparisons, nbody, ratio") for line in lines)
    assert any(line.startswith(f"result.json, {NAME}, suite, ratio") for line in lines)

    result = read_document(altered.folder)
    place = next(
        at
        for at, one in enumerate(result["blocks"])
        if (one["number"], one["benchmark"]) == (3, "nbody")
    )
    altered.change("result.json", **{f"blocks__{place}__means__{NAME}": 0.008})
    assert not any("block 3" in line for line in problems(altered.folder))
    assert any("comparisons, nbody, low:" in line for line in problems(altered.folder))


RESULT: dict[str, tuple[dict[str, Any], str]] = {
    "ratio": ({"candidates__0__comparisons__0__ratio": 0.5}, f"{NAME}, comparisons, nbody, ratio"),
    "bound": ({"candidates__0__comparisons__1__low95": 0.5}, "comparisons, richards, low95"),
    "verdict": ({"candidates__0__comparisons__0__verdict": "slower"}, "nbody, verdict"),
    "blocks": ({"candidates__0__comparisons__0__blocks": 60}, "nbody, blocks"),
    "warnings": ({"candidates__0__comparisons__0__warnings": []}, "nbody, warnings"),
    "a row": ({"candidates__0__comparisons": []}, f"{NAME}, comparisons"),
    "suite": ({"candidates__0__suite__high": 0.999}, f"{NAME}, suite, high"),
    "no suite": ({"candidates__0__suite": None}, f"{NAME}, suite"),
    "suite's verdict": ({"candidates__0__verdict": "equivalent"}, f"{NAME}, verdict"),
    "margin": ({"candidates__0__margin": 0.02}, f"{NAME}, margin"),
    "method": ({"candidates__0__method": "magic"}, f"{NAME}, method"),
    "base's time": ({"candidates__0__comparisons__0__base_seconds": 0.5}, "nbody, base_seconds"),
    "candidate's time": (
        {"candidates__0__comparisons__0__candidate_seconds": 0.5},
        "nbody, candidate_seconds",
    ),
    "clock": ({"candidates__0__comparisons__0__clock": "cpu"}, "nbody, clock"),
    "A/A": ({"candidates__1__comparisons__0__ratio": 1.0}, "aa, comparisons, nbody, ratio"),
    "placebos": ({"placebo_band__suite": [0.5, 2.0]}, "band, suite, 0"),
    "kind": ({"candidates__0__kind": "placebo"}, f"{NAME}, kind"),
    "title": ({"candidates__0__title": "another"}, f"{NAME}, title"),
    "commit": ({"base__revision__commit": "f" * 40}, "base, revision, commit"),
    "flavor": ({"base__flavor__pgo": True}, "base, flavor, pgo"),
    "build": ({"candidates__0__replicas__0__key": "0" * 16}, f"{NAME}, build 0, key"),
    "name": ({"candidates__0__name": "other"}, "arms"),
    "position": ({"blocks__0__positions__base": 3}, "block 0 of nbody, positions, base"),
    "time of a block": ({"blocks__0__seconds": 2.5}, "block 0 of nbody, seconds"),
    "state": ({"blocks__0__state__load": 0.0}, "block 0 of nbody, state, load"),
    "a block": ({"blocks": []}, "in the raw data, but not recorded"),
    "a block more": ({"blocks__0__number": 17}, "it is recorded, but not in the raw data"),
    "seed": ({"session__seed": 8}, "session, seed"),
    "session's margin": ({"session__margin": 0.05}, "session, margin"),
    "time": ({"session__seconds": 1.0}, "session, seconds"),
    "protocol": ({"session__protocols": {"nbody": "corun"}}, "session, protocols"),
    "plan in the result": ({"experiment__session__blocks": 7}, "experiment, session, blocks"),
    "shape": ({"blocks": [1]}, "cannot be compared"),
}


@pytest.mark.parametrize("what", RESULT)
def test_each_thing_that_is_altered_in_the_result_is_named(altered: Altered, what: str) -> None:
    change, expected = RESULT[what]
    altered.change("result.json", **change)

    lines = [line for line in problems(altered.folder) if not line.startswith(("report", "mail"))]
    assert any(expected in line for line in lines), lines


PLAN: dict[str, tuple[str, dict[str, Any], str]] = {
    "tree": ("plan.json", {"arms__1__recipe__tree": "f" * 40}, "plan.json, fast, key of build 0"),
    "flag": ("plan.json", {"arms__0__recipe__flavor__cflags": "-Ofast"}, "base, key of build 0"),
    "key": ("plan.json", {"arms__1__key": "0" * 16}, "plan.json, arms, fast, key"),
    "seed": ("plan.json", {"seed": 8}, "plan.json, seed"),
    "digest": ("plan.json", {"arms__1__patches": {}}, "it is not the patch of the plan"),
    "changed": ("plan.json", {"arms__1__recipe__changed": []}, "recipe does not name it"),
    "rules": ("raw/rules.json", {"sequential": True}, "raw/rules.json, sequential"),
    "watched": ("raw/rules.json", {"watched": []}, "raw/rules.json, watched"),
    "work": (
        "raw/blocks/0000-nbody/block.json",
        {"spent__base__start": 0.2},
        "0000-nbody/block.json, busy_seconds",
    ),
    "position": (
        "raw/blocks/0000-nbody/base.json",
        {"benchmarks__0__runs__0__metadata__patchbench_position": 1},
        "0000-nbody/base.json, position",
    ),
    "other block": (
        "raw/blocks/0000-nbody/base.json",
        {"benchmarks__0__runs__0__metadata__patchbench_block": 1},
        "0000-nbody/base.json, block",
    ),
    "seed of a block": ("raw/blocks/0000-nbody/block.json", {"seed": 98}, "base.json, seed"),
    "no values": (
        "raw/blocks/0000-nbody/base.json",
        {"benchmarks__0__runs__0__values": []},
        "raw data: cannot be compared",
    ),
    "a name that leads away": (
        "raw/blocks/0000-nbody/block.json",
        {"means": {"base": 1.0, "../../../plan": 1.0}},
        "leads out of the folder",
    ),
}


@pytest.mark.parametrize("what", PLAN)
def test_each_thing_that_is_altered_elsewhere_is_named(altered: Altered, what: str) -> None:
    file, change, expected = PLAN[what]
    altered.change(file, **change)

    assert any(expected in line for line in problems(altered.folder)), problems(altered.folder)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda data: data.replace(b'"0.9"', b'"0.8"'), "not the patch of the plan"),
        (lambda data: data.replace(b"Python/ceval.c", b"Python/other.c"), "Python/other.c"),
        (lambda data: b"nothing", "patches: cannot be compared"),
    ],
)
def test_a_patch_that_was_altered_is_named(
    altered: Altered, change: Callable[[bytes], bytes], expected: str
) -> None:
    path = altered.keep(f"patches/{NAME}/01-{NAME}/{NAME}.patch")
    path.write_bytes(change(path.read_bytes()))

    assert any(expected in line for line in problems(altered.folder)), problems(altered.folder)


def test_a_report_that_says_something_else_is_named_with_its_line(altered: Altered) -> None:
    path = altered.keep("mail.txt")
    path.write_text(path.read_text().replace("faster", "slower", 1))

    (only,) = problems(altered.folder)
    assert only.startswith("mail.txt: it is not the report of result.json, from line 1: 'Subject:")


def without_times(altered: Altered, rows: slice) -> None:
    """Take the times out of some rows of the candidate."""
    path = altered.keep("result.json")
    content = json.loads(path.read_text())
    for row in content["candidates"][0]["comparisons"][rows]:
        for key in ("base_seconds", "candidate_seconds", "clock"):
            del row[key]
    path.write_text(json.dumps(content))


def test_results_from_before_there_were_times_agree(altered: Altered) -> None:
    without_times(altered, slice(None))

    assert not [line for line in problems(altered.folder) if "comparisons" in line]


def test_times_that_were_taken_out_of_one_row_are_missed(altered: Altered) -> None:
    without_times(altered, slice(1))

    assert any("nbody: base_seconds is missing" in line for line in problems(altered.folder))


def test_the_last_digits_may_be_rounded_otherwise(altered: Altered) -> None:
    """Another libm may differ in the last digits of results; measured values must be equal."""
    result = read_document(altered.folder)
    ratio = result["candidates"][0]["comparisons"][0]["ratio"]
    altered.change("result.json", candidates__0__comparisons__0__ratio=ratio * (1 + 1e-13))
    assert problems(altered.folder) == []
    altered.change("result.json", candidates__0__comparisons__0__ratio=ratio * (1 + 1e-8))
    assert len(problems(altered.folder)) == 1


def test_what_was_never_installed_is_missing_in_the_result_alone(altered: Altered) -> None:
    lost = {"benchmark": "go", "reason": "cannot be installed"}
    altered.change("result.json", session__missing=[lost])
    assert problems(altered.folder) == []
    path = altered.folder / "raw" / "missing.json"
    path.write_text(json.dumps({"go": {"reason": "it crashed", "seconds": 0.0}}))
    try:
        assert any("missing: go is not as in the raw" in line for line in problems(altered.folder))
    finally:
        path.unlink()


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_json_that_cannot_be_read_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(VerifyError, match=r"plan\.json cannot be read"):
        read_part(tmp_path / "plan.json")


def test_a_rule_in_other_words_is_as_recorded(altered: Altered) -> None:
    altered.change("result.json", session__disturbance__rule="an older sentence")
    assert problems(altered.folder) == []
    altered.change("result.json", session__disturbance__kept=7)
    assert any("disturbance" in problem for problem in problems(altered.folder))
