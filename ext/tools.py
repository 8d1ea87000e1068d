"""The folders of Cython and setuptools, installed once for each release.

    <root>/Cython-3.3.1/        for the Python that runs patchbench
           setuptools-44.1.1/   for targets; pure Python

The caller passes a function that calls pip.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ext.compile import Tools, requirements

Install = Callable[[str, Path], None]
"""Installs a requirement line into a folder; raises if that fails."""


def provide(root: Path, version: str, install: Install) -> Tools:
    """The tools for a target's version of Python, installed if they are missing.

    The caller must hold a lock. Exceptions of `install` are passed on.
    """
    lines = requirements(version)
    cython = _provide(root, lines.cython, install)
    return Tools(cython=cython, setuptools=_provide(root, lines.setuptools, install))


def planned(root: Path, version: str) -> tuple[Tools, tuple[tuple[str, Path], ...]]:
    """The paths of the tools, and the arguments with which `provide` would call `install` now."""
    needed = requirements(version)
    lines = (needed.cython, needed.setuptools)
    cython, setuptools = (_folder(root, line) for line in lines)
    missing = tuple(
        (line, _partial(folder))
        for line, folder in zip(lines, (cython, setuptools), strict=True)
        if not folder.exists()
    )
    return Tools(cython=cython, setuptools=setuptools), missing


def _folder(root: Path, requirement: str) -> Path:
    return root / requirement.replace("==", "-")


def _partial(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.half")


def _provide(root: Path, requirement: str, install: Install) -> Path:
    folder = _folder(root, requirement)
    if not folder.exists():
        partial = _partial(folder)
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        install(requirement, partial)
        partial.rename(folder)
    return folder
