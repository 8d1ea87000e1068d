"""A made-up archive of binary packages, and a machine that unpacks them, behind a runner."""

from __future__ import annotations

import json
from pathlib import Path

from builder.errors import ToolError
from builder.process import Completed
from tests.recording import Call, RecordingRunner, completed

TARGETS = "http://archive.invalid/debian/|bookworm|main|Debian|Debian|/nowhere:1\n"
PARTS = ("pypy3", "pypy3-dev", "pypy3-venv", "python3-pip-whl", "python3-setuptools-whl")
OLD_PARTS = ("pypy", "pypy-dev", "python-pip-whl")


class Archive(RecordingRunner):
    """`packages` maps suites to {name: version}; what is in `gone` gives 404.

    `libc` is the C library's file that comes along; a command that holds `failing` fails.
    """

    def __init__(self) -> None:
        super().__init__(self._complete)
        self.packages: dict[str, dict[str, str]] = {
            "bullseye": dict.fromkeys(OLD_PARTS, "7.3.3+dfsg-2"),
            "bookworm": dict.fromkeys(PARTS, "7.3.11+dfsg-2"),
            "trixie": dict.fromkeys(PARTS, "7.3.19+dfsg-2"),
        }
        self.gone: set[str] = set()
        self.installed = True
        self.libc = "libc6_99.1-1_amd64.deb"
        self.failing = ""
        self.wheels = True

    def _complete(self, call: Call) -> Completed:
        assert not call.is_start
        assert call.timeout is not None, "nothing may wait without end"
        argv = call.command.argv
        if not self.installed:
            raise ToolError("apt-get cannot be started: not found.")
        if self.failing and self.failing in " ".join(argv):
            return completed("it fails\n", returncode=2)
        status, output = self._output(argv)
        return completed(output, returncode=status)

    def _output(self, argv: tuple[str, ...]) -> tuple[int, str]:
        if "indextargets" in argv:
            return 0, TARGETS
        if "madison" in argv:
            return 0, self._madison(argv[argv.index("madison") + 1 :])
        if "install" in argv:
            return self._download(argv)
        if argv[0] == "dpkg-deb":
            self._unpack(Path(argv[2]), Path(argv[3]))
        if argv[1] == "-c":
            version = "2.7.18" if argv[0].endswith("/pypy") else "3.11.11"
            told = {"implementation": "pypy", "version": version, "release": "7.3.19"}
            return 0, json.dumps(told | {"executable": argv[0]})
        return 0, ""

    def _madison(self, names: tuple[str, ...]) -> str:
        return "".join(
            f"  {name} | {version} | http://archive.invalid/debian {suite}/main amd64 Packages\n"
            for suite, packages in self.packages.items()
            for name, version in packages.items()
            if name in names
        )

    def _download(self, argv: tuple[str, ...]) -> tuple[int, str]:
        suite = next(Path(one).stem for one in argv if one.endswith(".sources"))
        folder = Path(next(one for one in argv if "archives" in one).partition("=")[2])
        wanted = [one.split("=") for one in argv if "=" in one and "::" not in one]
        assert all(self.packages[suite][name] == version for name, version in wanted)
        if wanted[0][1] in self.gone:
            return 100, "Err:1 archive\n  404  Not Found"
        for name, version in wanted:
            (folder / f"{name}_{version}_amd64.deb").write_text(name)
        for other in (self.libc, "libssl3_3.5-1_amd64.deb", "perl-base_5_amd64.deb"):
            (folder / other).write_text(other)
        return 0, "Download complete and in download only mode"

    def _unpack(self, file: Path, root: Path) -> None:
        libraries = root / "usr/lib/x86_64-linux-gnu"
        libraries.mkdir(parents=True, exist_ok=True)
        name = file.read_text()
        if name in ("pypy3", "pypy"):
            (root / "usr/bin").mkdir()
            (root / f"usr/bin/{name}.real").write_text("an executable")
            (root / f"usr/bin/{name}").symlink_to(f"{name}.real")
            (root / f"usr/lib/{name}/ensurepip").mkdir(parents=True)
            (root / f"usr/lib/{name}/ensurepip/__init__.py").touch()
        if name.endswith("pip-whl") and self.wheels:
            (root / "usr/share/python-wheels").mkdir(parents=True)
            (root / "usr/share/python-wheels/pip-25-py3-none-any.whl").touch()
        if name.startswith("libc6"):
            (libraries / "ld-linux-x86-64.so.2").touch()
