"""Names and bases in repositories drawn at random, against git and a plain statement of rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import SourceError
from builder.sources.local_git import LocalGit
from builder.sources.revision import Revision
from tests.builder.sources.random_repository import RandomRepository
from tests.builder.upstream import home_at

pytestmark = [pytest.mark.random, pytest.mark.slow]

_NAMES, _BASES = 20, 8
_FULL = re.compile("[0-9a-f]{40}")
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)(rc\d+)?")


def drawn(folder: Path, seeds: range) -> Iterator[tuple[int, RandomRepository, LocalGit]]:
    for seed in seeds:
        made = RandomRepository(folder / f"{seed}.git", seed)
        yield seed, made, LocalGit(made.path, home_at(folder / "home"), print)


def test_every_name_means_what_git_means(tmp_path: Path, cases: int) -> None:
    outcomes: set[str] = set()
    for seed, made, source in drawn(tmp_path, range(cases // _NAMES)):
        names = made.names()
        for name in made.random.sample(names, _NAMES):
            outcomes.add(check_name(made, source, name, f"seed {seed}, name {name}"))
    assert {"git", "refused", "remote", "release", "newest", "unknown"} <= outcomes


def check_name(made: RandomRepository, source: LocalGit, name: str, case: str) -> str:
    """Check one name; return the rule that it is an example of."""
    status, commit, stderr = made.run("rev-parse", "--verify", f"{name}^{{commit}}")
    is_answer = status == 0 and _FULL.fullmatch(commit) is not None
    twice = [ref for ref in (f"refs/heads/{name}", f"refs/tags/{name}") if ref in made.refs]
    outcome = resolved(source, name)
    if len(twice) == 2:
        assert isinstance(outcome, SourceError), case
        assert all(ref in outcome.hint and ref in outcome.where for ref in twice), case
        return "refused"
    if "is ambiguous" in stderr and not _FULL.fullmatch(name):
        assert isinstance(outcome, SourceError), case
        assert "meanings" in outcome.what, case
        return "refused"
    if is_answer:
        assert isinstance(outcome, Revision), (case, outcome)
        assert (outcome.commit, outcome.origin) == (commit, ""), case
        assert outcome.ref in ("", "HEAD") or made.refs[outcome.ref] == commit, case
        assert outcome.ref or f"refs/heads/{name}" not in made.refs, case
        return "git"
    return check_addition(made, outcome, name, case)


def check_addition(
    made: RandomRepository, outcome: Revision | SourceError, name: str, case: str
) -> str:
    """Check a name for which git has no answer."""
    refs = [f"refs/remotes/{remote}/{name}" for remote in made.remotes if name != "HEAD"]
    release = f"refs/tags/v{name}"
    if re.fullmatch(r"\d+\.\d+\.\d+(rc\d+)?", name):
        refs.append(release)
    commits = {ref: made.refs[ref] for ref in refs if ref in made.refs}
    if len(set(commits.values())) > 1:
        assert isinstance(outcome, SourceError), case
        assert all(ref in outcome.hint for ref in commits), case
        return "refused"
    if commits:
        assert isinstance(outcome, Revision), (case, outcome)
        assert commits[outcome.ref] == outcome.commit, case
        rule = "release" if outcome.ref == release else "remote"
        assert ("release" if rule == "release" else "branch") in outcome.origin, case
        return rule
    tags = newest_first(made, name)
    if tags:
        assert isinstance(outcome, Revision), (case, outcome)
        assert (outcome.ref, outcome.commit) == (tags[0], made.refs[tags[0]]), case
        assert "newest release" in outcome.origin, case
        return "newest"
    assert isinstance(outcome, SourceError), case
    assert "is not a revision" in outcome.what, case
    return "unknown"


def newest_first(made: RandomRepository, name: str) -> list[str]:
    """The releases of a language version: final ones, then release candidates."""
    keys = {}
    for ref in made.refs:
        match = _RELEASE.fullmatch(ref.removeprefix("refs/tags/"))
        if match and f"{match[1]}.{match[2]}" == name:
            keys[ref] = (match[4] is None, int(match[3]), match[4] or "")
    return sorted(keys, key=lambda ref: keys[ref], reverse=True)


def resolved(source: LocalGit, name: str) -> Revision | SourceError:
    try:
        return source.resolve(name)
    except SourceError as error:
        return error


# -- bases ----------------------------------------------------------------------------------------


def test_every_base_is_a_merge_base_with_the_named_upstream(tmp_path: Path, cases: int) -> None:
    outcomes: set[str] = set()
    for seed, made, source in drawn(tmp_path, range(10_000, 10_000 + cases // 2 // _BASES)):
        for name in made.random.sample(made.candidates(), _BASES):
            outcomes.add(check_base(made, source, name, f"seed {seed}, candidate {name}"))
    assert {"merge base", "parent", "own", "unclear", "unknown"} <= outcomes


class Candidate:
    """What a test knows of a candidate without asking our code. `ref` "": it is no branch."""

    def __init__(self, made: RandomRepository, name: str) -> None:
        head = (made.path / "HEAD").read_text().strip().removeprefix("ref: ")
        self.ref = head if name == "HEAD" else name
        self.commit = made.refs.get(self.ref, self.ref)
        self.version = made.version(self.commit)


def check_base(made: RandomRepository, source: LocalGit, name: str, case: str) -> str:
    """Check the base of one candidate; return which kind it is."""
    if name == "HEAD" and "refs/heads/HEAD" in made.refs:
        return "ambiguous"
    candidate = Candidate(made, name)
    try:
        base = source.candidate_base(name)
    except SourceError as error:
        return check_refusal(made, candidate, error, case)
    matches = [
        (kind, match)
        for kind, pattern in (
            ("merge base", r"merge base of \S+ and (?P<line>\S+), (?P<count>\d+) commits? before"),
            ("parent", r"parent of \S+, which is on (?P<line>\S+)"),
            ("own", r"parent of \S+, the newest commit of this branch"),
        )
        if (match := re.fullmatch(pattern, base.origin))
    ]
    assert len(matches) == 1, (case, base.origin)
    kind, match = matches[0]
    if kind == "merge base":
        check_merge_base(made, candidate, base, match, case)
        return kind
    assert base.commit == made.git("rev-parse", f"{candidate.commit}^1"), case
    if kind == "own":
        assert made.refs[candidate.ref] == candidate.commit, case
        assert candidate.ref not in made.tracked or made.tracked[candidate.ref].startswith(
            "refs/heads/"
        ), case
        return kind
    line = full(made, match["line"], case)
    assert made.run("merge-base", "--is-ancestor", candidate.commit, line)[0] == 0, case
    return kind


def check_merge_base(
    made: RandomRepository, candidate: Candidate, base: Revision, match: re.Match[str], case: str
) -> None:
    line = full(made, match["line"], case)
    assert made.git("merge-base", "--all", candidate.commit, line).split() == [base.commit], case
    assert base.commit != candidate.commit, case
    span = f"{base.commit}..{candidate.commit}"
    assert made.git("rev-list", "--count", span) == match["count"], case
    # Nothing that a remote has on a trunk is measured as the candidate's.
    lines = remote_trunks(made, candidate)
    assert made.git("rev-list", "--count", span, "--not", *lines) == match["count"], case
    tracked = made.tracked.get(candidate.ref, "")
    if tracked in lines:
        assert line == tracked, case
    assert line != candidate.ref, case


def check_refusal(
    made: RandomRepository, candidate: Candidate, error: SourceError, case: str
) -> str:
    """Several plausible bases are listed, each a merge base or the parent; else there is none."""
    if "is unknown" in error.what:
        parents = made.git("rev-list", "--parents", "-1", candidate.commit).split()[1:]
        lines = [*remote_trunks(made, candidate), *local_trunks(made, candidate)]
        shared = [line for line in lines if made.run("merge-base", candidate.commit, line)[0] == 0]
        assert not parents or not shared, case
        return "unknown"
    assert "is not clear" in error.what, case
    rows = re.findall(
        r"^([0-9a-f]{12}) (?:merge base|parent) of .* (?:and|on) ([^\s,]+)", error.where, re.M
    )
    assert len({commit for commit, _ in rows}) == len(rows) >= 2, (case, error.where)
    for commit, short in rows:
        line = full(made, short, case)
        bases = made.git("merge-base", "--all", candidate.commit, line).split()
        if bases == [candidate.commit]:
            bases = [made.git("rev-parse", f"{candidate.commit}^1")]
        assert commit in [each[:12] for each in bases], case
        assert f"--base {commit}" in error.hint, case
    return "unclear"


def full(made: RandomRepository, short: str, case: str) -> str:
    """The full name of a trunk, as the plan names it."""
    refs = [f"refs/{kind}/{short}" for kind in ("remotes", "heads", "tags")]
    (ref,) = [ref for ref in refs if ref in made.refs][:1] or [""]
    assert ref, (case, short)
    return ref


def names_of_trunks(candidate: Candidate) -> tuple[str, ...]:
    return (candidate.version, "main", "master")


def remote_trunks(made: RandomRepository, candidate: Candidate) -> list[str]:
    refs = [f"refs/remotes/{r}/{name}" for r in made.remotes for name in names_of_trunks(candidate)]
    return [ref for ref in refs if ref in made.refs]


def local_trunks(made: RandomRepository, candidate: Candidate) -> list[str]:
    refs = [f"refs/heads/{name}" for name in names_of_trunks(candidate)]
    return [ref for ref in refs if ref in made.refs]
