"""Little upstreams: a git repository, tarballs, and an apt with an archive behind it."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from builder.errors import ToolError
from builder.home import Home
from builder.process import Command, Completed
from tests.recording import Call, RecordingRunner, completed

_ENV = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "tests",
    "GIT_AUTHOR_EMAIL": "tests@localhost",
    "GIT_COMMITTER_NAME": "tests",
    "GIT_COMMITTER_EMAIL": "tests@localhost",
    "PATH": os.environ["PATH"],
}
CONTENT = str | bytes


def home_at(folder: Path) -> Home:
    """A home of patchbench in a folder."""
    return Home(root=folder, host_lock=folder / "host.lock")


def patchlevel(version: str) -> str:
    """What tells a tree's version."""
    return f'/* Version */\n#define PY_VERSION      \t"{version}"\n'


class Upstream:
    """A bare repository that commits are made in, each a minute after the one before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = 1_400_000_000
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(path), cwd=Path("/"))

    @property
    def url(self) -> str:
        """Its address; git speaks its protocol to it."""
        return f"file://{self.path}"

    def git(self, *arguments: str, data: bytes = b"", cwd: Path | None = None, **env: str) -> str:
        """Run git in it and return what it prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.path,
            env={**_ENV, **env},
            input=data,
            check=True,
            capture_output=True,
        )
        return done.stdout.decode().strip()

    def tree(self, files: Mapping[str, CONTENT], modes: Mapping[str, str] | None = None) -> str:
        """A tree of files; of mode 100644 unless `modes` has another."""
        index = self.path / "test-index"
        index.unlink(missing_ok=True)
        rows = []
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            blob = self.git("hash-object", "-w", "--stdin", data=data)
            rows.append(f"{(modes or {}).get(name, '100644')} {blob}\t{name}\0")
        env = {"GIT_INDEX_FILE": str(index)}
        self.git("update-index", "-z", "--index-info", data="".join(rows).encode(), **env)
        return self.git("write-tree", **env)

    def commit(
        self, branch: str, version: str, *, parents: tuple[str, ...] | None = None, **more: str
    ) -> str:
        """Commit a CPython of this version on a branch; its parent is the branch's head."""
        self.clock += 60
        if parents is None:
            found = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
            parents = (found,) if found else ()
        files = {"Include/patchlevel.h": patchlevel(version), "clock": str(self.clock), **more}
        commit = self.git(
            *("commit-tree", "-m", version, self.tree(files)),
            *(part for parent in parents for part in ("-p", parent)),
            GIT_AUTHOR_DATE=f"{self.clock} +0000",
            GIT_COMMITTER_DATE=f"{self.clock} +0000",
        )
        self.git("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def tag(self, name: str, commit: str) -> None:
        """An annotated tag."""
        self.git("tag", "-a", "-m", name, name, commit)


def write_tarball(
    path: Path,
    version: str,
    files: Mapping[str, CONTENT] | None = None,
    *,
    top: str = "Python",
    change: Callable[[tarfile.TarFile], None] | None = None,
) -> str:
    """Write a release tarball (compressed as its name says) and return its SHA-256."""
    everything: dict[str, CONTENT] = {
        "Include/patchlevel.h": patchlevel(version),
        "configure": "#!\n",
    }
    everything.update(files or {})
    compression = {".tgz": "gz", ".tar": ""}.get(path.suffix, path.suffix.removeprefix("."))
    with tarfile.open(path, f"w:{compression}") as archive:  # type: ignore[call-overload]
        for number, (name, content) in enumerate(everything.items()):
            data = content.encode() if isinstance(content, str) else content
            add(archive, f"{top}/{name}", data, mtime=1_500_000_000 + number)
        if change is not None:
            change(archive)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def add(archive: tarfile.TarFile, name: str, data: bytes = b"", **fields: object) -> None:
    """Add a member whose header has these fields."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = 0o755 if name.endswith("configure") else 0o644
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(data))


class FakeApt(RecordingRunner):
    """A runner behind which an archive stands: it answers apt-get as far as patchbench asks.

    `packages` maps suites to (name, version, tarball); what is in `gone` gives 404. `online` and
    `installed` can be switched.
    """

    def __init__(self, packages: Mapping[str, list[tuple[str, str, Path]]]) -> None:
        super().__init__(self._complete)
        self.packages = packages
        self.gone: set[str] = set()
        self.online = True
        self.installed = True
        self.targets = "http://archive.invalid/debian/|bookworm|main|Debian|Debian|/nowhere:1\n"

    def _complete(self, call: Call) -> Completed:
        assert not call.is_start
        assert call.timeout is not None, "nothing may wait for a network without end"
        if not self.installed:
            raise ToolError("apt-get cannot be started: not found.")
        status, output = self._output(call.command)
        return completed(output, returncode=status)

    def _output(self, command: Command) -> tuple[int, str]:
        if "-c" not in command.argv:
            return 0, self.targets
        root = Path(command.argv[command.argv.index("-c") + 1]).parent
        if "indextargets" in command.argv:
            return 0, "".join(f"{suite}|{self._list(root, suite)}\n" for suite in self.packages)
        if not self.online:
            return 100, "Err:1 Could not resolve 'archive.invalid'\nE: Failed to fetch it"
        if "update" in command.argv:
            return self._update(root)
        return self._source(command)

    @staticmethod
    def _list(root: Path, suite: str) -> Path:
        return root / "lists" / f"archive.invalid_{suite}_main_source_Sources.xz"

    def _update(self, root: Path) -> tuple[int, str]:
        asked = {file.stem for file in (root / "suites").glob("*.sources")}
        for suite in asked & set(self.packages):
            stanzas = [_stanza(*package) for package in self.packages[suite]]
            text = "\n".join(["Package: zzz\nVersion: 1-1\n", *stanzas, "Package: python3\n"])
            self._list(root, suite).write_bytes(lzma.compress(text.encode()))
        return 100, "E: The repository 'http://archive.invalid buster' has no Release file."

    def _source(self, command: Command) -> tuple[int, str]:
        assert command.cwd is not None
        name, _, version = command.argv[-1].partition("=")
        for suite, packages in self.packages.items():
            for package, offered, tarball in packages:
                if (package, offered) == (name, version) and any(
                    one.endswith(f"/{suite}.sources") for one in command.argv
                ):
                    if version in self.gone:
                        return 100, "Err:1 archive\n  404  Not Found [IP: 192.0.2.1 80]"
                    shutil.copyfile(tarball, command.cwd / tarball.name)
                    return 0, "Download complete and in download only mode"
        return 100, f"E: Version '{version}' of '{name}' was not found"


def _stanza(name: str, version: str, tarball: Path) -> str:
    data = tarball.read_bytes()
    return (
        f"Package: {name}\nBinary: {name}, lib{name}\nVersion: {version}\n"
        f"Files:\n {'0' * 32} {len(data)} {tarball.name}\n"
        f"Checksums-Sha256:\n {'1' * 64} 7 {name}_{version}.dsc\n"
        f" {hashlib.sha256(data).hexdigest()} {len(data)} {tarball.name}\n"
        f" {'2' * 64} 9 {name}_{version}.debian.tar.xz\nDirectory: pool/main/p/{name}\n"
    )
