"""A private apt state with other suites of the archive that this machine's apt is configured with.

Nothing under /etc/apt or /var is written and no root is needed. apt verifies the signatures, so
every file that it downloads is one that the archive's key has signed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from builder.errors import SourceError, StoreError, ToolError
from builder.process import Command, Completed, Runner, clean_environment, last_lines

# Types of packages: source packages, or binary packages of this machine's architecture.
SOURCES = "deb-src"
BINARIES = "deb"
# Old suites are tried as well: some archives still have them, and a missing one costs nothing.
_SUITES = {
    "debian": ("buster", "bullseye", "bookworm", "trixie", "forky", "sid"),
    "ubuntu": ("focal", "jammy", "noble", "plucky", "questing", "resolute"),
}
_ALIASES = ("oldoldstable", "oldstable", "stable", "testing", "unstable", "devel")
_KEYRINGS = "/usr/share/keyrings/{family}-archive-keyring.gpg"
_FIELDS = ("REPO_URI", "RELEASE", "COMPONENT", "ORIGIN", "LABEL", "SOURCESENTRY")
# In Ubuntu, runtimes other than CPython are in the component universe.
_COMPONENTS = {("ubuntu", BINARIES): "main universe"}
QUERY_SECONDS = 60.0
_UPDATE_SECONDS = 900.0
DOWNLOAD_SECONDS = 1800.0

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
// Compressed formats that Python can read directly.
Acquire::GzipIndexes "true";
Acquire::IndexTargets::deb-src::Sources::KeepCompressed "true";
Acquire::IndexTargets::deb-src::Sources::KeepCompressedAs "xz";
// The machine's own hooks must not run after updates of this private state.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


class GoneError(SourceError):
    """The archive lists a package, but no longer has its files."""


@dataclass(frozen=True, kw_only=True)
class AptArchive:
    """The archive that this machine's apt is configured with.

    `signed_by` is as in a .sources file and may be empty. `suites` are the suites to try; some may
    not exist.
    """

    family: str
    uri: str
    signed_by: str
    suites: tuple[str, ...]


class AptState:
    """The private state in the folder `root`, for packages of type SOURCES or BINARIES.

    The caller must exclude other runs.
    """

    def __init__(self, root: Path, runner: Runner, types: str) -> None:
        self._root = root
        self._runner = runner
        self._types = types

    def update(self) -> Completed:
        """Fetch the lists of all suites. Raises SourceError if the machine has no apt.

        apt exits with an error if one suite does not exist; the other lists are fetched anyway, so
        the caller looks at the lists and not at the exit status.
        """
        self._write(find_archive(self._runner))
        return self.query("update", timeout=_UPDATE_SECONDS)

    def query(
        self,
        *arguments: str,
        program: str = "apt-get",
        suite: str = "",
        cwd: Path | None = None,
        timeout: float = QUERY_SECONDS,
    ) -> Completed:
        """Run an apt program on this state: on all suites, or on `suite` only."""
        options: tuple[str, ...] = ()
        if suite:
            list_file = f"Dir::Etc::SourceList={self._root / 'suites' / suite}.sources"
            options = ("-o", list_file, "-o", "Dir::Etc::SourceParts=/dev/null")
        argv = (program, "-c", str(self._conf), *options, *arguments)
        command = Command(argv=argv, cwd=cwd, env=clean_environment())
        return self._runner.run(command, timeout=timeout)

    @property
    def _conf(self) -> Path:
        return self._root / "apt.conf"

    def _write(self, archive: AptArchive) -> None:
        suites = self._root / "suites"
        try:
            for folder in ("suites", "state", "lists/partial", "cache/archives/partial"):
                (self._root / folder).mkdir(parents=True, exist_ok=True)
            for old in suites.iterdir():
                old.unlink()
            for suite in archive.suites:
                text = self._sources(archive, suite)
                (suites / f"{suite}.sources").write_text(text)
            (self._root / "status").touch()
            self._conf.write_text(_CONF.format(root=self._root))
        except OSError as error:
            raise StoreError(
                f"A private apt state cannot be made: {error.strerror}.",
                where=str(error.filename or self._root),
                hint="Free some space, or name another folder with --home.",
            ) from error

    def _sources(self, archive: AptArchive, suite: str) -> str:
        components = _COMPONENTS.get((archive.family, self._types), "main")
        signed = f"Signed-By: {archive.signed_by}\n" if archive.signed_by else ""
        return (
            f"Types: {self._types}\nURIs: {archive.uri}\nSuites: {suite}\n"
            f"Components: {components}\n{signed}"
        )


def find_archive(runner: Runner) -> AptArchive:
    """The Debian or Ubuntu archive that this machine's apt is configured with.

    Raises SourceError if there is no apt or no such archive.
    """
    form = "|".join(f"$({name})" for name in _FIELDS)
    command = Command(argv=("apt-get", "indextargets", "--format", form), env=clean_environment())
    try:
        result = runner.run(command, timeout=QUERY_SECONDS)
    except ToolError as error:
        raise SourceError(
            "This machine has no apt, so the packages of a distribution cannot be used.",
            where="apt-get",
            hint="Name a source: a repository (--source URL or PATH) or an archive.",
        ) from error
    for line in result.output.splitlines():
        fields = line.split("|")
        if len(fields) == len(_FIELDS):
            uri, release, component, origin, label, entry = fields
            family = _family(release, origin, label)
            if family and component == "main":
                suites = _SUITES[family]
                extra = () if release in (*suites, *_ALIASES) else (release,)
                return AptArchive(
                    family=family,
                    uri=uri,
                    signed_by=_signed_by(entry, uri, family),
                    suites=(*suites, *extra),
                )
    raise SourceError(
        "apt's configuration names no archive of Debian or Ubuntu.",
        where=last_lines(result.output) or "apt-get indextargets printed nothing",
        hint="Name a source: a repository (--source URL or PATH) or an archive.",
    )


def _family(release: str, origin: str, label: str) -> str:
    """debian or ubuntu for the main archive; empty for updates, security and other archives."""
    for family, suites in _SUITES.items():
        # Before apt has fetched lists, only the name of the release is available.
        if release in suites or (
            (origin.lower(), label.lower()) == (family, family) and "-" not in release
        ):
            return family
    return ""


def _signed_by(entry: str, uri: str, family: str) -> str:
    """The keys to trust: those in the machine's own entry, and the distribution's keyring.

    Empty means the keys that apt trusts for any archive.
    """
    path = Path(entry.rpartition(":")[0])
    try:
        keys = signed_by(path.read_text(), uri)
    except OSError:
        keys = ""
    keyring = _KEYRINGS.format(family=family)
    has_keyring = Path(keyring).is_file()
    if not keys or "BEGIN PGP" in keys or keyring in keys or not has_keyring:
        return keys or (keyring if has_keyring else "")
    return f"{keys} {keyring}"


def signed_by(text: str, uri: str) -> str:
    """The Signed-By of the entry for `uri` in a .sources or .list file; empty without one."""
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
