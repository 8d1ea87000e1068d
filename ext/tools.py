"""The folders of Cython and setuptools, installed once for each release.

    <root>/Cython-3.3.1/        for the Python that runs us
           setuptools-44.1.1/   for targets; pure Python

How pip is called is the caller's: it is given the folder and the requirement line.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ext.compile import Tools, requirements

Install = Callable[[str, Path], None]
"""Installs a requirement line into a folder; raises where that cannot be."""


def provide(root: Path, version: str, install: Install) -> Tools:
    """The tools for a target's version of Python, made where they are not there.

    The caller holds a lock. What `install` raises goes through.
    """
    wanted = requirements(version)
    cython = _provided(root, wanted.cython, install)
    return Tools(cython=cython, setuptools=_provided(root, wanted.setuptools, install))


def planned(root: Path, version: str) -> tuple[Tools, tuple[tuple[str, Path], ...]]:
    """Where the tools are or will be, and what `provide` would call `install` with now."""
    wanted = requirements(version)
    lines = (wanted.cython, wanted.setuptools)
    cython, setuptools = (_folder(root, line) for line in lines)
    missing = tuple(
        (line, _half(folder))
        for line, folder in zip(lines, (cython, setuptools), strict=True)
        if not folder.exists()
    )
    return Tools(cython=cython, setuptools=setuptools), missing


def _folder(root: Path, requirement: str) -> Path:
    return root / requirement.replace("==", "-")


def _half(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.half")


def _provided(root: Path, requirement: str, install: Install) -> Path:
    folder = _folder(root, requirement)
    if not folder.exists():
        half = _half(folder)
        shutil.rmtree(half, ignore_errors=True)
        half.parent.mkdir(parents=True, exist_ok=True)
        install(requirement, half)
        half.rename(folder)
    return folder
