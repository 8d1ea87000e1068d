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


def _provided(root: Path, requirement: str, install: Install) -> Path:
    folder = root / requirement.replace("==", "-")
    if not folder.exists():
        half = folder.with_name(f".{folder.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        half.parent.mkdir(parents=True, exist_ok=True)
        install(requirement, half)
        half.rename(folder)
    return folder
