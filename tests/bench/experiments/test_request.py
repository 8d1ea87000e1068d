"""What a command line asks for, and the experiment that it leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.options import experiment_request
from bench.cli.parser import command_line
from bench.experiments.experiment import ArmRequest, Experiment
from bench.experiments.request import experiment_of
from bench.experiments.session_options import SessionOptions
from builder.builds.recipe import Flavor
from builder.errors import ExperimentError, UsageError
from builder.sources.provide import SourceSpec

FILE = """
base = "3.13"
[[candidate]]
patch = "a.diff"
[session]
aa = true
replicas = 3
"""


def session(folder: Path, *options: str) -> SessionOptions:
    path = folder / "x.toml"
    path.write_text(FILE)
    parsed = command_line().parse_args(["run", str(path), *options])
    return experiment_of(experiment_request(parsed)).session


def test_a_file_says_what_options_do_not(tmp_path: Path) -> None:
    assert session(tmp_path) == SessionOptions(aa=True, replicas=3)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("--replicas 5", {"replicas": 5}),
        ("--placebos 2", {"placebos": 2}),
        ("--until blocks", {"until": "blocks"}),
        ("--protocol corun", {"protocol": "corun"}),
        ("--aa --replicas 1", {"replicas": 1}),
    ],
)
def test_options_change_what_a_file_says(
    options: str, changed: dict[str, object], tmp_path: Path
) -> None:
    wanted = {"aa": True, "replicas": 3, **changed}
    assert session(tmp_path, *options.split()) == SessionOptions(**wanted)  # type: ignore[arg-type]


def test_an_aa_arm_is_added_on_request() -> None:
    line = ["run", "--base", "3.13", "--patch", "a.diff", "--aa"]
    assert experiment_of(experiment_request(command_line().parse_args(line))).session.aa
    assert not experiment_of(experiment_request(command_line().parse_args(line[:-1]))).session.aa


# -- experiments without a file ---------------------------------------------------------------


def asked(*line: str) -> Experiment:
    return experiment_of(experiment_request(command_line().parse_args(["run", *line])))


def test_the_arms_of_a_command_line() -> None:
    experiment = asked(
        *("--base", "3.13", "--patch", "a.diff", "--series", "3.13/b", "--variant", "cython"),
        *("--runtime", "../pypy", "--source", "debian", "--pgo"),
    )
    debian, pgo = SourceSpec(kind="debian"), Flavor(pgo=True)
    assert experiment.base == ArmRequest(name="base", revision="3.13", source=debian, flavor=pgo)
    assert experiment.candidates == (
        ArmRequest(
            name="b+a+cython",
            patches=(str(Path.cwd() / "a.diff"),),
            series=("3.13/b",),
            variant="cython",
            source=debian,
            flavor=pgo,
        ),
        ArmRequest(name="pypy", runtime=str(Path.cwd() / "../pypy"), source=debian, flavor=pgo),
    )
    assert (experiment.name, experiment.suite, experiment.gate) == ("adhoc", ("quick",), "core")


def test_a_candidate_in_another_environment_is_an_arm_of_the_same_build() -> None:
    jit = ("--enable-experimental-jit=yes-off",)
    experiment = asked(
        *("--base", "3.14", f"--configure={jit[0]}", "--run-env", "PYTHONMALLOC=malloc"),
        *("--run-env", "PYTHON_JIT=0", "--try-env", "PYTHON_JIT=1"),
    )
    base, (candidate,) = experiment.base, experiment.candidates
    assert base.flavor == Flavor(
        configure=jit, run_environment=("PYTHONMALLOC=malloc", "PYTHON_JIT=0")
    )
    assert candidate.flavor.run_environment == ("PYTHONMALLOC=malloc", "PYTHON_JIT=1")
    assert candidate.flavor.as_built == base.flavor.as_built


def test_options_of_a_flavor() -> None:
    experiment = asked(
        *("--base", "3.14", "--patch", "a.diff", "--thin-lto", "--bolt", "--cc", "clang-19"),
        *("--configure-var", "LLVM_AR=llvm-ar-19", "--build-env", "PYTHON_JIT=0"),
    )
    assert experiment.base.flavor == Flavor(
        lto=True,
        lto_mode="thin",
        bolt=True,
        cc="clang-19",
        variables=("LLVM_AR=llvm-ar-19",),
        build_environment=("PYTHON_JIT=0",),
    )


@pytest.mark.parametrize(
    ("option", "value", "right"),
    [
        ("--run-env", "PYTHONPATH=/x", "imports"),
        ("--run-env", "PYTHON_JIT", "NAME=VALUE"),
        ("--try-env", "PYTHONHASHSEED=0", "draws it"),
        ("--build-env", "LD_LIBRARY_PATH=/x", "libraries"),
        ("--configure-var", "CC=gcc", "flavor.cc"),
        ("--configure", "-O3", "--with-*"),
    ],
)
def test_a_refused_variable_is_named_by_its_option(option: str, value: str, right: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        asked("--base", "3.14", "--patch", "a.diff", f"{option}={value}")
    assert caught.value.what.startswith(f"{option} has ")
    assert right in caught.value.hint


def test_without_a_base_the_candidate_decides() -> None:
    experiment = asked("--candidate", "feature/fast")
    assert (experiment.base.revision, experiment.candidates[0].revision) == ("", "feature/fast")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "No experiment is specified."),
        ("--patch a.diff", "--base is missing."),
        ("--base 3.13", "There is no candidate to compare the base with."),
        ("x.toml --lto", "--lto cannot be combined with a FILE"),
        ("x.toml --candidate a --base b", "--base cannot be combined with a FILE"),
    ],
)
def test_a_request_that_says_too_little_or_too_much(line: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        asked(*line.split())
    assert caught.value.what.startswith(what)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("--patch a.diff --replicas 5 --blocks 4", "--replicas is 5, and --blocks 4."),
        ("--patch a.diff --runtime b/a", "--runtime 'a' is used twice."),
        ("--patch placebo-padding-1.diff --placebos 1", "--patch 'placebo-padding-1' is reserved."),
    ],
)
def test_a_value_of_the_command_line_is_named_by_its_option(line: str, what: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        asked("--base", "3.13", *line.split())
    assert (caught.value.what, caught.value.where) == (what, "the command line")


# -- a file and changes to it ------------------------------------------------------------------


def test_what_an_option_replaces_is_not_looked_at_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(FILE.replace("replicas = 3", 'replicas = 99\nblocks = "many"'))
    with pytest.raises(ExperimentError, match=r"session\.replicas is|session\.blocks is"):
        asked(str(path))
    experiment = asked(str(path), "--replicas", "3", "--blocks", "5")
    assert experiment.session == SessionOptions(aa=True, replicas=3, blocks=5)


@pytest.mark.parametrize(
    ("line", "what", "where"),
    [
        ("--blocks 2", "session.replicas is 3, and --blocks 2.", "x.toml, line 7"),
        ("--blocks 5 --replicas 6", "--replicas is 6, and --blocks 5.", "the command line"),
    ],
)
def test_of_a_file_and_an_option_each_is_named(
    line: str, what: str, where: str, tmp_path: Path
) -> None:
    with pytest.raises(ExperimentError) as caught:
        session(tmp_path, *line.split())
    assert caught.value.what == what
    assert caught.value.where.endswith(where)
