"""A night that is killed (SIGKILL, no chance to tidy up), and the same command once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.files import sha256_of
from tests import pipeline
from tests.nights import FILE, Ground, lay_out


def blocks(ground: Ground) -> dict[str, str]:
    """The files of finished blocks, with a hash of their content.

    On a busy host a block may be disturbed: it is kept as well, apart from those that count.
    """
    raw = ground.nights / "2026-11-01" / "main-plain" / "raw"
    return {
        str(path): sha256_of(path)
        for folder in ("blocks", "disturbed")
        for path in (raw / folder).glob("[!.]*/*.json")
    }


@pytest.mark.slow
def test_a_night_that_was_killed_goes_on(tmp_path: Path) -> None:
    ground = lay_out(tmp_path, FILE.replace("blocks = 3", "blocks = 6"))
    place = pipeline.Ground(root=tmp_path, home=tmp_path / "home", out=tmp_path / "out")
    command = ["--home", str(place.home), "nightly", str(ground.file), "--date", "2026-11-01"]
    with pipeline.start(place, command) as night:
        # The second begins when the first is whole.
        assert night._wait(lambda: [name for name, _, _ in night.stages].count("block") > 1)
        night.process.kill()
        assert night.end() < 0
    assert pipeline.leftovers(place) == []
    assert ground.kept("2026-11-01")["ended"] is None
    before = blocks(ground)
    assert before
    with pipeline.start(place, command) as night:
        assert night.end() == 0
        assert "goes on where it stood" in night.said
    assert before.items() <= blocks(ground).items()
    assert ground.line("2026-11-01")["outcome"] == "neutral"
    assert [one.night.state for one in ground.entries()] == ["measured"]
