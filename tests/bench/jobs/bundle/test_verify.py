"""Verifying a bundle: what agrees, what is named where something was altered, and the trees."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.context import Context
from bench.jobs.bundle import archive as bundles
from bench.jobs.bundle import verify as verifying
from bench.jobs.bundle.agreement import AgreementCheck
from bench.report.formats import catalogue
from bench.util.console import Show
from builder.errors import DataError, SourceError, VerifyError
from builder.files import sha256_of
from builder.home import Home
from builder.process import SystemRunner
from tests.bench.jobs.bundle.conftest import Bench
from tests.bench.results_folder import NAME, rewrite
from tests.builder.upstream import Upstream

Told = Callable[..., Any]
RAW = f"raw/blocks/0002-nbody/{NAME}.json"


@pytest.fixture
def verified(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Told:
    """Verifies a bundle; its JSON, and its problems by the names of the checks."""

    def run(bundle: Path, *options: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert bench.patchbench("verify", bundle, "--json", *options) == code
        return json.loads(capsys.readouterr().out)

    return run


def problems(content: Any) -> dict[str, list[str]]:
    return {check["name"]: check["problems"] for check in content["checks"] if check["problems"]}


# -- what agrees ---------------------------------------------------------------------------------


def test_it_verifies_where_nothing_else_is(
    bench: Bench, verified: Told, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "renamed.tar.gz"
    elsewhere.write_bytes(bench.pack().read_bytes())
    content = verified(elsewhere)
    assert content["agrees"]
    assert content["bundle"] == "renamed.tar.gz"
    assert content["sha256"] == sha256_of(elsewhere)
    assert content["as_recorded"]
    assert [check["problems"] for check in content["checks"]] == [[]] * 8
    assert all(check["compared"] > 0 for check in content["checks"])
    assert not (bench.root / "home").exists()


def test_for_a_reader_each_check_has_a_line(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = bench.pack()
    capsys.readouterr()
    assert bench.patchbench("verify", bundle) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"{sha256_of(bundle)}  {bundle.name}"
    checks = [line for line in lines if line.startswith("  ")]
    assert len(checks) == 8
    assert all(line.endswith("agree") for line in checks)


def test_what_is_unpacked_is_removed(bench: Bench) -> None:
    with verifying.opened(bench.pack()) as unpacked:
        assert (unpacked.folder / "plan.json").exists()
        check = verifying.archive_check(unpacked)
        assert (check.name, check.problems) == ("archive", ())
        assert check.compared == len(unpacked.members)
    assert not unpacked.folder.exists()


# -- what was altered ----------------------------------------------------------------------------


def test_a_digit_that_was_altered_is_named(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.pack()

    def change(folder: Path) -> None:
        rewrite(folder / RAW, {"benchmarks.0.runs.0.values": [0.009, 0.009, 0.0091]})

    forged = bench.repacked(change)
    capsys.readouterr()
    assert bench.patchbench("verify", forged) == VerifyError.exit_code
    out, err = capsys.readouterr()
    (disagreeing,) = (line for line in out.splitlines() if "DISAGREE" in line)
    assert disagreeing.split()[:2] == ["raw", "data"]
    assert "1 DISAGREE" in disagreeing
    assert f"{RAW}, mean: " in err
    assert forged.name in err


def test_an_altered_member_is_named_by_the_manifest(bench: Bench, verified: Told) -> None:
    """Also where no figure depends on it: a digit of what pyperf says of the machine."""
    source = bench.pack()
    folder = bench.root / "unpacked"
    folder.mkdir()
    bundles.unpack(source, folder)
    rewrite(folder / "raw/blocks/0001-nbody/base.json", {"version": "1.1"})
    altered = bench.root / "altered.tar.gz"
    with tarfile.open(altered, "w:gz") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.add(path, f"x/{path.relative_to(folder)}")
    content = verified(altered, code=VerifyError.exit_code)
    assert not content["agrees"]
    ((name, (problem,)),) = problems(content).items()
    assert name == "archive"
    assert problem.startswith("raw/blocks/0001-nbody/base.json: ")
    assert "SHA-256" in problem


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("result.json", "{"),
        ("plan.json", "[]"),
        ("raw/rules.json", "{"),
        ("raw/blocks/0000-nbody/block.json", "[1]"),
    ],
)
def test_contents_that_cannot_be_read_are_one_check_that_names_the_file(
    name: str, text: str, bench: Bench, verified: Told
) -> None:
    bench.pack()
    forged = bench.repacked(lambda folder: (folder / name).write_text(text))
    content = verified(forged, code=VerifyError.exit_code)
    assert [check["name"] for check in content["checks"]] == ["archive", "contents"]
    (problem,) = problems(content)["contents"]
    assert name in problem
    # Where it was unpacked is of no use to a reader.
    assert "pb-" not in problem


def test_a_file_that_is_no_part_of_a_bundle_is_named(bench: Bench, verified: Told) -> None:
    bench.pack()
    forged = bench.repacked(lambda folder: (folder / "more.txt").write_text("more"))
    (problem,) = problems(verified(forged, code=VerifyError.exit_code))["reports"]
    assert problem.startswith("more.txt: ")


def other_words(folder: Path) -> None:
    (folder / "mail.txt").write_text("other words")


def test_a_report_that_was_altered_is_named(bench: Bench, verified: Told) -> None:
    bench.pack()
    content = verified(bench.repacked(other_words), code=VerifyError.exit_code)
    (problem,) = problems(content)["reports"]
    assert problem.startswith("mail.txt: ")


def test_reports_of_another_patchbench_are_not_compared(
    bench: Bench, verified: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.pack()
    monkeypatch.setattr(verifying, "renderer", lambda: "another")
    forged = bench.repacked(other_words)
    monkeypatch.setattr(verifying, "renderer", lambda: "yet another")
    content = verified(forged)
    assert content["agrees"]
    assert [check["name"] for check in content["checks"] if check["note"]] == ["reports"]


def test_hostile_text_of_a_bundle_stays_text(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.pack()
    evil = "\x1b[2J\x1b]0;owned\x07[red]x[/red]"
    forged = bench.repacked(lambda folder: rewrite(folder / "plan.json", {"name": evil}))
    assert bench.patchbench("verify", forged) == VerifyError.exit_code
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "owned" in err


def test_what_is_no_archive_is_refused(bench: Bench) -> None:
    bench.bundle.write_text("no archive")
    assert bench.patchbench("verify", bench.bundle) == DataError.exit_code


# -- refusing ------------------------------------------------------------------------------------


def checks(*counts: int) -> list[AgreementCheck]:
    return [
        AgreementCheck(
            name=f"check {place}",
            compared=9,
            problems=tuple(f"problem {place}.{number}" for number in range(count)),
        )
        for place, count in enumerate(counts)
    ]


def test_nothing_is_refused_where_all_agree() -> None:
    verifying.refuse(checks(0, 0), "It does not", "x", "")


def test_problems_of_all_checks_are_named_in_order() -> None:
    with pytest.raises(VerifyError) as caught:
        verifying.refuse(checks(1, 0, 2), "It does not", "x.tar.gz", "")
    assert caught.value.what.startswith("It does not: 3 ")
    places = ["x.tar.gz", "problem 0.0", "problem 2.0", "problem 2.1"]
    assert caught.value.where.splitlines() == places


def test_many_problems_are_named_in_part() -> None:
    with pytest.raises(VerifyError) as caught:
        verifying.refuse(checks(15, 15), "It does not", "x", "")
    assert "30" in caught.value.what
    _where, *shown, last = caught.value.where.splitlines()
    assert len(shown) == 20
    assert "10" in last
    assert "--json" in last


@pytest.mark.parametrize(("packed_by", "is_named"), [("0.0.1", True), ("", False)])
def test_another_version_may_be_why(packed_by: str, is_named: bool) -> None:
    with pytest.raises(VerifyError) as caught:
        verifying.refuse(checks(1), "It does not", "x", packed_by)
    assert ("packed by patchbench" in caught.value.hint) is is_named
    assert not packed_by or packed_by in caught.value.hint


# -- the renderer --------------------------------------------------------------------------------


def test_the_renderer_is_a_digest_of_the_files_that_make_reports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert verifying.renderer() == verifying.renderer()
    (tmp_path / "template.html").write_text("one")
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "catalogue.py"))
    first = verifying.renderer()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("x")
    assert verifying.renderer() == first
    (tmp_path / "template.html").write_text("two")
    assert verifying.renderer() != first


# -- the trees -----------------------------------------------------------------------------------

LOOP = "old\n"
PATCH = """--- a/Python/ceval.c
+++ b/Python/ceval.c
@@ -1 +1 @@
-old
+new
"""


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "lock")
    runner, show = SystemRunner(), Show(quiet=True, verbose=False)
    return Context(home=home, project=tmp_path, runner=runner, show=show)


def trees(folder: Path, upstream: Upstream, context: Context, **recorded: str) -> AgreementCheck:
    """The check of trees, where the plan has those that are right unless told otherwise."""
    commit = upstream.commit("main", "3.13.5", parents=None, **{"Python/ceval.c": LOOP})
    files = {"Include/patchlevel.h": upstream.git("show", f"{commit}:Include/patchlevel.h") + "\n"}
    files |= {"clock": str(upstream.clock), "Python/ceval.c": "new\n"}
    right = {"base": upstream.git("rev-parse", f"{commit}^{{tree}}"), NAME: upstream.tree(files)}
    content = json.loads((folder / "plan.json").read_text())
    for arm in content["arms"]:
        revision = {"name": commit, "commit": commit, "source": f"git {upstream.path}"}
        arm["recipe"]["revision"] |= revision
        arm["recipe"]["tree"] = (right | recorded)[arm["name"]]
    (folder / "plan.json").write_text(json.dumps(content))
    (folder / "patches" / NAME / f"01-{NAME}" / f"{NAME}.patch").write_text(PATCH)
    return verifying._trees(context, folder, upstream.url)


def test_patches_give_the_trees_that_were_compiled(
    bench: Bench, upstream: Upstream, context: Context
) -> None:
    check = trees(bench.results, upstream, context)
    assert (check.name, check.compared, check.problems) == ("trees", 2, ())


def test_an_arm_whose_tree_is_another_is_named(
    bench: Bench, upstream: Upstream, context: Context
) -> None:
    check = trees(bench.results, upstream, context, **{NAME: "f" * 40})
    (problem,) = check.problems
    assert problem.startswith(f"patches/{NAME}: ")
    assert "f" * 12 in problem


def test_a_source_without_the_revision_is_an_error(bench: Bench, upstream: Upstream) -> None:
    bench.pack()
    upstream.commit("main", "3.13.5")
    code = bench.patchbench("verify", bench.bundle, "--source", upstream.url)
    assert code == SourceError.exit_code
