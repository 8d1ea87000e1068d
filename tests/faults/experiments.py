"""Experiments that are not valid, or that compare nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tests import fake
from tests.faults import SUITE, Place, table

ROWS, fault = table()

SLOW = '[[candidate]]\nseries = "3.13/slow"\n'


@fault(3, "cannot be read", "No such file", "nowhere.toml", "experiments/")
def no_such_file(_at: Place) -> Sequence[str]:
    return ["run", "nowhere.toml"]


@fault(3, "cannot be read", "directory", "experiments/")
def a_file_that_is_a_directory(at: Place) -> Sequence[str]:
    return ["run", str(at.here)]


@fault(3, "not UTF-8", "x.toml")
def a_binary_file(at: Place) -> Sequence[str]:
    return ["run", str(at.file("x.toml", bytes(range(256))))]


@fault(3, "not UTF-8", "x.toml")
def a_file_in_utf_16(at: Place) -> Sequence[str]:
    return ["run", str(at.file("x.toml", 'base = "3.13"'.encode("utf-16")))]


@fault(3, "not valid TOML", "line 1", "x.toml")
def a_file_that_is_not_toml(at: Place) -> Sequence[str]:
    return ["run", str(at.file("x.toml", "base: 3.13\n"))]


@fault(3, "nested too deeply", "x.toml")
def a_file_nested_too_deeply(at: Place) -> Sequence[str]:
    return ["run", str(at.file("x.toml", f"base = {'[' * 30000}"))]


@fault(3, "cannot be read", "x.toml")
def an_integer_of_ten_thousand_digits(at: Place) -> Sequence[str]:
    return at.experiment(f"[session]\nblocks = {'9' * 10000}\n{SLOW}")


@fault(3, "session.blocks", "far too large", "2 to 1000")
def an_integer_that_cannot_be_printed(at: Place) -> Sequence[str]:
    return at.experiment(f"{SLOW}[session]\nblocks = 0x{'f' * 10000}\n")


@fault(3, "candidat ", "did you mean that?", "candidate", "line 4")
def an_unknown_key(at: Place) -> Sequence[str]:
    return at.experiment('[[candidat]]\npatch = "a.diff"\n')


@fault(3, "flavor.pg0", "pgo", "line")
def an_unknown_key_of_a_flavor(at: Place) -> Sequence[str]:
    return at.experiment(f"[flavor]\npg0 = true\n{SLOW}")


@fault(3, "base is missing", "x.toml", '"3.13"')
def no_base(at: Place) -> Sequence[str]:
    return ["run", str(at.file("x.toml", SLOW))]


@fault(3, "base is a number", "a revision")
def a_base_that_is_a_number(at: Place) -> Sequence[str]:
    return at.experiment(SLOW, base="3.13")


@fault(3, "candidate is missing", "[[candidate]]")
def no_candidate(at: Place) -> Sequence[str]:
    return at.experiment("")


@fault(3, "candidate is a table", "[[candidate]]")
def a_candidate_in_one_pair_of_brackets(at: Place) -> Sequence[str]:
    return at.experiment('[candidate]\nseries = "3.13/slow"\n')


@fault(
    3, "candidate[1] is the base itself", "a series, patch, revision, flavor, variant or runtime"
)
def a_candidate_that_is_the_base(at: Place) -> Sequence[str]:
    return at.experiment("[[candidate]]\n")


@fault(3, "'slow' is used twice", "a different name for each arm")
def two_candidates_of_one_name(at: Place) -> Sequence[str]:
    return at.experiment(SLOW + SLOW)


@fault(3, "'block' is reserved", "another name")
def a_candidate_named_as_a_file_of_ours(at: Place) -> Sequence[str]:
    return at.experiment(SLOW + 'name = "block"\n')


@fault(3, "the same build", "both have the recipe", "changes something")
def a_candidate_at_the_revision_of_the_base(at: Place) -> Sequence[str]:
    return at.adhoc("--candidate", "main")


@fault(3, "a and b are the same build")
def two_arms_with_the_same_patch(at: Place) -> Sequence[str]:
    return at.experiment(f'{SLOW}name = "a"\n{SLOW}name = "b"\n')


@fault(3, "Python 3.14", "3.13", "one branch")
def a_candidate_of_another_branch(at: Place) -> Sequence[str]:
    return at.adhoc("--candidate", "next")


@fault(3, "session.margin is 7", "0.0001 to 0.5", "line")
def a_margin_of_seven(at: Place) -> Sequence[str]:
    return at.experiment(f"{SLOW}[session]\nmargin = 7\n")


@fault(3, "session.margin is nan", "0.0001 to 0.5")
def a_margin_of_nan(at: Place) -> Sequence[str]:
    return at.experiment(f"{SLOW}[session]\nmargin = nan\n")


@fault(3, "session.budget is 600", "10m")
def a_budget_as_a_number(at: Place) -> Sequence[str]:
    return at.experiment(f"{SLOW}[session]\nbudget = 600\n")


@fault(3, "session.timeout is '9999h'", "a week at most")
def a_timeout_of_a_year(at: Place) -> Sequence[str]:
    return at.experiment(f'{SLOW}[session]\ntimeout = "9999h"\n')


@fault(3, "session.protocol is 'telepathy'", "lockstep", "sequential")
def an_unknown_protocol_in_a_file(at: Place) -> Sequence[str]:
    return at.experiment(f'{SLOW}[session]\nprotocol = "telepathy"\n')


@fault(3, "session.replicas is 50", "1 to 20")
def replicas(at: Place) -> Sequence[str]:
    return at.experiment(f"{SLOW}[session]\nreplicas = 50\n")


@fault(3, "candidate[1].placebo is 'luck:1'", "padding, functions, links")
def a_placebo_of_no_kind(at: Place) -> Sequence[str]:
    return at.experiment('[[candidate]]\nplacebo = "luck:1"\n')


@fault(3, "gate is 'never'", "core, full, none")
def an_unknown_gate_in_a_file(at: Place) -> Sequence[str]:
    return at.experiment(SLOW, gate='"never"')


@fault(3, "flavor.configure has '--prefix=/usr'", "--with-")
def a_prefix_of_ones_own(at: Place) -> Sequence[str]:
    return at.experiment(f'{SLOW}[flavor]\nconfigure = ["--prefix=/usr"]\n')


@fault(3, "flavor.configure has '--pref=/usr'", "--with-")
def a_prefix_abbreviated(at: Place) -> Sequence[str]:
    return at.experiment(f'{SLOW}[flavor]\nconfigure = ["--pref=/usr"]\n')


@fault(3, "'--enable-optimizations'", "pgo = true")
def pgo_by_configures_option(at: Place) -> Sequence[str]:
    return at.experiment(f'{SLOW}[flavor]\nconfigure = ["--enable-optimizations"]\n')


@fault(3, "option-checking", "no option is ignored")
def no_check_of_options(at: Place) -> Sequence[str]:
    return at.experiment(f'{SLOW}[flavor]\nconfigure = ["--disable-option-checking"]\n')


@fault(3, "no benchmark, tag or group 'fsat'", "fast")
def an_unknown_benchmark(at: Place) -> Sequence[str]:
    return at.experiment(SLOW, suite=f'["{SUITE}", "fsat"]')


@fault(3, "No benchmark", "is left", "Remove fewer benchmarks")
def a_suite_of_nothing(at: Place) -> Sequence[str]:
    return at.experiment(SLOW, suite=f'["{SUITE}", "-fast", "-pair"]')


@fault(3, "manifest cannot be read", "MANIFEST")
def no_such_manifest(at: Place) -> Sequence[str]:
    return at.experiment(SLOW, suite='["nowhere/MANIFEST"]')


@fault(3, "manifest", "MANIFEST")
def a_manifest_of_garbage(at: Place) -> Sequence[str]:
    path = at.file("own/MANIFEST", bytes(range(256)))
    return at.experiment(SLOW, suite=f'["{path}"]')


@fault(3, "no benchmarks", "[benchmarks]")
def an_empty_manifest(at: Place) -> Sequence[str]:
    path = at.file("own/MANIFEST", "[benchmarks]\n\nname\tmetafile\n")
    return at.experiment(SLOW, suite=f'["{path}"]')


@fault(3, "folder of wheels does not exist", "nowhere", "wheels")
def wheels_that_are_nowhere(at: Place) -> Sequence[str]:
    return at.patched(fake.speed_patch(1.05), "--wheels", str(at.here / "nowhere"))


@fault(3, "source is not valid", "SHA-256", "archive")
def a_hash_of_a_repository(at: Place) -> Sequence[str]:
    return at.experiment(SLOW, source='{ location = "git:x", sha256 = "00" }')


@fault(3, "manifest", "MANIFEST")
def a_manifest_that_includes_itself(at: Place) -> Sequence[str]:
    path = at.file("own/MANIFEST", "[includes]\nMANIFEST\n\n[benchmarks]\n\nname\tmetafile\n")
    return at.experiment(SLOW, suite=f'["{path}"]')


@fault(0)
def a_file_whose_name_has_blanks(at: Place) -> Sequence[str]:
    arguments = at.experiment(SLOW, "--dry-run")
    named = (at.here / "x.toml").rename(at.here / "my experiment (1).toml")
    return ["run", str(named), *arguments[2:]]
