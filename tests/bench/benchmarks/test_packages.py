"""pip's settings, errors and wheels."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from bench.benchmarks import packages
from bench.benchmarks.packages import PackageSource
from builder.errors import RequirementsError
from builder.process import Completed


def _said(output: str) -> str:
    return packages.pip_error(Completed(returncode=1, seconds=1.0, output=output))


def test_the_users_settings_reach_pip_but_cannot_redirect_it() -> None:
    source = PackageSource(
        environment={
            "PIP_INDEX_URL": "file:///index",
            "SSL_CERT_FILE": "/certificates",
            "PIP_TARGET": "/elsewhere",
            "PIP_USER": "1",
            "PATH": "/theirs",
            "PYTHONPATH": "/theirs",
        }
    )
    variables = source.variables()
    assert variables["PIP_INDEX_URL"] == "file:///index"
    assert variables["SSL_CERT_FILE"] == "/certificates"
    assert variables["PIP_USER"] == "0"
    assert "PIP_TARGET" not in variables
    assert "PYTHONPATH" not in variables
    assert "/theirs" not in variables["PATH"]


def test_a_folder_of_wheels_is_asked_alone() -> None:
    source = PackageSource(wheels=Path("/wheels"))
    assert source.options() == ("--no-index", "--find-links", "/wheels")
    command = packages.pip_command(Path("/p"), ["install"], source, pip=Path("/pip"), keep_fds=(9,))
    assert command.argv == ("/p", "-m", "pip", "install")
    assert command.env["PYTHONPATH"] == "/pip"
    assert command.keep_fds == (9,)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "Looking\nERROR: Could not find a version (from versions: none)\n"
            "ERROR: No matching distribution wheels for x==1\nWARNING: pip is old\n",
            "ERROR: Could not find a version (from versions: none)",
        ),
        (
            "  error: subprocess-exited-with-error\n  gcc: fatal\n"
            "  src/x.c:3:10: fatal error: y.h: No such file or directory\n"
            "  error: command 'gcc' failed with exit status 1\n"
            "ERROR: Failed to build installable wheels\n",
            "error: command 'gcc' failed with exit status 1",
        ),
        (
            "Cleaning up...\nNo distributions at all wheels for x\nStoring debug log for failure\n",
            "No distributions at all wheels for x",
        ),
        (
            "ERROR: Could not install packages: HTTPSConnectionPool(host='index.example', "
            "port=443): url: https://index.example/simple/x/ (from /home/me/wheels/x.whl)",
            "ERROR: Could not install packages: HTTPSConnectionPool(host=<address>, "
            "port=443): url: <address> (from x.whl)",
        ),
        ("", "pip exited with status 1"),
    ],
)
def test_the_error_is_pips_own_without_addresses(output: str, expected: str) -> None:
    assert _said(output) == expected


def test_a_time_out_is_told() -> None:
    done = Completed(returncode=-15, seconds=5.0, output="x", timed_out=True)
    assert packages.pip_error(done) == "pip was stopped after 5 s (time-out)"


@pytest.mark.parametrize("name", ["../outside", "/absolute", "a/../../b", "back\\slash"])
def test_wheels_that_reach_outside_are_refused(tmp_path: Path, name: str) -> None:
    wheel = tmp_path / "bad-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    with pytest.raises(RequirementsError, match="is outside"):
        packages.unpack(wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wheels_with_symlinks_are_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "bad-1.0-py3-none-any.whl"
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(RequirementsError, match="symlink"):
        packages.unpack(wheel, tmp_path / "out")


def test_damaged_wheels_are_told(tmp_path: Path) -> None:
    wheel = tmp_path / "bad-1.0-py3-none-any.whl"
    wheel.write_bytes(b"not a zip")
    with pytest.raises(RequirementsError, match="cannot be unpacked"):
        packages.unpack(wheel, tmp_path / "out")


def test_the_first_folder_with_a_pip_counts(tmp_path: Path) -> None:
    names = (
        "none/readme",
        "one/pip-1.whl",
        "one/setuptools-2.whl",
        "one/six-3.whl",
        "two/pip-9.whl",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    wheels = packages.bundled_wheels(
        [tmp_path / folder for folder in ("absent", "none", "one", "two")]
    )
    # A distribution takes other packages out of its pip, and puts them beside it.
    assert [path.name for path in wheels] == ["pip-1.whl", "setuptools-2.whl", "six-3.whl"]
    assert packages.bundled_wheels([tmp_path / "none"]) == ()
