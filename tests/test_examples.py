"""The examples are output of patchbench: each bundle verifies and contains the files beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.main import main
from bench.jobs.bundle import archive
from tests.test_published import offences

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parent.parent / "examples"
BUNDLES = sorted(EXAMPLES.glob("*/*.tar.gz"))


def test_there_are_some() -> None:
    assert BUNDLES


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.parent.name)
def test_an_example(bundle: Path, tmp_path: Path) -> None:
    assert main(["--quiet", "--home", str(tmp_path / "home"), "verify", str(bundle)]) == 0
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    archive.unpack(bundle, unpacked)
    for beside in bundle.parent.iterdir():
        if beside != bundle:
            assert beside.read_bytes() == (unpacked / beside.name).read_bytes(), beside.name
    for path in unpacked.rglob("*"):
        if path.is_file():
            assert offences(path.read_text(encoding="utf-8")) == [], path.name
