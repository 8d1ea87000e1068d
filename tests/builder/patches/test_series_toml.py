"""series.toml read and checked; test_catalogue.py has the folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import PatchError
from builder.patches.catalogue import load
from builder.patches.series_toml import KEYS, nearest, read
from tests.builder.patches.manifests import GOOD, toml, write

# What series.toml says, the key that is named, and what the message must say.
BAD: list[tuple[str | bytes, str, list[str]]] = [
    (
        toml(titel='"x"'),
        "titel",
        ["The key titel is unknown; did you mean title.", "Keys are title"],
    ),
    (toml(zzz="1"), "zzz", ["The key zzz is unknown."]),
    (toml() + '[requires]\na = "b"\n', "requires", ["must be a list, not a table"]),
    *((toml(**{key: None}), key, [f"The key {key} is missing.", f"Write {key} ="]) for key in KEYS),
    *((toml(**{key: "1"}), key, [f"{key} must be text, not a number"]) for key in KEYS),
    (toml(title="true"), "title", ["not a truth value"]),
    (toml(title='["a"]'), "title", ["not a list"]),
    (toml(title="2026-01-01"), "title", ["not a date"]),
    (toml(why='" "'), "why", ["why is empty", "what is slow today"]),
    (toml(title='"a\\nb"'), "title", ["more than one line"]),
    (
        toml(status='"propose"'),
        "status",
        ["'propose'; did you mean proposed.", "not proposed, pro"],
    ),
    (toml(status='"wip"'), "status", ["status is 'wip'.", "placebo"]),
    (toml(upstream='"soon"'), "upstream", ["'soon', no reference", "gh-12345"]),
    *(
        (toml(upstream=f'"{text}"'), "upstream", ["no reference"])
        for text in ("gh-1 merged", "gh-1,", "none, gh-1", "gh-1:", "gh-1; merged", "gh-x: y")
    ),
    (toml(upstream='"none"'), "upstream", ["status is 'proposed', but upstream is \"none\""]),
    (toml(applies_to='"3.13"'), "applies_to", ["'3.13', no range of versions", ">=2.7.11,<2.8"]),
    (toml(applies_to='">=2.7,<2.8"'), "applies_to", ["no version of branch 3.13"]),
    (toml(requires='"3.13/a"'), "requires", ["must be a list, not text", '["3.13/other-series"]']),
    (toml(requires="[1]"), "requires", ["requires has 1, no series' name"]),
    (toml(requires='["a"]'), "requires", ["requires has 'a', no series' name"]),
    (toml(conflicts='["3.13/../x"]'), "conflicts", ["no series' name"]),
    (toml(conflicts='["3.13/ints"]'), "conflicts", ["names the series itself"]),
    (toml(requires='["3.13/a"]', conflicts='["3.13/a"]'), "conflicts", ["both required and exclu"]),
    ("title = \n", "", ["series.toml is not valid", "line 1"]),
    (b"\xff\xfe", "", ["series.toml is not valid"]),
    ("x = " + "[" * 9999, "", ["nested too deeply"]),
    ('title = "a"\ntitle = "b"\n', "", ["series.toml is not valid"]),
]


@pytest.mark.parametrize(("text", "key", "pieces"), BAD)
def test_a_bad_manifest_is_named_by_file_and_key(
    tmp_path: Path, text: str | bytes, key: str, pieces: list[str]
) -> None:
    folder = write(tmp_path, text=text)
    with pytest.raises(PatchError) as caught:
        load(tmp_path, "3.13/ints")
    assert caught.value.where == str(folder / "series.toml") + (f", {key}" if key else "")
    assert caught.value.hint
    for piece in pieces:
        assert piece in str(caught.value)


def test_what_is_read(tmp_path: Path) -> None:
    folder = write(tmp_path, text=toml(title='" Keep it "', requires='["3.13/a"]'))
    found = read(folder / "series.toml", "3.13/ints")
    assert (found.title, found.requires, found.conflicts) == ("Keep it", ("3.13/a",), ())
    assert {key: getattr(found, key) for key in KEYS} == {**GOOD, "title": "Keep it"}


@pytest.mark.parametrize("range_", [">=3.13.0a0,<3.13.0a1", "==3.13.*", ">=3.13.99", ">=3.0"])
def test_a_range_that_has_a_version_of_the_branch(tmp_path: Path, range_: str) -> None:
    path = write(tmp_path, text=toml(applies_to=f'"{range_}"')) / "series.toml"
    assert read(path, "3.13/ints").applies_to == range_


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PatchError, match=r"series\.toml cannot be read: No such file") as caught:
        read(tmp_path / "series.toml", "3.13/ints")
    assert caught.value.where == str(tmp_path / "series.toml")


@pytest.mark.parametrize(
    ("word", "end"),
    [("statsu", "; did you mean status"), ("quite other", ""), ("x" * 100_000, "")],
)
def test_the_nearest_known_word(word: str, end: str) -> None:
    assert nearest(word, KEYS) == end
