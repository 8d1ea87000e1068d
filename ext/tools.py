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


def _provide(root: Path, requirement: str, install: Install) -> Path:
    folder = root / requirement.replace("==", "-")
    if not folder.exists():
        partial = folder.with_name(f".{folder.name}.half")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        install(requirement, partial)
        partial.rename(folder)
    return folder
