"""Installation of packages for interpreters: pip's commands, settings and errors.

Only pip receives the user's settings (index, certificates, proxies): the command line passes them
as a mapping, which goes to pip commands and never to a measured process.
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

# Settings that would change the folder that we ask pip to install into.
_REDIRECTING = frozenset(
    {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_LOG", "PIP_QUIET", "PIP_DRY_RUN"}
)
_ADDRESS = re.compile(r"\b(?:https?|ftp|file)://[^\s'\",)]+|(?<=host=)'[^']*'")
_LOCATION = re.compile(r"(?<![\w.])/[\w./+@~-]*/(?=[\w.+-])")


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """The place that packages come from.

    `environment` has the user's settings for pip (PIP_*, SSL_CERT_FILE, HOME, proxies). If
    `wheels`, a folder of wheels and sdists, is set, no index is used.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    wheels: Path | None = None

    def options(self) -> tuple[str, ...]:
        """Return the options of pip that select the source."""
        if self.wheels is None:
            return ()
        return ("--no-index", "--find-links", str(self.wheels.absolute()))

    def variables(self) -> dict[str, str]:
        """Return the environment variables of a pip command."""
        chosen = {
            name: value
            for name, value in self.environment.items()
            if name not in _REDIRECTING and name != "PATH" and not name.startswith("PYTHON")
        }
        # pip ignores variables that it does not know, but it refuses unknown options.
        ours = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_NO_PYTHON_VERSION_WARNING": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_REQUIRE_VIRTUALENV": "0",
            "PIP_USER": "0",
            "PYTHONNOUSERSITE": "1",
            # `-m pip` would import from the current folder first; older Pythons ignore this.
            "PYTHONSAFEPATH": "1",
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
    """`python -m pip ARGUMENTS`, with pip itself from the folder `pip` if that is not None.

    run_pip.py starts the pip of Python 2, since an old one fails where there is no ssl.
    """
    variables = source.variables()
    if pip is not None:
        variables["PYTHONPATH"] = str(pip)
    program = (str(_RUN_PIP),) if python2 else ("-m", "pip")
    return Command(argv=(str(python), *program, *arguments), env=variables, keep_fds=keep_fds)


def install_here_command(source: PackageSource, folder: Path, requirement: str) -> Command:
    """Return the command by which our own pip installs a wheel, for any Python, into `folder`."""
    arguments = ["install", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    return pip_command(
        Path(sys.executable),
        [*arguments, "--target", str(folder), *source.options(), requirement],
        source,
    )


def pip_error(completed: Completed) -> str:
    """Return pip's most specific error message, without addresses and absolute paths."""
    if completed.timed_out:
        return f"pip {completed.how()}"
    lines = [line.strip() for line in completed.output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)\s*(error|fatal error)\b[: ]", line)]
    # Old pips print no "ERROR:"; their last line is the error, except for lines about themselves.
    other = [line for line in lines if not line.startswith(("Storing debug log", "Cleaning up"))]
    chosen = _specific(errors) or (other[-1] if other else f"pip {completed.how()}")
    return anonymous(chosen)


def _specific(lines: Sequence[str]) -> str:
    """Return the first error that is not pip's generic summary, else the last one."""
    generic = re.compile(r"(?i)error: (subprocess-exited-with-error|command errored out|failed to)")
    for line in lines:
        if not generic.match(line):
            return line
    return lines[-1] if lines else ""


def anonymous(text: str) -> str:
    """Remove addresses of indexes and folders of this machine, so that `text` can be published."""
    return _LOCATION.sub("", _ADDRESS.sub("<address>", text))


def bundled_wheels(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return the wheels in the first folder that has a wheel of pip: pip's, setuptools' if there is
    one, and those of packages that a distribution has removed from its pip.
    """
    for folder in folders:
        if any(folder.glob("pip-*.whl")):
            return tuple(sorted(folder.glob("*.whl")))
    return ()


def distributions(folder: Path) -> tuple[str, ...]:
    """Return the packages installed in `folder`, as sorted lines `name==version`."""
    installed = metadata.distributions(path=[os.fspath(folder)])
    lines = {f"{item.metadata['Name']}=={item.version}" for item in installed}
    return tuple(sorted(lines, key=str.lower))


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel into `folder`, which may exist.

    Raises RequirementsError for a wheel that is damaged or would write outside of the folder.
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
            hint="Download it again.",
        ) from error


def _check_member(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    mode = member.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
        raise ValueError(f"{member.filename!r} is outside of the target folder")
    if mode and stat.S_ISLNK(mode):
        raise ValueError(f"{member.filename!r} is a symlink")


def download_command(
    source: PackageSource, folder: Path, requirement: str, *, held: tuple[int, ...] = ()
) -> Command:
    """Return the command by which our own pip downloads one wheel into `folder`."""
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
    """Download one wheel into `folder` with our own pip, check its hash and return its path.

    Raises RequirementsError if the download fails or the hash differs.
    """
    command = download_command(source, folder, requirement, held=(held,))
    completed = runner.run(command, timeout=_DOWNLOAD_SECONDS)
    wheels = sorted(folder.glob("*.whl"))
    if not completed.ok or not wheels:
        raise RequirementsError(
            f"{requirement} cannot be downloaded: {pip_error(completed)}",
            where=last_lines(anonymous(completed.output)),
            hint="If this machine has no package index, put the wheel into a folder and pass "
            "the folder with --wheels.",
        )
    if sha256_of(wheels[0]) != sha256:
        raise RequirementsError(
            f"{requirement} is not the file that was released.",
            where=f"{wheels[0].name}: SHA-256 {sha256_of(wheels[0])}, not {sha256}",
            hint="Check the package index in pip's settings.",
        )
    return wheels[0]
