"""Nothing of a machine or of a package archive's address is in the project's files."""

from __future__ import annotations

import hashlib
import pwd
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import git
import pytest

ROOT = Path(__file__).parent.parent
# In pieces, so that this file passes its own test.
ARCHIVES = "|".join(
    (
        "py" + "pi",
        "pythonhosted",
        r"(?:deb|ftp|archive|security|snapshot|ports|mirrors?|packages)\.(?:[\w-]+\.)*"
        r"(?:deb" + "ian|ubu" + "ntu)",
        "ana" + "conda",
        "npm" + "js",
        r"crates\.i" + "o",
        r"proxy\.gol" + "ang",
    )
)
HOST = re.compile(
    rf"(?:https?|ftp)://[^/\s'\"<>]*(?:{ARCHIVES})|\b(?:{ARCHIVES})\.[a-z]{{2,3}}\b", re.I
)
# The home of whoever works on this machine, and the usual folders of containers.
USERS = [user.pw_name for user in pwd.getpwall()]
FOLDERS = r"(?<![\w.$}~/-])/(?:ro" r"ot|wo" r"rk|tm" r"p/w|Users/\w+)/\w"


def offences(text: str, users: Iterable[str] = USERS) -> list[str]:
    """What in `text` names a package archive, or a folder of one machine."""
    homes = rf"(?<![\w.$}}~/-])/home/(?:{'|'.join(map(re.escape, users))})/"
    patterns = [HOST, re.compile(FOLDERS), re.compile(homes)]
    if len(ROOT.parts) > 2:  # a checkout right below / may have any common name
        patterns.append(re.compile(re.escape(f"{ROOT}/")))
    return [match[0] for pattern in patterns for match in pattern.finditer(text)]


def published() -> Iterator[tuple[str, bytes]]:
    """Every file that git tracks or would add: as on disk, and as in the index if that differs."""
    on_disk = {}
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if (ROOT / name).is_file():
            on_disk[name] = (ROOT / name).read_bytes()
    yield from on_disk.items()
    for row in filter(None, _git("ls-files", "-z", "--stage").split("\0")):
        head, _, name = row.partition("\t")
        mode, blob, _ = head.split(" ")
        data = on_disk.get(name, b"")
        is_same = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == blob
        if mode.startswith("100") and not is_same:
            yield f"{name} (index)", _git("cat-file", "blob", blob).encode("utf-8", "replace")


def _git(*arguments: str) -> str:
    # The checkout may be another user's, as in a container.
    return str(git.Git(ROOT).execute(["git", "-c", "safe.directory=*", *arguments]))


def test_no_file_names_an_archive_or_a_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so what is published is unknown")
    offences_by_name = {
        name: offences(data.decode("utf-8", "replace")) for name, data in published()
    }
    assert offences_by_name
    assert {name: what for name, what in offences_by_name.items() if what} == {}


@pytest.mark.parametrize(
    "text",
    [
        "see https://" + "py" + "pi.example/simple",
        "index-url = http://mirror.local/" + "x https://files.python" + "hosted.org/a",
        "deb http://" + "deb." + "debian" + ".org/debian bookworm main",
        "use " + "archive." + "ubuntu" + ".com",
        "prefix=/home/" + "jane/build",
        "cd '/ro" + "ot/src'",
        "/wo" + "rk/main",
    ],
)
def test_an_offence_is_seen(text: str) -> None:
    assert offences(text, ["jane", "joe"])


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/python/cpython and https://docs.python.org/3/",
        "Debian and Ubuntu carry it; PyPI has the rest",
        "{home}/wo" + "rk/src, work/src, /home/user/x, ~/wo" + "rk/x, ${HOME}/ro" + "ot/x",
        "https://example.org/wo" + "rk/x",
    ],
)
def test_what_is_harmless(text: str) -> None:
    assert offences(text, ["jane", "joe"]) == []
