"""The wheel and the sdist: what is in them, and a wheel that works far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from builder.errors import PatchError, UsageError
from tests.pipeline import PATIENCE, PROJECT, Ground, lay_out

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="git says what belongs into it"),
]
FOLDERS = ("bench", "builder", "experiments", "ext", "patches")
# Whatever calls itself so must neither be imported by us nor hidden by us.
FOREIGN = ("bench", "builder")
MAKE_SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def done(*command: str | Path, cwd: Path, **variables: str) -> str:
    completed = run(*command, cwd=cwd, **variables)
    assert completed.returncode == 0, completed.stderr + completed.stdout
    return completed.stdout


def repository_files() -> set[str]:
    """Every file of the checkout that git knows or would take, if it is still there."""
    # In a container the checkout may belong to another user.
    git = ("git", "-c", "safe.directory=*")
    listing = (*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = done(*listing, cwd=PROJECT).split("\0")
    return {name for name in names if name and (PROJECT / name).is_file()}


@dataclass(frozen=True, kw_only=True)
class Built:
    """What was built, from a copy of the checkout in which nothing but its files lies."""

    files: frozenset[str]
    sdist: Path
    wheel: Path
    wheel_of_sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("built")
    source = root / "source"
    files = repository_files()
    for name in files:
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((PROJECT / name).read_bytes())
    done(sys.executable, "-c", MAKE_SDIST, root, cwd=source)
    (sdist,) = root.glob("*.tar.gz")
    return Built(
        files=frozenset(files),
        sdist=sdist,
        wheel=_wheel_of(source, root / "of-source"),
        wheel_of_sdist=_wheel_of(sdist, root / "of-sdist"),
    )


def _wheel_of(source: Path, folder: Path) -> Path:
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    done(sys.executable, "-m", "pip", "wheel", *options, source, cwd=source.parent)
    (wheel,) = folder.glob("*.whl")
    return wheel


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_every_file_below_one_name(built: Built) -> None:
    names = {name for name in contents(built.wheel) if ".dist-info/" not in name}
    own = {f"patchbench/{name}" for name in built.files if name.partition("/")[0] in FOLDERS}
    own |= {name for name in built.files if name.startswith("patchbench/")}
    assert names == own
    assert {f"patchbench/{folder}/py.typed" for folder in ("bench", "builder", "ext")} <= names


def test_the_sdist_has_every_file_and_gives_the_same_wheel(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    made = {name for name in names if name.startswith("patchbench.egg-info/")}
    assert names - made - {"PKG-INFO", "setup.cfg"} == built.files
    assert contents(built.wheel_of_sdist) == contents(built.wheel)


def test_the_metadata_is_whole_and_the_version_from_one_place(built: Built) -> None:
    (name,) = (name for name in contents(built.wheel) if name.endswith(".dist-info/METADATA"))
    metadata = message_from_bytes(contents(built.wheel)[name])
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["Version"] == project["version"] == version("patchbench")
    for field in ("Summary", "Author", "Maintainer", "Keywords", "License-Expression"):
        assert metadata[field], field
    assert "Typing :: Typed" in metadata.get_all("Classifier", ())
    assert metadata.get_all("License-File") == ["LICENSE", "patches/LICENSE.md"]
    required = {line.partition(";")[0] for line in metadata.get_all("Requires-Dist", ())}
    assert set(project["dependencies"]) <= required
    assert not any(line.startswith("psutil") for line in project["dependencies"])


# -- installed -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A virtual environment of its own with the wheel in it, and a folder to work in."""

    environment: Path
    work: Path

    @property
    def site(self) -> Path:
        (folder,) = self.environment.glob("lib/python*/site-packages")
        return folder

    @property
    def program(self) -> Path:
        return self.environment / "bin" / "patchbench"

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    def patchbench(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(self.program, "--home", self.work / "home", *arguments, cwd=self.work)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    root = tmp_path_factory.mktemp("elsewhere")
    one = Installed(environment=root / "venv", work=root / "work")
    one.work.mkdir()
    done(sys.executable, "-m", "venv", "--without-pip", one.environment, cwd=root)
    pip = (sys.executable, "-m", "pip", "--python", one.python)
    done(*pip, "install", "-q", "--no-deps", "--no-index", built.wheel, cwd=root)
    # What it depends on comes from this environment, but not the checkout: a folder that is named
    # in a .pth file has none of its own .pth files read.
    (one.site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for name in FOREIGN:
        (one.site / name).mkdir()
        (one.site / name / "__init__.py").write_text(f'WHO = "the foreign {name}"\n')
    return one


def test_site_packages_has_one_name_more(installed: Installed) -> None:
    names = {path.name for path in installed.site.iterdir()} - {"dependencies.pth", *FOREIGN}
    assert {name for name in names if not name.endswith(".dist-info")} == {"patchbench"}


def test_foreign_packages_of_our_names_stay_what_they_are(installed: Installed) -> None:
    code = "import patchbench, bench, builder; print(bench.WHO, builder.WHO, sep='; ')"
    said = done(installed.python, "-c", code, cwd=installed.work)
    assert said == "the foreign bench; the foreign builder\n"
    lost = run(installed.python, "-c", "import patchbench, ext", cwd=installed.work)
    assert "No module named 'ext'" in lost.stderr


@pytest.mark.parametrize("started", ["program", "module"])
def test_help_comes_however_it_is_started(installed: Installed, started: str) -> None:
    # `python -m` looks into the working directory first.
    (installed.work / "bench.py").write_text("raise RuntimeError('not this one')\n")
    module = (installed.python, "-m", "patchbench")
    command = (installed.program,) if started == "program" else module
    assert "usage: patchbench" in done(*command, "--help", cwd=installed.work)
    (installed.work / "bench.py").unlink()


def test_the_series_and_experiments_come_with_it(installed: Installed) -> None:
    listed = json.loads(installed.patchbench("series", "--json").stdout)
    names = {one["name"] for one in listed}
    series = {path.parent for path in PROJECT.glob("patches/*/*/series.toml")}
    assert {f"{path.parent.name}/{path.name}" for path in series} < names
    assert "flavors-3.13/pgo" in names
    assert any(one["results"] for one in listed)


def test_a_series_is_found_by_its_name(installed: Installed, tmp_path: Path) -> None:
    lay_out(tmp_path)
    command = ("run", "--base", "main", "--source", str(tmp_path / "fake.git"), "--series")
    unfit = installed.patchbench(*command, "3.13/compact-int-add")
    assert unfit.returncode == PatchError.exit_code
    assert "3.13/compact-int-add" in unfit.stderr
    assert "does not apply" in unfit.stderr


def test_the_doctor_looks_at_the_machine(installed: Installed) -> None:
    assert json.loads(installed.patchbench("doctor", "--json").stdout)["checks"]


@pytest.mark.parametrize(
    "arguments", [("series", "--render"), ("study", "page"), ("study", "variants")]
)
def test_it_writes_nothing_into_its_own_folders(
    installed: Installed, arguments: tuple[str, ...]
) -> None:
    refused = installed.patchbench(*arguments)
    assert refused.returncode == UsageError.exit_code
    assert "--out DIR" in refused.stderr


def test_pages_are_rendered_into_the_folder_that_is_named(installed: Installed) -> None:
    out = installed.work / "pages"
    assert installed.patchbench("series", "--render", "--out", str(out)).returncode == 0
    pages = {path.relative_to(out) for path in out.rglob("RESULT.md")}
    assert pages == {
        path.relative_to(PROJECT)
        for top in ("patches", "experiments")
        for path in (PROJECT / top).rglob("RESULT.md")
    }
    for page in pages:
        assert (out / page).read_bytes() == (PROJECT / page).read_bytes()


def test_an_experiment_runs_to_its_end(installed: Installed, tmp_path: Path) -> None:
    ground = lay_out(tmp_path)
    completed = run(
        installed.program, *ground.arguments(), cwd=installed.work, **_without_checkout(ground)
    )
    assert completed.returncode == 0, completed.stderr
    result: Mapping[str, Any] = json.loads((ground.out / "result.json").read_text())
    (candidate,) = result["candidates"]
    assert candidate["comparisons"]
    assert candidate["suite"]
    assert str(PROJECT) not in json.dumps(result)
    assert {"report.md", "report.html"} <= {path.name for path in ground.out.iterdir()}


def _without_checkout(ground: Ground) -> dict[str, str]:
    variables = ground.environment()
    assert variables.pop("PYTHONPATH") == str(PROJECT)
    return variables
