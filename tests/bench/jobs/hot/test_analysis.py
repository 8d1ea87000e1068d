"""What a program is hot in and how two runs differ: pure, from reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.jobs.hot import analysis
from bench.jobs.hot.analysis import MAIN, Cost, HotModule, Profile, ProgramOutcome
from builder.errors import DataError, UsageError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("script", "slow.py", "kit/__init__.py", "kit/parts.py", "lib/json.py", "lib/x.so"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    installed = tmp_path / "lib/site-packages/other.py"
    installed.parent.mkdir()
    installed.write_text("")
    return tmp_path


def _profile(place: Path, lines: dict[tuple[str, int], int], **more: str) -> Profile:
    modules = {
        MAIN: "script",
        "slow": "slow.py",
        "kit": "kit/__init__.py",
        "kit.parts": "kit/parts.py",
        "json": "lib/json.py",
        "x": "lib/x.so",
        "other": "lib/site-packages/other.py",
        **more,
    }
    return Profile(
        samples=sum(lines.values()),
        functions=(),
        lines={(place / name, line): count for (name, line), count in lines.items()},
        modules={name: place / path for name, path in modules.items()},
        library=place / "lib",
    )


def _report(path: Path, **values: Any) -> Path:
    path.write_text(json.dumps({"cpu": 1.5, "wall": 2.0, **values}))
    return path


def test_reports_are_added_up(tmp_path: Path) -> None:
    first = _report(
        tmp_path / "1",
        samples=3,
        functions=[["a.py", "f", 1, 3, 3], ["a.py", "main", 9, 0, 3]],
        lines=[["a.py", 2, 3]],
        modules={"a": "/a.py"},
        library="/lib",
    )
    second = _report(
        tmp_path / "2", samples=1, functions=[["a.py", "f", 1, 1, 1]], lines=[["a.py", 3, 1]]
    )
    profile = analysis.read_profile([first, second])
    assert (profile.samples, profile.library) == (4, Path("/lib"))
    samples = [(function.name, function.own, function.total) for function in profile.functions]
    assert samples == [("f", 4, 4), ("main", 0, 3)]
    assert profile.lines == {(Path("a.py"), 2): 3, (Path("a.py"), 3): 1}
    assert profile.share(1) == 0.25


def test_a_file_that_is_no_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        analysis.read_profile([tmp_path / "none"])
    assert analysis.read_cost(tmp_path / "none") is None
    assert analysis.read_cost(_report(tmp_path / "one")) == Cost(cpu=1.5, wall=2.0)


def test_the_programs_own_modules_are_compiled_where_they_are_hot(place: Path) -> None:
    lines = {
        ("slow.py", 3): 30,
        ("slow.py", 4): 5,
        ("kit/parts.py", 1): 20,
        ("script", 1): 15,
        ("lib/json.py", 1): 12,
        ("kit/__init__.py", 1): 11,
        ("lib/site-packages/other.py", 7): 5,
        ("<string>", 1): 2,
    }
    profile = _profile(place, lines)
    modules = analysis.hot_modules(profile)
    assert [(module.name, module.samples) for module in modules] == [
        ("slow", 35),
        ("kit.parts", 20),
        (MAIN, 15),
        ("json", 12),
        ("kit", 11),
        ("other", 5),
    ]
    refused = {module.name: module.refused for module in modules if module.refused}
    assert set(refused) == {"json", "kit"}
    assert "standard library" in refused["json"]
    assert "__init__" in refused["kit"]
    chosen = analysis.chosen(profile, modules, ())
    assert [module.name for module in chosen] == ["slow", "kit.parts", MAIN]
    assert (chosen[1].package, chosen[1].stem) == ("kit", "parts")
    assert analysis.lines_of(profile, chosen[0].file) == {3: 30, 4: 5}


def test_a_script_that_is_imported_as_well_is_itself(place: Path) -> None:
    profile = _profile(place, {("script", 1): 5}, again="script", Before="script")
    assert [module.name for module in analysis.hot_modules(profile)] == [MAIN]


def test_modules_can_be_asked_for(place: Path) -> None:
    profile = _profile(place, {("slow.py", 1): 9, ("script", 1): 1})
    modules = analysis.hot_modules(profile)
    chosen = analysis.chosen(profile, modules, ("other", MAIN, "other"))
    assert [(module.name, module.samples) for module in chosen] == [("other", 0), (MAIN, 1)]
    for name, why in (
        ("none", "no such module"),
        ("x", "not a Python source"),
        ("json", "standard"),
    ):
        with pytest.raises(UsageError, match=why) as raised:
            analysis.chosen(profile, modules, (name,))
        assert "slow" in raised.value.hint


def test_nothing_hot_is_nothing_to_compile(place: Path) -> None:
    profile = _profile(place, {("lib/json.py", 1): 99, ("script", 1): 1})
    assert analysis.chosen(profile, analysis.hot_modules(profile), ()) == ()


@pytest.mark.parametrize(
    ("got", "text"),
    [
        (ProgramOutcome(status=0, stdout=b"a\nb\n", stderr=b"", files={"f": "1" * 64}), ""),
        (
            ProgramOutcome(status=1, stdout=b"a\nb\n", stderr=b"", files={"f": "1" * 64}),
            "status: 0, then",
        ),
        (ProgramOutcome(status=0, stdout=b"a\nc\n", stderr=b"", files={"f": "1" * 64}), "-b\n+c"),
        (
            ProgramOutcome(status=0, stdout=b"a\nb\n", stderr=b"\xff", files={"f": "1" * 64}),
            "+\\xff",
        ),
        (
            ProgramOutcome(status=0, stdout=b"a\r\nb\n", stderr=b"", files={"f": "1" * 64}),
            "line endings",
        ),
        (
            ProgramOutcome(status=0, stdout=b"a\nb\n", stderr=b"", files={"f": "2" * 64}),
            "file f: SHA-256",
        ),
        (ProgramOutcome(status=0, stdout=b"a\nb\n", stderr=b""), "then not written"),
    ],
)
def test_every_difference_is_shown(got: ProgramOutcome, text: str) -> None:
    expected = ProgramOutcome(status=0, stdout=b"a\nb\n", stderr=b"", files={"f": "1" * 64})
    shown = analysis.difference(expected, got)
    assert text in shown
    assert bool(shown) == bool(text)


def test_a_long_difference_is_cut() -> None:
    before = ProgramOutcome(status=0, stdout=b"a\n" * 500, stderr=b"")
    after = ProgramOutcome(status=0, stdout=b"b\n" * 500, stderr=b"")
    lines = analysis.difference(before, after).splitlines()
    assert len(lines) < 60
    assert "more lines" in lines[-1]


def test_the_document_has_shares(place: Path) -> None:
    profile = _profile(place, {("slow.py", 1): 3, ("script", 1): 1})
    document = analysis.as_json(profile, analysis.hot_modules(profile), 5)
    assert [(module["module"], module["share"]) for module in document["modules"]] == [
        ("slow", 0.75),
        (MAIN, 0.25),
    ]
    assert HotModule(name="a.b.c", file=place, samples=1).package == "a.b"
