"""A repository with the tiny tree."""

from __future__ import annotations

import pytest

from builder.git.repository import Repository
from tests.builder.patches.tiny import EMPTY, FILES, created


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository.init(tmp_path_factory.mktemp("git") / "tiny.git")


@pytest.fixture(scope="module")
def tree(repository: Repository) -> str:
    files = b"".join(created(path, content) for path, content in FILES.items())
    return repository.apply(EMPTY, files + created("link", "Python", "120000"))
