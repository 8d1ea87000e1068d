from __future__ import annotations

from pathlib import Path

import pytest

from bench.experiments.experiment import ArmRequest
from bench.experiments.reading import Document, experiment_from, load, read
from bench.experiments.session_options import SessionOptions
from builder.builds.recipe import Flavor
from builder.errors import ExperimentError
from builder.sources.provide import SourceSpec

ONE = '[[candidate]]\npatch = "a.diff"\n'
FULL = """
base = "2.7"
suite = ["richards", "-tornado"]
source = "debian"
gate = "full"
wheels = "wheels"

[flavor]
pgo = true
cc = "clang"

[[candidate]]
series = "2.7/inline-fast-paths"

[[candidate]]
name = "both"
patch = ["a.diff", "-"]
revision = "main~3"
source = { location = "../clone" }
flavor = { lto = true, configure = ["--without-computed-gotos"], computed_gotos = false }

[session]
margin = 0.02
blocks = 8
budget = "1.5h"
protocol = "sequential"
process_seconds = 2
timeout = "90 s"
seed = 0
replicas = 3
until = "blocks"
aa = true
placebos = 2
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "x.toml"
    path.write_text(text)
    return path


# -- what is right -------------------------------------------------------------------------------


def test_the_least(tmp_path: Path) -> None:
    experiment = load(written(tmp_path, f'base = "3.13"\n{ONE}'))

    assert experiment.name == "x"
    assert experiment.base == ArmRequest(name="base", revision="3.13")
    assert experiment.candidates == (ArmRequest(name="a", patches=(str(tmp_path / "a.diff"),)),)
    assert (experiment.suite, experiment.gate, experiment.wheels) == (("quick",), "core", "")
    assert experiment.session == SessionOptions()


def test_everything(tmp_path: Path) -> None:
    experiment = load(written(tmp_path, FULL))
    shared = Flavor(pgo=True, cc="clang")
    debian = SourceSpec(kind="debian")

    assert experiment.suite == ("richards", "-tornado")
    assert (experiment.gate, experiment.wheels) == ("full", str(tmp_path / "wheels"))
    assert experiment.base == ArmRequest(name="base", revision="2.7", source=debian, flavor=shared)
    assert experiment.candidates == (
        ArmRequest(
            name="inline-fast-paths",
            series=("2.7/inline-fast-paths",),
            source=debian,
            flavor=shared,
        ),
        ArmRequest(
            name="both",
            patches=(str(tmp_path / "a.diff"), "-"),
            revision="main~3",
            source=SourceSpec(kind="git", location=str(tmp_path.parent / "clone")),
            flavor=Flavor(
                pgo=True,
                lto=True,
                computed_gotos=False,
                configure=("--without-computed-gotos",),
                cc="clang",
            ),
        ),
    )
    assert experiment.session == SessionOptions(
        margin=0.02,
        blocks=8,
        budget=5400.0,
        protocol="sequential",
        process_seconds=2.0,
        timeout=90.0,
        seed=0,
        replicas=3,
        until="blocks",
        aa=True,
        placebos=2,
    )


def test_a_candidate_can_be_a_placebo_or_have_one(tmp_path: Path) -> None:
    text = f'base = "3.13"\n[[candidate]]\nplacebo = "links:7"\n{ONE}placebo = "padding:3"\n'
    alone, patched = load(written(tmp_path, text)).arms[1:]

    assert alone == ("placebo", ArmRequest(name="placebo-links-7", placebo="links:7"))
    assert patched[0] == "candidate"
    assert patched[1].name == "a+placebo-padding-3"


@pytest.mark.parametrize("asked", ["aa = true", "placebos = 1"])
def test_no_candidate_is_needed_where_arms_are_added(asked: str, tmp_path: Path) -> None:
    experiment = load(written(tmp_path, f'base = "3.13"\n[session]\n{asked}\n'))

    assert experiment.candidates == ()
    assert len(experiment.arms) == 2


def test_a_base_of_its_own_flavor_and_patches(tmp_path: Path) -> None:
    text = f'[base]\nrevision = "3.13"\npatch = "b.diff"\nflavor = {{ lto = true }}\n{ONE}'
    base = load(written(tmp_path, text)).base

    assert base == ArmRequest(
        name="base",
        revision="3.13",
        patches=(str(tmp_path / "b.diff"),),
        flavor=Flavor(lto=True),
    )


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ('patch = "my fix (2).diff"', "my-fix--2"),
        ('patch = "-"', "stdin"),
        ('series = ["3.13/a", "3.13/b"]', "a+b"),
        ('revision = "v3.14.0"', "v3.14.0"),
        ('revision = "feature/fast"', "feature-fast"),
        ('patch = "block.diff"', "block-candidate"),
        ("flavor = { pgo = true, lto = true }", "pgo+lto"),
        ('flavor = { loop_cflags = "-fno-gcse" }', "loop--fno-gcse"),
    ],
)
def test_an_arm_without_a_name_is_named_after_what_it_is(
    table: str, name: str, tmp_path: Path
) -> None:
    experiment = load(written(tmp_path, f'base = "3.13"\n[[candidate]]\n{table}\n'))
    assert experiment.candidates[0].name == name


def test_the_experiments_of_this_project_are_valid() -> None:
    files = sorted((Path(__file__).parents[3] / "experiments").glob("*.toml"))
    assert files
    for file in files:
        assert load(file).candidates


# -- what is wrong: the text, what the error names, the line it names, what would be right ---------

BASE = 'base = "3.13"\n'
TWO = '[[candidate]]\nname = "a"\npatch = "a.diff"\n'

INVALID = [
    ("", "base is missing", None, "3.13"),
    ("base = 3.13\n" + ONE, "base is a number (3.13)", 1, "a revision"),
    ("base = true\n" + ONE, "base is true", 1, "a revision"),
    ('base = ""\n' + ONE, "base is text", 1, "a revision"),
    ("base = []\n" + ONE, "base is a list", 1, "a revision"),
    ("[base]\n" + ONE, "base.revision is missing", 1, "a branch, tag or commit"),
    ("[base]\nrevision = 3\n" + ONE, "base.revision", 2, "a branch, tag or commit"),
    ('[base]\nrevision = "3.13"\nname = "b"\n' + ONE, "base.name is not a key", 3, "one of: "),
    (BASE, "candidate is missing", None, "[[candidate]]"),
    (BASE + '[candidate]\npatch = "a"\n', "candidate is a table", 2, "[[candidate]]"),
    (BASE + "candidate = []\n", "candidate is a list", 2, "[[candidate]]"),
    (BASE + "candidate = [1]\n", "candidate[1] is a number", 2, "[[candidate]]"),
    (BASE + "[[candidate]]\n", "candidate[1] is the base itself", 2, "a series, patch"),
    (BASE + ONE + "[[candidate]]\n", "candidate[2] is the base itself", 4, "a series, patch"),
    (BASE + ONE + ONE, "candidate[2].name 'a' is used twice", 4, "a different name for each"),
    (BASE + ONE + TWO, "candidate[2].name 'a' is used twice", 5, "a different name for each"),
    (BASE + ONE + 'name = "base"\n', "candidate[1].name 'base' is used twice", 4, "a different"),
    (BASE + ONE + 'name = "block"\n', "candidate[1].name 'block' is reserved", 4, "another name"),
    (BASE + ONE + 'name = "a/b"\n', "candidate[1].name is 'a/b'", 4, "letters, digits"),
    (BASE + ONE + 'name = ".."\n', "candidate[1].name is '..'", 4, "letters, digits"),
    (BASE + ONE + f'name = "{"a" * 65}"\n', "candidate[1].name is", 4, "at most 64"),
    (BASE + ONE + 'pathc = "b"\n', "candidate[1].pathc is not a key", 4, "patch (did you mean"),
    (BASE + '[[candidat]]\npatch = "a"\n', "candidat is not a key", 2, "candidate (did you mean"),
    (BASE + "[[candidate]]\npatch = 1\n", "candidate[1].patch is a number", 3, "a string or"),
    (BASE + '[[candidate]]\nseries = ["a", 1]\n', "candidate[1].series is a list", 3, "strings"),
    (BASE + '[[candidate]]\nseries = [""]\n', "candidate[1].series is a list", 3, "strings"),
    (BASE + ONE + "revision = 3.14\n", "candidate[1].revision is a number", 4, "one line of text"),
    (BASE + ONE + 'revision = "a\\nb"\n', "candidate[1].revision is text", 4, "one line of text"),
    (BASE + "flavor = 1\n" + ONE, "flavor is a number", 2, "a table"),
    (BASE + ONE + '[flavor]\npgo = "yes"\n', "flavor.pgo is text", 5, "true or false"),
    (BASE + ONE + "[flavor]\nlto = 1\n", "flavor.lto is a number", 5, "true or false"),
    (BASE + ONE + "[flavor]\ngotos = true\n", "flavor.gotos is not a key", 5, "computed_gotos"),
    (BASE + ONE + "[candidate.flavor]\npgo = 1\n", "candidate[1].flavor.pgo is", 5, "true"),
    (BASE + ONE + "flavor = {pgo = 1}\n", "candidate[1].flavor.pgo is", 4, "true"),
    (BASE + ONE + '[flavor]\nconfigure = ["-O3"]\n', "flavor.configure has '-O3'", 5, "--with-*"),
    (BASE + ONE + '[flavor]\nconfigure = ["--prefix=/"]\n', "flavor.configure has", 5, "--with-*"),
    (BASE + ONE + '[flavor]\nconfigure = ["--with-lto"]\n', "'--with-lto'", 5, "lto = true"),
    (BASE + ONE + "[flavor]\ncflags = 2\n", "flavor.cflags is a number", 5, "one line of text"),
    (BASE + ONE + "[flavor]\nloop_cflags = []\n", "flavor.loop_cflags is a list", 5, "one line"),
    (BASE + ONE + '[flavor]\nloop_cflags = "-O2 $(X)"\n', "loop_cflags has '$(X)'", 5, "-fno-gcse"),
    (BASE + "source = 7\n" + ONE, "source is a number", 2, "git, debian, a URL"),
    (BASE + 'source = {url = "x"}\n' + ONE, "source.url is not a key", 2, "location"),
    (BASE + 'source = {location = "git:x", sha256 = "0"}\n' + ONE, "source is not", 2, "tarball"),
    (BASE + "suite = 3\n" + ONE, "suite is a number", 2, '"quick", "core", "full"'),
    (BASE + "suite = []\n" + ONE, "suite is a list", 2, '"quick", "core", "full"'),
    (BASE + "suite = [1]\n" + ONE, "suite has a number", 2, '"quick", "core", "full"'),
    (BASE + 'gate = "some"\n' + ONE, "gate is 'some'", 2, "one of: core, full, none"),
    (BASE + "gate = false\n" + ONE, "gate is False", 2, "one of: core, full, none"),
    (BASE + "wheels = 1\n" + ONE, "wheels is a number", 2, "one line of text"),
    (BASE + "session = 1\n" + ONE, "session is a number", 2, "a table"),
    (BASE + ONE + "[session]\nmargin = 0\n", "session.margin is 0", 5, "0.0001 to 0.5"),
    (BASE + ONE + "[session]\nmargin = nan\n", "session.margin is nan", 5, "0.0001 to 0.5"),
    (BASE + ONE + '[session]\nmargin = "1%"\n', "session.margin is text", 5, "0.0001 to 0.5"),
    (BASE + ONE + "[session]\nmargin = true\n", "session.margin is true", 5, "0.0001 to 0.5"),
    (BASE + ONE + "[session]\nblocks = 1\n", "session.blocks is 1", 5, "2 to 1000"),
    (BASE + ONE + "[session]\nblocks = 2.5\n", "session.blocks is a number", 5, "2 to 1000"),
    (BASE + ONE + "session.blocks = 0\n", "candidate[1].session is not a key", 4, "one of: "),
    ("session.blocks = 0\n" + BASE + ONE, "session.blocks is 0", 1, "2 to 1000"),
    (BASE + ONE + "[session]\nbudget = 600\n", "session.budget is 600", 5, '"90s", "10m", "1h"'),
    (BASE + ONE + '[session]\nbudget = "0m"\n', "session.budget is '0m'", 5, '"90s"'),
    (BASE + ONE + '[session]\nbudget = "-5m"\n', "session.budget is '-5m'", 5, '"90s"'),
    (BASE + ONE + '[session]\ntimeout = "9w"\n', "session.timeout is '9w'", 5, '"90s"'),
    (BASE + ONE + '[session]\nprotocol = "duet"\n', "session.protocol is 'duet'", 5, "lockstep"),
    (BASE + ONE + "[session]\nprocess_seconds = 0\n", "session.process_seconds", 5, "0.05 to 600"),
    (BASE + ONE + "[session]\nseed = -1\n", "session.seed is -1", 5, "0 to 4294967295"),
    (BASE + ONE + "[session]\nreplicas = 0\n", "session.replicas is 0", 5, "1 to 20"),
    (BASE + ONE + "[session]\nreplicas = 16\nblocks = 15\n", "session.replicas", 5, "as many"),
    (BASE + ONE + "[session]\naa = 1\n", "session.aa is a number", 5, "true or false"),
    (BASE + ONE + "[session]\nplacebos = 21\n", "session.placebos is 21", 5, "0 to 20"),
    (BASE + ONE + '[session]\nuntil = "late"\n', "session.until is 'late'", 5, "decided, blocks"),
    (BASE + "candidate = []\n[session]\nreplicas = 2\n", "candidate is a list", 2, "[[candidate]]"),
    (BASE + ONE + 'placebo = "luck:1"\n', "candidate[1].placebo is 'luck:1'", 4, "padding"),
    (BASE + ONE + 'placebo = "links:0"\n', "candidate[1].placebo is 'links:0'", 4, "links"),
    (BASE + ONE + 'name = "aa"\n', "candidate[1].name 'aa' is reserved", 4, "another name"),
    (BASE + ONE + 'name = "placebo-padding-1"\n[session]\nplacebos = 1\n',
     "candidate[1].name 'placebo-padding-1' is reserved", 4, "another name"),
    (BASE + ONE + "[session]\nbudgets = 1\n", "session.budgets is not a key", 5, "budget (did you"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what", "line", "right"), INVALID, ids=[row[1] for row in INVALID]
)
def test_an_invalid_file_is_told_of_by_key_line_and_what_is_right(
    text: str, what: str, line: int | None, right: str, tmp_path: Path
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ExperimentError) as caught:
        load(path)

    error = caught.value
    assert what in error.what
    assert error.where == (f"{path}, line {line}" if line else str(path))
    assert error.hint.startswith("Right would be: ")
    assert right in error.hint


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'base: "3.13"', "not valid TOML"),
        (b'base = "3.13"\nbase = "3.14"\n', "not valid TOML"),
        (b"base = [1\n", "not valid TOML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"base = " + b"[" * 20000, "nested too deeply"),
    ],
)
def test_what_is_no_toml_is_told_of(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    with pytest.raises(ExperimentError, match=reason) as caught:
        read(path)
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="No such file") as caught:
        read(tmp_path / "nowhere.toml")
    assert "nowhere.toml" in caught.value.where


def test_a_document_without_a_file_names_no_line(tmp_path: Path) -> None:
    document = Document(
        content={"base": "3.13", "candidate": [{"patch": "-"}], "gate": 3},
        file="the command line",
        folder=tmp_path,
    )
    with pytest.raises(ExperimentError) as caught:
        experiment_from(document)
    assert caught.value.where == "the command line"


# -- variants and runtimes -----------------------------------------------------------------------


def test_arms_may_run_compiled_code_or_be_other_runtimes(tmp_path: Path) -> None:
    text = 'base = "3.13"\n[[candidate]]\nvariant = "cython"\n[[candidate]]\nruntime = "pypy3"\n'
    text += '[[candidate]]\nseries = "3.13/a"\nvariant = "typed"\n'
    text += '[[candidate]]\nruntime = "../opt/bin/graalpy"\nname = "graal"\n'
    experiment = load(written(tmp_path, text))

    assert [(arm.name, arm.variant, arm.runtime) for arm in experiment.candidates] == [
        ("cython", "cython", ""),
        ("pypy3", "", "pypy3"),
        ("a+typed", "typed", ""),
        ("graal", "", str(tmp_path / "../opt/bin/graalpy")),
    ]


def test_the_base_may_be_a_runtime(tmp_path: Path) -> None:
    text = 'base = { runtime = "pypy3" }\n[[candidate]]\nrevision = "3.11"\n'
    assert load(written(tmp_path, text)).base.runtime == "pypy3"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[candidate]]\nvariant = "fast"', "candidate[1].variant"),
        ('[[candidate]]\nruntime = "pypy3"\nseries = "a/b"', "cannot be combined with a runtime"),
        (
            '[[candidate]]\nruntime = "pypy3"\nflavor = { pgo = true }',
            "cannot be combined with a runtime",
        ),
    ],
)
def test_what_a_variant_or_runtime_cannot_be(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        load(written(tmp_path, f'base = "3.13"\n{text}\n'))
    assert reason in str(caught.value)


def test_placebos_need_a_base_that_is_built(tmp_path: Path) -> None:
    text = (
        'base = { runtime = "pypy3" }\n[[candidate]]\nrevision = "3.11"\n[session]\nplacebos = 1\n'
    )
    with pytest.raises(ExperimentError, match="needs a base that is built"):
        load(written(tmp_path, text))
