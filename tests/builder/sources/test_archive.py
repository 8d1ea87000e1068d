"""A tarball as a source: builder.sources.archive."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import SourceError, UnreachableError
from builder.sources.archive import TarballSource
from tests.builder.upstream import home_at, write_tarball


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    (tmp_path / "www").mkdir()
    return tmp_path / "www" / "Python-3.13.5.tar.xz"


@pytest.fixture
def sha256(tarball: Path) -> str:
    return write_tarball(tarball, "3.13.5")


@pytest.fixture
def server(tarball: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = functools.partial(Quiet, directory=str(tarball.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


class Said(list[str]):
    """What was said, of a home."""

    def archive(self, location: object, sha256: str, tmp_path: Path) -> TarballSource:
        return TarballSource(str(location), sha256, home_at(tmp_path / "home"), self.append)


def test_a_path_gives_its_one_revision(tarball: Path, sha256: str, tmp_path: Path) -> None:
    source = Said().archive(tarball, sha256.upper(), tmp_path)
    revision = source.resolve("3.13.5")
    assert revision.version == "3.13.5"
    assert sha256 in revision.source
    assert str(tmp_path) not in revision.source
    for name in ("v3.13.5", "3.13", revision.commit, revision.commit[:8]):
        assert source.resolve(name).commit == revision.commit
    with pytest.raises(SourceError, match="is not a revision") as caught:
        source.resolve("3.12")
    assert "3.13.5" in caught.value.hint
    with pytest.raises(SourceError, match="no history"):
        source.candidate_base("3.13.5")


def test_what_was_imported_needs_no_file_any_more(
    tarball: Path, sha256: str, tmp_path: Path
) -> None:
    first = Said().archive(tarball, sha256, tmp_path).resolve("3.13.5")
    tarball.unlink()
    said = Said()
    source = said.archive(tarball, sha256, tmp_path)
    assert source.resolve("3.13.5") == first
    assert [(offer.version, offer.cached) for offer in source.offers()] == [("3.13.5", True)]
    assert said == []


@pytest.mark.parametrize(("given", "what"), [("", "is missing"), ("abc", "is not one")])
def test_the_hash_is_required(
    tarball: Path, sha256: str, tmp_path: Path, given: str, what: str
) -> None:
    with pytest.raises(SourceError, match=what) as caught:
        Said().archive(tarball, given, tmp_path)
    assert (sha256 in caught.value.hint) == (given == "")
    with pytest.raises(SourceError, match=what):
        Said().archive("https://archive.invalid/Python.tar.xz", given, tmp_path)


def test_a_url_is_downloaded_once(server: str, tarball: Path, sha256: str, tmp_path: Path) -> None:
    said = Said()
    url = f"{server}/{tarball.name}"
    assert said.archive(url, sha256, tmp_path).resolve("3.13").version == "3.13.5"
    assert len(said) == 2
    said.archive(url, sha256, tmp_path).resolve("3.13")
    assert len(said) == 2
    assert not list((tmp_path / "home" / "sources").glob(".download*"))


def test_a_download_with_another_hash_is_refused(
    server: str, tarball: Path, sha256: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="another SHA-256") as caught:
        Said().archive(f"{server}/{tarball.name}", "0" * 64, tmp_path).resolve("3.13.5")
    assert sha256 in caught.value.where


def test_what_cannot_be_downloaded_says_why(server: str, sha256: str, tmp_path: Path) -> None:
    for url, why in (
        (f"{server}/nosuch.tar.xz", "answers 404"),
        ("http://127.0.0.1:9/x.tar.xz", "refused"),
        ("file:///nosuch/x.tar.xz", "No such file"),
    ):
        with pytest.raises(UnreachableError, match=why):
            Said().archive(url, sha256, tmp_path).resolve("3.13.5")
