"""Which source is meant, and what is used where it does not answer: builder.sources.provide."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import SourceError, UsageError
from builder.home import Home
from builder.sources import provide as sources
from builder.sources.archive import TarballSource
from builder.sources.debian import Debian
from builder.sources.local_git import LocalGit
from builder.sources.provide import Default, SourceSpec, available, parse, provide
from builder.sources.remote_git import RemoteGit
from tests.builder.upstream import FakeApt, Upstream, home_at, write_tarball

SHA256 = "a" * 64


@pytest.mark.parametrize(
    ("text", "sha256", "kind", "location"),
    [
        ("", "", "default", ""),
        ("default", "", "default", ""),
        ("git", "", "default", ""),
        ("debian", "", "debian", ""),
        ("https://host.invalid/cpython", "", "git", "https://host.invalid/cpython"),
        ("git@host.invalid:x/cpython.git", "", "git", "git@host.invalid:x/cpython.git"),
        ("git://host.invalid/x", "", "git", "git://host.invalid/x"),
        ("git:../cpython", "", "git", "../cpython"),
        ("../cpython", "", "git", "../cpython"),
        ("Python-3.13.5.tgz", SHA256, "archive", "Python-3.13.5.tgz"),
        ("https://h.invalid/Python-3.13.5.tar.xz", "", "archive", None),
        ("https://h.invalid/download?id=3", SHA256, "archive", None),
        ("archive:some-file", "", "archive", "some-file"),
    ],
)
def test_parse(text: str, sha256: str, kind: str, location: str | None) -> None:
    spec = parse(text, sha256)
    assert (spec.kind, spec.sha256) == (kind, sha256)
    assert spec.location == (text if location is None else location)


@pytest.mark.parametrize("text", ["debian", "default", "git:../cpython", ""])
def test_only_archives_have_a_hash(text: str) -> None:
    with pytest.raises(UsageError, match="archive"):
        parse(text, SHA256)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_at(tmp_path / "home")


@pytest.fixture
def apt(tmp_path: Path) -> FakeApt:
    tarball = tmp_path / "python2.7_2.7.18.orig.tar.gz"
    write_tarball(tarball, "2.7.18")
    return FakeApt({"bullseye": [("python2.7", "2.7.18-8", tarball)]})


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """The public repository."""
    made = Upstream(tmp_path / "public.git")
    monkeypatch.setattr(sources, "DEFAULT_REMOTE", made.url)
    return made


def test_each_kind_is_provided(home: Home, apt: FakeApt, tmp_path: Path) -> None:
    local = Upstream(tmp_path / "local.git")
    for text, sha256, kind in (
        ("default", "", Default),
        ("debian", "", Debian),
        (str(local.path), "", LocalGit),
        (local.url, "", LocalGit),
        ("https://host.invalid/cpython", "", RemoteGit),
        ("git@host.invalid:cpython", "", RemoteGit),
        ("x.tar.xz", SHA256, TarballSource),
    ):
        assert isinstance(provide(parse(text, sha256), home, apt, print), kind)
    with pytest.raises(SourceError, match="no git repository at this path"):
        provide(parse("./nosuch"), home, apt, print)
    assert apt.argvs == []


def test_git_is_the_default_where_it_answers(home: Home, apt: FakeApt, upstream: Upstream) -> None:
    commit = upstream.commit("2.7", "2.7.18+")
    said: list[str] = []
    source = provide(SourceSpec(), home, apt, said.append)
    assert source.resolve("2.7").commit == commit
    assert apt.argvs == []
    with pytest.raises(SourceError, match="is not a revision"):
        source.resolve("nosuch")


def test_where_git_does_not_answer_that_is_said_and_apt_is_used(
    home: Home, apt: FakeApt, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.path.rename(tmp_path / "away")
    said: list[str] = []
    source = provide(SourceSpec(), home, apt, said.append)
    revision = source.resolve("2.7")
    assert (revision.version, revision.source) == ("2.7.18", "debian")
    assert "cannot be reached" in said[0]
    # All that follows sees one repository.
    source.repository.export(revision.commit, tmp_path / "out", 0)
    assert (tmp_path / "out/configure").exists()
    source.resolve("2.7")
    assert sum("cannot be reached" in text for text in said) == 1


def test_a_release_that_is_here_is_asked_of_nobody(
    home: Home, apt: FakeApt, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.path.rename(tmp_path / "away")
    provide(SourceSpec(), home, apt, print).resolve("2.7.18")
    apt.installed = False
    said: list[str] = []
    source = provide(SourceSpec(), home, apt, said.append)
    assert source.resolve("2.7.18").version == "2.7.18"
    assert said == []


def test_with_neither_both_reasons_are_told(
    home: Home, apt: FakeApt, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.path.rename(tmp_path / "away")
    apt.installed = False
    with pytest.raises(SourceError, match=r"cannot be reached .* has no apt") as caught:
        provide(SourceSpec(), home, apt, print).resolve("2.7.18")
    assert "--source" in caught.value.hint


def test_history_patches_and_releases_meet_in_one_repository(
    home: Home, apt: FakeApt, upstream: Upstream
) -> None:
    Debian(home, apt, print).resolve("2.7.18")
    fork = upstream.commit("2.7", "2.7.18+")
    topic = upstream.commit("topic", "2.7.18+", parents=(fork,))
    source = provide(SourceSpec(), home, apt, print)
    release, candidate = source.resolve("2.7.18"), source.resolve(topic)
    assert source.candidate_base(topic).commit == fork
    changes = source.repository.changes(release.commit, candidate.commit)
    assert {change.path for change in changes} == {"configure", "clock", "Include/patchlevel.h"}


def test_available_lists_both(home: Home, apt: FakeApt, upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("3.13", "3.13.5")
    offers = available(home, apt, print)
    assert [(offer.kind, offer.version) for offer in offers] == [
        ("git", "3.13"),
        ("debian", "2.7.18"),
    ]
    upstream.path.rename(tmp_path / "away")
    trouble, *rest = available(home, apt, print)
    assert "cannot be reached" in trouble.note
    assert [offer.kind for offer in rest] == ["debian"]
