"""How packages are installed for interpreters: pip's commands, its settings and its errors.

pip is the only thing here that sees settings of the user's own (index, certificates, proxies): they
come as a mapping from the command line and go to pip commands, never to a measured process.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath

from bench.util import INSIDE
from builder.errors import RequirementsError
from builder.files import sha256_of
from builder.process import Command, Completed, Runner, clean_environment, last_lines

_DOWNLOAD_SECONDS = 900.0
_RUN_PIP = INSIDE / "run_pip.py"

# Settings that would send packages elsewhere than where we ask for.
_REDIRECTING = frozenset(
    {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_LOG", "PIP_QUIET", "PIP_DRY_RUN"}
)
_ADDRESS = re.compile(r"\b(?:https?|ftp|file)://[^\s'\",)]+|(?<=host=)'[^']*'")
_LOCATION = re.compile(r"(?<![\w.])/[\w./+@~-]*/(?=[\w.+-])")


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """Where packages come from.

    `environment` has the user's settings for pip (PIP_*, SSL_CERT_FILE, HOME, proxies). With
    `wheels`, a folder of wheels and sdists, nothing else is asked.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    wheels: Path | None = None

    def options(self) -> tuple[str, ...]:
        """The options of pip that say where to look."""
        if self.wheels is None:
            return ()
        return ("--no-index", "--find-links", str(self.wheels.absolute()))

    def variables(self) -> dict[str, str]:
        """The environment of a pip command."""
        chosen = {
            name: value
            for name, value in self.environment.items()
            if name not in _REDIRECTING and name != "PATH" and not name.startswith("PYTHON")
        }
        # A pip that does not know one of these ignores it; options of that name it would refuse.
        ours = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_NO_PYTHON_VERSION_WARNING": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_REQUIRE_VIRTUALENV": "0",
            "PIP_USER": "0",
            "PYTHONNOUSERSITE": "1",
        }
        return clean_environment(**(chosen | ours))


def pip_command(
    python: Path,
    arguments: Sequence[str],
    source: PackageSource,
    *,
    pip: Path | None = None,
    python2: bool = False,
    keep_fds: tuple[int, ...] = (),
) -> Command:
    """`python -m pip ARGUMENTS`, with pip itself from the folder `pip` where that is given.

    A pip of Python 2 is started by a shim, since an old one needs help where there is no ssl.
    """
    variables = source.variables()
    if pip is not None:
        variables["PYTHONPATH"] = str(pip)
    program = (str(_RUN_PIP),) if python2 else ("-m", "pip")
    return Command(argv=(str(python), *program, *arguments), env=variables, keep_fds=keep_fds)


def install_here_command(source: PackageSource, folder: Path, requirement: str) -> Command:
    """Our own pip installs one wheel into `folder`, whatever Python it is for."""
    arguments = ["install", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    return pip_command(
        Path(sys.executable),
        [*arguments, "--target", str(folder), *source.options(), requirement],
        source,
    )


def pip_error(done: Completed) -> str:
    """What went wrong, in pip's own last words, without addresses and absolute paths."""
    if done.timed_out:
        return f"pip {done.how()}"
    lines = [line.strip() for line in done.output.splitlines() if line.strip()]
    said = [line for line in lines if re.match(r"(?i)\s*(error|fatal error)\b[: ]", line)]
    # Old pips have no "ERROR:"; there the last line says it, but for what they say of themselves.
    other = [line for line in lines if not line.startswith(("Storing debug log", "Cleaning up"))]
    chosen = _telling(said) or (other[-1] if other else f"pip {done.how()}")
    return anonymous(chosen)


def _telling(lines: Sequence[str]) -> str:
    """The first error that is not pip's generic summary, else the last."""
    generic = re.compile(r"(?i)error: (subprocess-exited-with-error|command errored out|failed to)")
    for line in lines:
        if not generic.match(line):
            return line
    return lines[-1] if lines else ""


def anonymous(text: str) -> str:
    """`text` without addresses of indexes and folders of this machine: fit to be published."""
    return _LOCATION.sub("", _ADDRESS.sub("<address>", text))


def bundled_wheels(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The wheels from the first folder with a pip: pip's, setuptools' where there is one, and what
    a distribution has taken out of its pip.
    """
    for folder in folders:
        if any(folder.glob("pip-*.whl")):
            return tuple(sorted(folder.glob("*.whl")))
    return ()


def distributions(folder: Path) -> tuple[str, ...]:
    """What is installed below `folder`, as sorted `name==version` lines."""
    found = metadata.distributions(path=[os.fspath(folder)])
    lines = {f"{one.metadata['Name']}=={one.version}" for one in found}
    return tuple(sorted(lines, key=str.lower))


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel into `folder`, which may exist.

    Raises RequirementsError for one that is damaged or would write outside of it.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                _check_member(member)
            archive.extractall(folder)
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise RequirementsError(
            f"The wheel cannot be unpacked: {error}.",
            where=wheel.name,
            hint="Fetch it again.",
        ) from error


def _check_member(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    mode = member.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
        raise ValueError(f"{member.filename!r} lies outside of it")
    if mode and stat.S_ISLNK(mode):
        raise ValueError(f"{member.filename!r} is a symlink")


def download_command(
    source: PackageSource, folder: Path, requirement: str, *, held: tuple[int, ...] = ()
) -> Command:
    """Our own pip downloads one wheel into `folder`."""
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    return pip_command(
        Path(sys.executable), [*arguments, *source.options(), requirement], source, keep_fds=held
    )


def download(
    runner: Runner,
    source: PackageSource,
    folder: Path,
    *,
    requirement: str,
    sha256: str,
    held: int,
) -> Path:
    """Let our own pip download one wheel into `folder`, and return it once its hash is right.

    Raises RequirementsError when it cannot be had or is another file.
    """
    command = download_command(source, folder, requirement, held=(held,))
    done = runner.run(command, timeout=_DOWNLOAD_SECONDS)
    wheels = sorted(folder.glob("*.whl"))
    if not done.ok or not wheels:
        raise RequirementsError(
            f"{requirement} cannot be downloaded: {pip_error(done)}",
            where=last_lines(anonymous(done.output)),
            hint="If this machine has no package index, put its wheel into a folder and name it "
            "with --wheels.",
        )
    if sha256_of(wheels[0]) != sha256:
        raise RequirementsError(
            f"{requirement} is not the file that was released.",
            where=f"{wheels[0].name}: SHA-256 {sha256_of(wheels[0])}, not {sha256}",
            hint="Look at where pip gets its packages from.",
        )
    return wheels[0]
