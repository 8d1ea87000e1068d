"""The nightly file: what it says, what it complains of, and the experiments it leads to."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from bench.nightly.config import Keep, Nightly, experiment, load
from builder.errors import ExperimentError
from builder.sources.provide import SourceSpec

LEAST = '[[branch]]\nrevision = "main"\n'
FULL = """
name = "cpython"
source = "https://example.org/cpython.git"
suite = ["nbody", "richards"]
gate = "none"
folder = "there"
at = "23:15"
[[branch]]
revision = "main"
release = "v3.13.5"
[[branch]]
name = "old"
revision = "2.7"
source = "debian"
suite = "quick"
[[flavor]]
[[flavor]]
pgo = true
lto = true
[session]
blocks = 20
seed = 3
[confirm]
blocks = 40
[history]
url = "postgresql://nights@localhost/speed"
[site]
url = "https://speed.example.org/"
[mail]
way = "file"
to = "us@example.org"
sender = "nights@example.org"
path = "nights.mbox"
[keep]
nights = 3
compact = 5
raw = 50
disk = "1.5G"
"""


def read(folder: Path, text: str) -> Nightly:
    path = folder / "nightly.toml"
    path.write_text(text)
    return load(path)


def test_the_least(tmp_path: Path) -> None:
    config = read(tmp_path, LEAST)
    (branch,) = config.branches
    assert (branch.name, branch.revision, branch.release) == ("main", "main", "")
    assert branch.conditions.suite == ("quick",)
    assert [one.name for one in config.flavors] == ["plain"]
    assert (config.name, config.at, config.keep) == ("nightly", time(2, 30), Keep())
    assert config.folder == tmp_path / "nights"
    assert config.history == str(tmp_path / "nights" / "history.sqlite")
    assert (config.site, config.mail, config.address) == (None, None, "")
    # Suspicions are measured again as the night was, but drawn anew.
    assert config.confirm.blocks == branch.conditions.session.blocks
    assert config.confirm.seed is None


def test_all_of_it(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    main, old = config.branches
    assert main.source == SourceSpec(kind="git", location="https://example.org/cpython.git")
    assert old.source == SourceSpec(kind="debian")
    assert (main.conditions.suite, old.conditions.suite) == (("nbody", "richards"), ("quick",))
    assert {one.conditions.gate for one in config.branches} == {"none"}
    assert [(b.name, f.name) for b, f in config.lines] == [
        ("main", "plain"), ("main", "pgo+lto"), ("old", "plain"), ("old", "pgo+lto"),
    ]  # fmt: skip
    assert (main.conditions.session.blocks, config.confirm.blocks) == (20, 40)
    assert config.history == "postgresql://nights@localhost/speed"
    assert config.site == tmp_path / "site"
    assert config.mail is not None
    assert (config.mail.way, config.mail.to) == ("file", ("us@example.org",))
    assert config.keep == Keep(nights=3, compact=5, raw=50, disk=1.5e9)
    assert (config.folder, config.at) == (tmp_path / "there", time(23, 15))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "branch is missing"),
        ("branch = 3", "branch is missing"),
        ("[[branch]]\n", "branch[1].revision is missing"),
        (LEAST + LEAST, "branch[2].name 'main' is used twice"),
        (LEAST + "[[flavor]]\n[[flavor]]\n", "flavor[2] is used twice"),
        (LEAST + "[flavor]\n", "flavor is a table"),
        (LEAST + '[[flavor]]\nconfigure = ["--prefix=/"]\n', "flavor[1].configure has"),
        ('at = "noon"\n' + LEAST, "at is 'noon'"),
        ("budget = 3\n" + LEAST, "budget is not a key"),
        (LEAST + "[confirm]\nblocks = 1\n", "confirm.blocks is 1"),
        (LEAST + "[session]\nblocks = 1\n", "session.blocks is 1"),
        (LEAST + '[keep]\ndisk = "much"\n', "keep.disk is 'much'"),
        (LEAST + "[keep]\nnights = 0\n", "keep.nights is 0"),
        (LEAST + "[site]\nplace = 3\n", "site.place is not a key"),
        ('mail = "me"\n' + LEAST, "mail is text"),
        ("base = 3\n" + LEAST, "base is not a key"),
        ("suite = 3\n" + LEAST, "suite is a number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        read(tmp_path, text)
    assert caught.value.what.startswith(what)
    assert str(tmp_path / "nightly.toml") in caught.value.where


def test_a_sessions_experiment(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    branch, flavor = config.lines[1]
    made = experiment(branch, flavor, name="a b", base="old", others={"tonight": "new"})
    assert (made.name, made.base.revision, made.base.flavor) == ("a-b", "old", flavor)
    assert [(one.name, one.revision, one.flavor) for one in made.candidates] == [
        ("tonight", "new", flavor)
    ]
    assert made.candidates[0].source == made.base.source == branch.source
    assert not made.session.aa


def test_a_revision_alone_is_measured_against_itself(tmp_path: Path) -> None:
    branch, flavor = read(tmp_path, LEAST).lines[0]
    made = experiment(branch, flavor, name="n", base="head", others={})
    assert [(kind, arm.name) for kind, arm in made.arms] == [("base", "base"), ("aa", "aa")]


def test_the_example_is_valid_and_has_every_key() -> None:
    path = Path(__file__).parents[3] / "docs" / "nightly.toml"
    config = load(path)
    assert [branch.name for branch in config.branches] == ["3.13", "mine"]
    assert [flavor.name for flavor in config.flavors] == ["plain", "pgo+lto"]
    assert config.mail is not None
    text = path.read_text()
    assert all(f"{key} =" in text for key in ("name", "folder", "at", *vars(Keep())))
