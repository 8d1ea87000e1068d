"""A private apt state: suites of the archive that this machine's own apt uses.

Nothing under /etc/apt or /var is written, no root is needed, and apt verifies the signatures: each
file it gives is the one that the archive's key vouches for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from builder.errors import SourceError, StoreError, ToolError
from builder.process import Command, Completed, Runner, clean_environment, last_lines

# What is asked for: source packages, or those of this machine's architecture.
SOURCES = "deb-src"
BINARIES = "deb"
# Old names are tried as well: an archive that has them gives more, one that does not costs nothing.
_SUITES = {
    "debian": ("buster", "bullseye", "bookworm", "trixie", "forky", "sid"),
    "ubuntu": ("focal", "jammy", "noble", "plucky", "questing", "resolute"),
}
_ALIASES = ("oldoldstable", "oldstable", "stable", "testing", "unstable", "devel")
_KEYRINGS = "/usr/share/keyrings/{family}-archive-keyring.gpg"
_FIELDS = ("REPO_URI", "RELEASE", "COMPONENT", "ORIGIN", "LABEL", "SOURCESENTRY")
# Ubuntu has other runtimes than CPython in a component of its own.
_COMPONENTS = {("ubuntu", BINARIES): "main universe"}
ASK_SECONDS = 60.0
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
class AptArchive:
    """The archive that the machine's apt uses. `signed_by` is as in a .sources file; may be empty.

    `suites` are those to ask for, whether they exist or not.
    """

    family: str
    uri: str
    signed_by: str
    suites: tuple[str, ...]


class AptState:
    """The private state in the folder `root`, for packages of one of the `types` above.

    The caller keeps other runs out.
    """

    def __init__(self, root: Path, runner: Runner, types: str) -> None:
        self._root = root
        self._runner = runner
        self._types = types

    def update(self) -> Completed:
        """Fetch the lists of all suites. Raises SourceError where there is no apt.

        A suite that the archive lacks makes apt fail, and is no trouble: see what lists there are.
        """
        self._write(find_archive(self._runner))
        return self.ask("update", timeout=_UPDATE_SECONDS)

    def ask(
        self,
        *arguments: str,
        program: str = "apt-get",
        suite: str = "",
        cwd: Path | None = None,
        timeout: float = ASK_SECONDS,
    ) -> Completed:
        """Ask apt within this state: of all suites, or of `suite` alone."""
        alone: tuple[str, ...] = ()
        if suite:
            named = f"Dir::Etc::SourceList={self._root / 'suites' / suite}.sources"
            alone = ("-o", named, "-o", "Dir::Etc::SourceParts=/dev/null")
        argv = (program, "-c", str(self._conf), *alone, *arguments)
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
    """The archive that this machine's apt is configured with.

    Raises SourceError where there is no apt, or none of a distribution that we know.
    """
    form = "|".join(f"$({name})" for name in _FIELDS)
    command = Command(argv=("apt-get", "indextargets", "--format", form), env=clean_environment())
    try:
        done = runner.run(command, timeout=ASK_SECONDS)
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
                return AptArchive(
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
