"""Runs in which a compiler, an interpreter, a test or a benchmark fails."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from builder import process
from tests import fake
from tests.faults import BASE_ONLY, Check, Place, table

ROWS, fault = table()

SPEED = 'const char *speed = "1.0";'
# How benchmarks of a suite behave when the candidate, the slow arm, runs them.
CANDIDATE = 'if os.environ["FAKE_SPEED"] != "1.0": '


def suite(at: Place, **scripts: str) -> str:
    """A manifest of benchmarks with the code that each runs first. `needy` cannot be installed."""
    root = Path(__file__).parent.parent / "fake" / "suite" / "bm_fast"
    rows = "".join(f"{name}\t<local>\n" for name in scripts)
    path = at.file("own/MANIFEST", f"[benchmarks]\n\nname\tmetafile\n{rows}")
    for name, does in scripts.items():
        folder = f"own/bm_{name}"
        script = (root / "run_benchmark.py").read_text().replace('"fast"', f'"{name}"')
        body = script.replace("if __name__", f"import signal, sys, time\n{does}\nif __name__")
        at.file(f"{folder}/run_benchmark.py", body)
        project = (root / "pyproject.toml").read_text()
        at.file(f"{folder}/pyproject.toml", project.replace("fast", name))
        if name == "needy":
            at.file(f"{folder}/requirements.txt", "no-such-requirement==1.0\n")
    return str(path)


def measured(at: Place, manifest: str, *arguments: str) -> list[str]:
    """A run of the slow candidate on a suite with these benchmarks."""
    session = '[session]\nblocks = 2\ntimeout = "6s"\n'
    candidate = '[[candidate]]\nseries = "3.13/slow"\n'
    return at.experiment(candidate + session, *arguments, gate='"none"', suite=f'["{manifest}"]')


# -- builds -------------------------------------------------------------------------------------


def _broken(*says: str) -> Check:
    def check(at: Place) -> None:
        candidate = at.candidate()
        assert candidate["verdict"] == "broken"
        assert candidate["comparisons"] == []
        assert at.result()["blocks"] == []
        report = (at.out / "report.md").read_text()
        for text in says:
            assert text in candidate["broken"] + str(candidate["gate"])
            assert text.replace("_", "\\_") in report or text in report

    return check


@fault(7, "make of", "error: ", "ceval.c:3", "make.log", check=_broken("error: "))
def a_candidate_that_does_not_compile(at: Place) -> Sequence[str]:
    return at.patched(fake.loop_patch(SPEED, "const char *speed = nothing;"), *BASE_ONLY)


@fault(6, "make of 3.13.5 plain", "error: ", "ceval.c:1", "make.log")
def a_base_that_does_not_compile(at: Place) -> Sequence[str]:
    patch = fake.replacing("Lib/test/test_int.py", "pass", "skip")
    change = at.file("change.diff", patch)
    return at.adhoc("--patch", str(change), *BASE_ONLY, base="uncompilable")


@fault(6, "configure of", "unrecognized options: --with-nothing", "configure.log")
def configure_that_refuses_an_option(at: Place) -> Sequence[str]:
    flavor = '[flavor]\nconfigure = ["--with-nothing"]\n'
    return at.experiment(f'[[candidate]]\nseries = "3.13/slow"\n{flavor}')


@fault(7, "configure of", "unrecognized options: --with-nothing", check=_broken("--with-nothing"))
def configure_that_refuses_the_candidates_option(at: Place) -> Sequence[str]:
    flavor = 'flavor = { configure = ["--with-nothing"] }\n'
    return at.experiment(f"[[candidate]]\n{flavor}")


@fault(11, "compiler gcc-of-nobody is not on this machine", "flavor.cc")
def a_compiler_that_is_not_there(at: Place) -> Sequence[str]:
    return at.experiment('[flavor]\ncc = "gcc-of-nobody"\n[[candidate]]\nseries = "3.13/slow"\n')


@fault(11, "/bin/false", "status 1")
def a_compiler_that_fails(at: Place) -> Sequence[str]:
    return at.experiment('[flavor]\ncc = "/bin/false"\n[[candidate]]\nseries = "3.13/slow"\n')


@fault(11, "--version printed nothing", "flavor.cc")
def a_compiler_that_says_nothing(at: Place) -> Sequence[str]:
    at.file("cc", "#!/bin/sh\n").chmod(0o755)
    cc = at.here / "cc"
    return at.experiment(f'[flavor]\ncc = "{cc}"\n[[candidate]]\nseries = "3.13/slow"\n')


@fault(11, "make cannot be started", "doctor")
def a_machine_without_make(at: Place) -> Sequence[str]:
    real = process._is_executable

    def is_executable(command: process.Command) -> bool:
        return command.argv[0] != "make" and real(command)

    at.patch.setattr(process, "_is_executable", is_executable)
    return at.patched(fake.speed_patch(6), *BASE_ONLY)


@fault(7, "does not work", "SIGSEGV", check=_broken("SIGSEGV"))
def a_candidate_that_segfaults_at_its_start(at: Place) -> Sequence[str]:
    old = next(line for line in _main() if "return 70" in line)
    patch = fake.replacing("Programs/python.c", old, "    *(volatile int *)8 = 1;")
    return at.patched(patch, *BASE_ONLY)


def _main() -> list[str]:
    return (fake.TEMPLATE / "Programs/python.c").read_text().splitlines()


# -- the gate -----------------------------------------------------------------------------------


@fault(7, "test_int failed", check=_broken("test_int"))
def a_candidate_that_fails_a_test(at: Place) -> Sequence[str]:
    return at.patched(fake.behaviour_patch("test_int", "fail"))


@fault(7, "test_int failed", check=_broken("test_int"))
def a_candidate_that_segfaults_in_a_test(at: Place) -> Sequence[str]:
    return at.patched(fake.behaviour_patch("test_int", "crash"))


@fault(7, "test_int failed", check=_broken("test_int"))
def a_candidate_that_dies_in_the_gate(at: Place) -> Sequence[str]:
    return at.patched(fake.behaviour_patch("test_int", "die"))


@fault(7, "test_int failed", slow=True, check=_broken("test_int"))
def a_candidate_that_never_ends_in_the_gate(at: Place) -> Sequence[str]:
    # The room's face has a function of the module's name.
    module = importlib.import_module("builder.builds.gate.regrtest")
    at.patch.setattr(module, "_LONGEST_SECONDS", 8.0)
    return at.patched(fake.behaviour_patch("test_int", "hang"))


@fault(6, "passes no test at all", "gate-core.log", "--gate none")
def a_base_that_dies_in_the_gate(at: Place) -> Sequence[str]:
    at.file("die.diff", fake.behaviour_patch("test_int", "die"))
    base = '{ revision = "main", patch = "die.diff" }'
    return at.experiment('[[candidate]]\nseries = "3.13/slow"\n', base=base)


def _forgiven(at: Place) -> None:
    assert at.candidate()["gate"]["flaky"] == ["test_int"]
    assert at.candidate()["verdict"] != "broken"
    assert "test" in (at.out / "report.md").read_text()


@fault(0, "test_int failed; running it again alone", check=_forgiven)
def a_test_that_fails_once(at: Place) -> Sequence[str]:
    return at.patched(fake.behaviour_patch("test_int", "flaky"), "--blocks", "2")


def _warned(at: Place) -> None:
    assert at.candidate()["gate"] is None
    text = "no gate: CPython's own tests were not run, so it may be incorrect"
    assert text in (at.out / "report.md").read_text()


@fault(0, check=_warned)
def no_gate(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slow", *BASE_ONLY)


@fault(1, "Report")
def a_slower_candidate_that_must_not_be(at: Place) -> Sequence[str]:
    return at.adhoc("--series", "3.13/slow", *BASE_ONLY, "--fail-on", "slower")


# -- measuring ----------------------------------------------------------------------------------


def _some_are_missing(at: Place) -> None:
    candidate = at.candidate()
    missing = {row["benchmark"]: row["reason"] for row in candidate["missing"]}
    assert missing.keys() == {"crash", "hang", "exits", "silent", "needy"}
    assert "SIGSEGV" in missing["crash"]
    assert "time-out" in missing["hang"]
    assert "status 5" in missing["exits"]
    assert "no-such-requirement" in missing["needy"]
    assert [row["benchmark"] for row in candidate["comparisons"]] == ["fast"]
    report = (at.out / "report.md").read_text()
    for name in missing:
        assert name in report


@fault(0, "hang is missing", "crash is missing", "SIGSEGV", slow=True, check=_some_are_missing)
def benchmarks_that_cannot_be_measured(at: Place) -> Sequence[str]:
    """A benchmark that fails in one arm is missing; the other benchmark is compared."""
    manifest = suite(
        at,
        fast="",
        crash=CANDIDATE + "os.kill(os.getpid(), signal.SIGSEGV)",
        hang=CANDIDATE + "time.sleep(600)",
        exits=CANDIDATE + "sys.exit(5)",
        silent="sys.exit(0)",
        needy="",
    )
    return measured(at, manifest)


@fault(8, "None of the chosen benchmarks can be measured", "needy: no-such-requirement", "--wheels")
def a_suite_that_cannot_be_installed(at: Place) -> Sequence[str]:
    return measured(at, suite(at, needy=""))


@fault(8, "Nothing was measured", "crash", "SIGSEGV", "run it again")
def a_suite_that_crashes(at: Place) -> Sequence[str]:
    return measured(at, suite(at, crash="os.kill(os.getpid(), signal.SIGSEGV)"))
