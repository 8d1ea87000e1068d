"""Suspicions measured again: in which sessions, and what the history keeps of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.context import Context
from bench.experiments.experiment import Experiment
from bench.history import models, reading
from bench.history.models import BenchmarkRow, HistoryRatio, NightRow, NightSuite
from bench.history.store import History
from bench.nightly import confirm
from bench.nightly.config import TONIGHT, load
from bench.nightly.confirm import Confirmation
from bench.nightly.report import CONFIRMED, DISMISSED, SUITE, UNDECIDED, ConfirmedFinding, Revised
from bench.nightly.state import LineState
from bench.results.arms import ArmResult
from bench.results.result import parse_document
from bench.results.shape import Result
from bench.session.folder import SessionFolder
from bench.session.stopping import Rules
from bench.util.console import Show
from builder.builds.recipe import Flavor
from builder.errors import BuildError
from tests.bench.history import made_up
from tests.bench.made_up import record
from tests.bench.results.given import comparison, suite
from tests.builder.upstream import home_at
from tests.golden.specimen import specimen
from tests.recording import RecordingRunner, no_command

SLOWER = HistoryRatio(ratio=1.1, low=1.08, high=1.12, verdict="slower", blocks=5)
SAME = HistoryRatio(ratio=1.0, low=0.99, high=1.01, verdict="equivalent", blocks=5)
OLD = Revised(commit="a" * 40, version="3.13.5")
HEAD = Revised(commit="b" * 40, version="3.13.5")
TASK = LineState(branch="main", flavor="plain", head=HEAD)
# Which script makes which benchmark.
SCRIPTS = {"bm_000": "first", "bm_001": "second", "bm_002": "second"}


class Place:
    """A line of two nights, of which tonight's session calls some benchmarks slower."""

    def __init__(self, folder: Path, history: History) -> None:
        self.history = history
        self.stream = io.StringIO()
        self.folder = folder / "nights" / "2026-11-02"
        self.experiments: list[Experiment] = []
        # What the fresh session says; an error where it fails.
        self.verdicts: dict[str, str] = {}
        self.suite = "equivalent"
        self.error: BuildError | None = None
        file = folder / "nightly.toml"
        file.write_text('suite = ["all"]\n[[branch]]\nrevision = "main"\n[confirm]\nblocks = 17\n')
        self.config = load(file)
        raw = SessionFolder(self.folder / TASK.folder / "raw")
        raw.begin(Rules(blocks=5, margin=0.01, seed=1))
        for task, script in SCRIPTS.items():
            block = replace(record(task, 0), benchmark=script)
            raw.keep(block, (), seed=1, counts=True)

    def tonight(self, *slower: str, suite: HistoryRatio = SAME) -> NightRow:
        """The history's two nights; the second one is returned."""
        first = made_up.small(1)[0]
        assert first.build is not None
        rows = tuple(
            BenchmarkRow(benchmark=name, mean=1.0, last=SLOWER if name in slower else SAME)
            for name in SCRIPTS
        )
        second = replace(
            first,
            identity="tonight",
            when=first.when + timedelta(days=1),
            build=replace(first.build, key="k", commit=HEAD.commit),
            rows=rows,
            last=NightSuite(key="k", suite=suite),
        )
        self.history.add_nights([first, second])
        return second

    def measured(
        self, _context: Context, experiment: Experiment, _out: Path, *, needed: str
    ) -> tuple[Result, None]:
        """Stands for bench.run.run.measured."""
        assert needed == TONIGHT
        self.experiments.append(experiment)
        if self.error is not None:
            raise self.error
        result = parse_document(specimen())
        first = result.candidates[0]
        arm = replace(
            first,
            name=TONIGHT,
            comparisons=tuple(
                comparison(RATIOS.get(said, 1.0), said, benchmark=name, blocks=17)
                for name, said in self.verdicts.items()
            ),
            suite=suite(RATIOS.get(self.suite, 1.0), self.suite, blocks=17),
            **_built_as(first, "new"),
        )
        base = replace(result.base, **_built_as(result.base, "old"))
        return replace(result, base=base, candidates=(arm,)), None

    def findings(self, night: NightRow) -> tuple[dict[str, ConfirmedFinding], tuple[str, ...]]:
        again = Confirmation(
            context=Context(
                home=home_at(self.folder / "home"),
                project=self.folder,
                runner=RecordingRunner(no_command),
                show=Show(stream=self.stream),
            ),
            config=self.config,
            history=self.history,
            folder=self.folder,
        )
        findings, builds = again.findings(night, TASK, self.config.branches[0], Flavor(), OLD)
        return {one.benchmark: one for one in findings}, builds

    def alarms(self) -> dict[str, str]:
        with self.history.connect() as connection:
            line = reading.LineKey(host=made_up.HOST, branch="main", flavor="plain")
            return {one.benchmark: one.state for one in reading.alarms(connection, line)}


RATIOS = {"slower": 1.2, "faster": 0.8}


def _built_as(arm: ArmResult, key: str) -> dict[str, Any]:
    """The arm's build under another key."""
    assert arm.build is not None
    return {"build": replace(arm.build, key=key), "replicas": ()}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with History.open(tmp_path / "history.sqlite") as history:
        made = Place(tmp_path, history)
        monkeypatch.setattr(confirm.run, "measured", made.measured)
        yield made


def test_without_a_suspicion_nothing_is_measured(place: Place) -> None:
    assert place.findings(place.tonight()) == ({}, ())
    assert place.experiments == []
    assert place.alarms() == {}


def test_what_is_suspicious_is_measured_in_one_session_against_the_old_revision(
    place: Place,
) -> None:
    place.verdicts = {"bm_001": "slower", "bm_002": "equivalent"}
    findings, builds = place.findings(place.tonight("bm_001", "bm_002"))
    (experiment,) = place.experiments
    assert experiment.base.revision == OLD.commit
    (candidate,) = experiment.candidates
    assert (candidate.name, candidate.revision) == (TONIGHT, HEAD.commit)
    assert experiment.suite == ("second",)  # the one script that makes both
    assert experiment.session.blocks == 17
    assert {name: one.state for name, one in findings.items()} == {
        "bm_001": CONFIRMED,
        "bm_002": DISMISSED,
    }
    assert builds == ("old", "new")
    assert findings["bm_001"].folder.startswith("2026-11-02/main-plain-again-aaaaaaaaaaaa")
    assert place.alarms() == {"bm_001": models.CONFIRMED, "bm_002": models.DISMISSED}
    assert "measured again against aaaaaaaaaaaa: bm_001, bm_002" in " ".join(
        place.stream.getvalue().split()
    )


def test_a_session_that_fails_leaves_it_undecided_with_the_reason(place: Place) -> None:
    place.error = BuildError("make failed.")
    findings, builds = place.findings(place.tonight("bm_000"))
    assert (findings["bm_000"].state, findings["bm_000"].reason) == (UNDECIDED, "make failed.")
    assert (findings["bm_000"].folder, builds) == ("", ())
    assert place.alarms() == {"bm_000": models.SUSPECTED}


def test_a_change_of_the_suite_is_carried_by_the_benchmarks_that_show_it(place: Place) -> None:
    place.suite = "slower"
    place.verdicts = {"bm_000": "slower", "bm_001": "equivalent", "unknown": "slower"}
    findings, _builds = place.findings(place.tonight(suite=SLOWER))
    assert place.experiments[0].suite == ("all",)
    assert {name: one.state for name, one in findings.items()} == {
        SUITE: CONFIRMED,
        "bm_000": CONFIRMED,
    }
    # The suite is no benchmark of the history.
    assert place.alarms() == {"bm_000": models.CONFIRMED}


def test_a_benchmark_whose_script_is_not_known_is_measured_with_all(place: Place) -> None:
    night = place.tonight("bm_000")
    for block in (place.folder / TASK.folder / "raw" / "blocks").glob("*-bm_000/block.json"):
        block.unlink()
    place.findings(night)
    assert place.experiments[0].suite == ("all",)


def test_in_the_first_night_there_is_no_session_to_suspect(place: Place) -> None:
    night = place.tonight("bm_000")
    again = Confirmation(
        context=Context(
            home=home_at(place.folder / "home"),
            project=place.folder,
            runner=RecordingRunner(no_command),
            show=Show(quiet=True),
        ),
        config=place.config,
        history=place.history,
        folder=place.folder,
    )
    assert again.findings(night, TASK, place.config.branches[0], Flavor(), None) == ((), ())
