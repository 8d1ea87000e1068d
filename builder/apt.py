"""A private apt state: other suites of the archive that this machine's own apt uses, sources only.

Nothing under /etc/apt or /var is written, no root is needed, and apt verifies the signatures: each
file it gives is the one that the archive's key vouches for.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.errors import SourceError, StoreError, ToolError
from builder.process import Command, Completed, Runner, clean_environment, last_lines
from builder.revisions import UnreachableError, is_release

# Old names are tried as well: an archive that has them gives more, one that does not costs nothing.
_SUITES = {
    "debian": ("buster", "bullseye", "bookworm", "trixie", "forky", "sid"),
    "ubuntu": ("focal", "jammy", "noble", "plucky", "questing", "resolute"),
}
_ALIASES = ("oldoldstable", "oldstable", "stable", "testing", "unstable", "devel")
_KEYRINGS = "/usr/share/keyrings/{family}-archive-keyring.gpg"
_FIELDS = ("REPO_URI", "RELEASE", "COMPONENT", "ORIGIN", "LABEL", "SOURCESENTRY")
_ASK_SECONDS = 60.0
_UPDATE_SECONDS = 900.0
_DOWNLOAD_SECONDS = 1800.0
_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.decompress,
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
}
_NAMED = re.compile(rb"\nPackage: python[23]\.\d+\n")
_ORIG = re.compile(r"^ ([0-9a-f]{64}) (\d+) (\S+\.orig\.tar\.[a-z0-9]+)$", re.MULTILINE)

_CONF = """\
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{root}/suites";
Dir::State "{root}/state";
Dir::State::Lists "{root}/lists";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
// What Python can read as it was downloaded.
Acquire::GzipIndexes "true";
Acquire::IndexTargets::deb-src::Sources::KeepCompressed "true";
Acquire::IndexTargets::deb-src::Sources::KeepCompressedAs "xz";
// What the machine does after updates of its own is not to be done after ours.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


class GoneError(SourceError):
    """The archive lists a package whose files it has no longer."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The archive that the machine's apt uses. `signed_by` is as in a .sources file; may be empty.

    `suites` are those to ask for, whether they exist or not.
    """

    family: str
    uri: str
    signed_by: str
    suites: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Package:
    """A source package of CPython. `version` is the archive's, `release` CPython's own.

    `file` is the upstream tarball, of `size` bytes.
    """

    name: str
    version: str
    release: str
    suite: str
    file: str
    size: int
    sha256: str


class Apt:
    """The private state in the folder `root`. The caller keeps other runs out."""

    def __init__(self, root: Path, runner: Runner) -> None:
        self._root = root
        self._runner = runner

    def update(self) -> tuple[Package, ...]:
        """Fetch the lists of all suites and return what they have of CPython.

        Raises UnreachableError when no suite could be had, SourceError where there is no apt.
        """
        archive = find_archive(self._runner)
        self._write(archive)
        done = self._apt("update", timeout=_UPDATE_SECONDS)
        listings = list(self._listings())
        if not listings:
            raise UnreachableError(
                "The archive that apt uses gave no lists of source packages.",
                where=last_lines(done.output),
                hint="Try `apt-get update`: what it reports is what is wrong.",
            )
        return tuple(package for suite, file in listings for package in read_list(suite, file))

    def download(self, package: Package, folder: Path) -> Path:
        """Fetch a package's upstream tarball into `folder`.

        Raises GoneError where the archive has it no longer, else UnreachableError.
        """
        done = self._apt(
            *("-o", f"Dir::Etc::SourceList={self._root / 'suites' / package.suite}.sources"),
            *("-o", "Dir::Etc::SourceParts=/dev/null"),
            *("source", "--download-only", "--tar-only", f"{package.name}={package.version}"),
            cwd=folder,
            timeout=_DOWNLOAD_SECONDS,
        )
        file = folder / package.file
        if done.ok and file.is_file():
            return file
        if re.search(r"\b404\b", done.output):
            raise GoneError(
                f"The archive lists CPython {package.release} in its suite {package.suite}, "
                "but has the file no longer (404).",
                where=f"source package {package.name} {package.version}",
                hint="Rolling suites lose old files before their lists say so: try again "
                "tomorrow, or take a release of a stable suite; `patchbench sources` lists them.",
            )
        raise UnreachableError(
            f"apt did not give CPython {package.release}: it {done.how()}.",
            where=last_lines(done.output),
            hint="Check the network and the free space, then run the same again.",
        )

    def _write(self, archive: Archive) -> None:
        suites = self._root / "suites"
        try:
            for folder in ("suites", "state", "lists/partial", "cache/archives/partial"):
                (self._root / folder).mkdir(parents=True, exist_ok=True)
            for old in suites.iterdir():
                old.unlink()
            for suite in archive.suites:
                (suites / f"{suite}.sources").write_text(_sources(archive, suite))
            (self._root / "status").touch()
            self._conf.write_text(_CONF.format(root=self._root))
        except OSError as error:
            raise StoreError(
                f"A private apt state cannot be made: {error.strerror}.",
                where=str(error.filename or self._root),
                hint="Free some space, or name another folder with --home.",
            ) from error

    def _listings(self) -> Iterator[tuple[str, Path]]:
        done = self._apt(
            "indextargets", "--format", "$(RELEASE)|$(FILENAME)", "Identifier: Sources"
        )
        for line in done.output.splitlines():
            suite, _, name = line.partition("|")
            if name and Path(name).is_file():
                yield suite, Path(name)

    @property
    def _conf(self) -> Path:
        return self._root / "apt.conf"

    def _apt(
        self, *arguments: str, cwd: Path | None = None, timeout: float = _ASK_SECONDS
    ) -> Completed:
        argv = ("apt-get", "-c", str(self._conf), *arguments)
        command = Command(argv=argv, cwd=cwd, env=clean_environment())
        return self._runner.run(command, timeout=timeout)


def find_archive(runner: Runner) -> Archive:
    """The archive that this machine's apt is configured with.

    Raises SourceError where there is no apt, or none of a distribution that we know.
    """
    form = "|".join(f"$({name})" for name in _FIELDS)
    command = Command(argv=("apt-get", "indextargets", "--format", form), env=clean_environment())
    try:
        done = runner.run(command, timeout=_ASK_SECONDS)
    except ToolError as error:
        raise SourceError(
            "This machine has no apt, so that there are no source packages of a distribution.",
            where="apt-get",
            hint="Name a source: a repository (--source URL or PATH) or an archive.",
        ) from error
    for line in done.output.splitlines():
        fields = line.split("|")
        if len(fields) == len(_FIELDS):
            uri, release, component, origin, label, entry = fields
            family = _family(release, origin, label)
            if family and component == "main":
                named = _SUITES[family]
                own = () if release in (*named, *_ALIASES) else (release,)
                return Archive(
                    family=family,
                    uri=uri,
                    signed_by=_signed_by(entry, uri, family),
                    suites=(*named, *own),
                )
    raise SourceError(
        "apt's configuration names no archive of Debian or Ubuntu.",
        where=last_lines(done.output) or "apt-get indextargets printed nothing",
        hint="Name a source: a repository (--source URL or PATH) or an archive.",
    )


def _family(release: str, origin: str, label: str) -> str:
    """debian or ubuntu for the main archive, empty for updates, security and others' archives."""
    for family, suites in _SUITES.items():
        # Where apt has no lists yet, only the name of the release is known.
        if release in suites or (
            (origin.lower(), label.lower()) == (family, family) and "-" not in release
        ):
            return family
    return ""


def _signed_by(entry: str, uri: str, family: str) -> str:
    """Which keys to trust: those that the machine's own entry names, and the family's keyring.

    Empty: those that apt trusts for any archive.
    """
    path = Path(entry.rpartition(":")[0])
    try:
        own = signed_by(path.read_text(), uri)
    except OSError:
        own = ""
    known = _KEYRINGS.format(family=family)
    if not own or "BEGIN PGP" in own or known in own or not Path(known).is_file():
        return own or (known if Path(known).is_file() else "")
    return f"{own} {known}"


def signed_by(text: str, uri: str) -> str:
    """The Signed-By of the entry for `uri` in a sources file of either format; empty if none."""
    address = uri.rstrip("/")
    for stanza in re.split(r"\n\s*\n", text):
        field = re.search(r"^Signed-By:(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE | re.IGNORECASE)
        if field and address in stanza:
            return field[1].strip()
    for line in text.splitlines():
        option = re.match(r"\s*deb\S*\s+\[[^\]]*signed-by=([^\s\]]+)", line, re.IGNORECASE)
        if option and address in line:
            return option[1].replace(",", " ")
    return ""


def _sources(archive: Archive, suite: str) -> str:
    signed = f"Signed-By: {archive.signed_by}\n" if archive.signed_by else ""
    return f"Types: deb-src\nURIs: {archive.uri}\nSuites: {suite}\nComponents: main\n{signed}"


def read_list(suite: str, file: Path) -> tuple[Package, ...]:
    """The packages of CPython in an archive's Sources list, as apt keeps it."""
    try:
        text = _UNPACK.get(file.suffix, bytes)(file.read_bytes())
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise SourceError(
            f"apt's list of source packages cannot be read: {error}.",
            where=str(file),
            hint="Delete it and run the same again.",
        ) from error
    found = (_package(stanza.decode("utf-8", "replace"), suite) for stanza in _stanzas(text))
    return tuple(package for package in found if package is not None)


def _stanzas(text: bytes) -> Iterator[bytes]:
    """Those of CPython, found without looking at the lines of the others: a list has a million."""
    text = b"\n" + text
    for match in _NAMED.finditer(text):
        end = text.find(b"\n\n", match.start() + 1)
        yield text[match.start() + 1 : end if end >= 0 else len(text)]


def _package(stanza: str, suite: str) -> Package | None:
    fields = dict(re.findall(r"^(Package|Version): (\S+)$", stanza, re.MULTILINE))
    orig = _ORIG.search(stanza)
    release = upstream_release(fields.get("Version", ""))
    if orig is None or not release:
        return None
    return Package(
        name=fields["Package"],
        version=fields["Version"],
        release=release,
        suite=suite,
        file=orig[3],
        size=int(orig[2]),
        sha256=orig[1],
    )


def upstream_release(version: str) -> str:
    """CPython's name for a release that an archive calls 3.14.0~rc2-1; empty for a snapshot."""
    upstream = version.partition(":")[2] or version
    upstream = upstream.rpartition("-")[0] or upstream
    upstream = re.sub(r"[+~](dfsg|ds|repack)[0-9.]*$", "", upstream).replace("~", "")
    return upstream if is_release(upstream) else ""
