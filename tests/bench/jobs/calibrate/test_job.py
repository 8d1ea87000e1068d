"""`patchbench calibrate` on the fake CPython, with a real build and environment and simulated
blocks; one slow test uses real processes.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.benchmarks import suites
from bench.cli import main
from bench.host.facts import read_host
from bench.jobs.calibrate import job, side_by_side
from bench.measure import choice, protocols
from bench.measure.trial import BlockPlan, Trial
from bench.measure.worker import Rig
from builder.errors import MeasureError
from builder.files import is_locked
from builder.home import Home
from tests import fake, pipeline
from tests.bench.jobs.calibrate.test_measurement import TASKS, Pretend, _use
from tests.fake.repository import commit_tree

MANIFEST = pipeline.SUITE / "MANIFEST"


class Ground:
    """A home with the fake's build and environment, made once for this module."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = Home(root=root / "home", host_lock=root / "host.lock")
        self.repository = root / "fake.git"
        commit_tree(self.repository, fake.write_tree(root / "tree"))

    def run(self, *arguments: str) -> int:
        """Run `patchbench calibrate` with the fake's short benchmark."""
        where = ["--benchmarks", f"{MANIFEST},fast"] if "--benchmarks" not in arguments else []
        return main.main(["--home", str(self.home.root), "calibrate", *where, *arguments])

    @property
    def source(self) -> tuple[str, ...]:
        """The options that name the source of the fake."""
        return "--base", "main", "--source", str(self.repository)

    @property
    def work(self) -> Path:
        """The folder of the only unfinished calibration."""
        (folder,) = (choice.folder(self.home) / "work").iterdir()
        return folder

    @property
    def kept(self) -> list[Path]:
        """The blocks of unfinished calibrations."""
        return sorted((choice.folder(self.home) / "work").glob("*/blocks/*/block.json"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("calibrate"))


@pytest.fixture
def ground(made: Ground, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(made.home.host_lock))
    yield made
    signal.signal(signal.SIGTERM, handler)
    shutil.rmtree(choice.folder(made.home), ignore_errors=True)


@pytest.fixture
def pretend(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Pretend:
    monkeypatch.setitem(TASKS, "fast", TASKS["short"])
    return _use(Pretend(noise=0.01), monkeypatch)


def test_what_was_measured_is_stored_and_told(
    ground: Ground, pretend: Pretend, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ground.run(*ground.source, "--blocks", "6", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    loaded = choice.load(ground.home, read_host())
    assert loaded is not None
    assert printed == json.loads(json.dumps(loaded.to_json()))
    # The task against itself and with the known difference, and our two with only the latter;
    # corun refuses the one that waits.
    assert len(loaded.samples) == 6 * (3 * 3 + 2)
    assert set(loaded.tasks) == {"short", "known_work_short", "known_wait_waits"}
    assert (loaded.blocks, loaded.base, loaded.false_calls.of) == (6, "3.13.5 plain", 1)
    assert set(loaded.choices().by_class) == {"short", "waits"}
    assert ground.kept == []
    assert str(ground.root) not in json.dumps(printed)


def test_the_table(ground: Ground, pretend: Pretend, capsys: pytest.CaptureFixture[str]) -> None:
    assert ground.run(*ground.source, "--blocks", "6") == 0
    out, err = capsys.readouterr()
    assert "* chosen" in out
    assert "few blocks: only 6" in out
    assert "Calibrating with 3.13.5 plain" in err


def test_it_goes_on_where_it_was_stopped(
    ground: Ground, pretend: Pretend, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend.stops_after = 7
    assert ground.run(*ground.source, "--blocks", "3") == 130
    assert len(ground.kept) == 7
    assert choice.load(ground.home, read_host()) is None
    pretend.stops_after = float("inf")
    assert ground.run(*ground.source, "--blocks", "3") == 0
    assert len(pretend.blocks) == 33
    assert pretend.calibrated == ["fast", "known"]
    # What is finished is measured anew: hosts change.
    assert ground.run(*ground.source, "--blocks", "3") == 0
    assert len(pretend.blocks) == 2 * 33


def test_the_whole_host_is_held_while_measuring(
    ground: Ground, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    measure = pretend.measure

    def watched(protocol: str, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        held.append(is_locked(ground.home.host_lock))
        return measure(protocol, block, rig)

    monkeypatch.setattr(protocols, "measure", watched)
    assert ground.run(*ground.source, "--blocks", "2") == 0
    assert len(held) == 22
    assert all(held)
    assert not is_locked(ground.home.host_lock)


def test_the_base_is_the_build_that_was_used_last_or_the_one_that_is_named(
    ground: Ground, pretend: Pretend, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ground.run(*ground.source, "--blocks", "2") == 0
    (build,) = (ground.home.builds).iterdir()
    for base in ([], ["--base", build.name]):
        capsys.readouterr()
        assert ground.run(*base, "--blocks", "2") == 0
        assert f"Calibrating with 3.13.5 plain ({build.name})" in capsys.readouterr().err


def test_other_benchmarks_are_another_calibration(ground: Ground, pretend: Pretend) -> None:
    pretend.stops_after = 4
    assert ground.run(*ground.source, "--blocks", "2") == 130
    pretend.stops_after = float("inf")
    assert ground.run(*ground.source, "--blocks", "2", "--benchmarks", f"{MANIFEST},pair") == 8
    assert len(ground.kept) == 4
    assert ground.run(*ground.source, "--blocks", "2") == 0


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        (["--benchmarks", f"{MANIFEST},nothing"], (3, "no benchmark, tag or group 'nothing'")),
        (["--blocks", "1"], (2, "not a whole number from 2")),
        (["--budget", "soon"], (2, "not a time")),
        (["--base", "no-such-branch"], (4, "no-such-branch")),
        (["--base", ""], (2, "empty")),
    ],
)
def test_what_a_user_can_do_wrong(
    arguments: list[str],
    ends: tuple[int, str],
    ground: Ground,
    pretend: Pretend,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = ["--source", str(ground.repository)]
    base = [] if "--base" in arguments else ["--base", "main"]
    try:
        code = ground.run(*source, *base, *arguments)
    except SystemExit as error:
        code = int(str(error.code))
    assert code == ends[0]
    assert ends[1] in capsys.readouterr().err


def test_where_nothing_can_be_measured_that_is_said(
    ground: Ground, pretend: Pretend, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend.failing = lambda _protocol, _block: True
    assert ground.run(*ground.source, "--blocks", "2") == MeasureError.exit_code
    assert "corun-same-short: died" in capsys.readouterr().err
    assert choice.load(ground.home, read_host()) is None
    # The next calibration tries everything again.
    pretend.failing = lambda _protocol, _block: False
    assert ground.run(*ground.source, "--blocks", "2") == 0


@pytest.mark.parametrize(("content", "code"), [("", 9), ("{}", 9)], ids=["empty", "other"])
def test_rules_that_are_damaged_are_named(
    content: str,
    code: int,
    ground: Ground,
    pretend: Pretend,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend.stops_after = 1
    assert ground.run(*ground.source, "--blocks", "2") == 130
    path = ground.work / "rules.json"
    kept = path.read_text()
    path.write_text(content)
    pretend.stops_after = float("inf")
    assert ground.run(*ground.source, "--blocks", "2") == code
    assert "rules.json" in capsys.readouterr().err
    path.write_text(kept)
    assert ground.run(*ground.source, "--blocks", "2") == 0


def test_the_seed_is_kept(ground: Ground, pretend: Pretend) -> None:
    pretend.stops_after = 1
    assert ground.run(*ground.source, "--blocks", "2") == 130
    seed = json.loads((ground.work / "rules.json").read_text())["seed"]
    pretend.stops_after = float("inf")
    assert ground.run(*ground.source, "--blocks", "2") == 0
    calibration = choice.load(ground.home, read_host())
    assert calibration is not None
    assert calibration.seed == seed


def test_what_an_earlier_version_began_is_measured_again_and_that_is_said(
    ground: Ground, pretend: Pretend, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend.stops_after = 1
    assert ground.run(*ground.source, "--blocks", "2") == 130
    assert "earlier version" not in capsys.readouterr().err
    folder = ground.work
    shutil.rmtree(folder)
    (folder / "blocks").mkdir(parents=True)
    (folder / "seed.json").write_text('{"seed": 3}')
    (folder / "tasks.json").write_text('{"seconds": 1.0, "benchmarks": []}')
    (folder / "missing.json").write_text('{"corun-same-fast": "died"}')
    (folder / "blocks" / "0000-corun-same-fast.json").write_text("[]")
    pretend.stops_after = float("inf")
    assert ground.run(*ground.source, "--blocks", "2") == 0
    assert "begun by an earlier version of patchbench; it is" in capsys.readouterr().err
    calibration = choice.load(ground.home, read_host())
    assert calibration is not None
    assert calibration.missing == {}
    assert len(pretend.blocks) == 1 + 22


@pytest.mark.parametrize(("noise", "many"), [(0.0, 2), (0.1, 1)])
def test_side_by_side_where_cores_are_to_spare(
    noise: float, many: int, ground: Ground, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "LEAST_CPUS", 1)
    monkeypatch.setattr(side_by_side, "spare_cores", lambda _usable: (0, 0))
    measure = pretend.measure

    def crowded(protocol: str, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        pretend.noise = noise if "side" in str(rig.scratch.name) else 0.01
        return measure(protocol, block, rig)

    # Errors of 0.0 side by side do no harm; those of 0.1 do.
    monkeypatch.setattr(protocols, "measure", crowded)
    assert ground.run(*ground.source, "--blocks", "12") == 0
    loaded = choice.load(ground.home, read_host())
    assert loaded is not None
    assert loaded.side_by_side == many
    assert "2 blocks at a time" in loaded.tried
    assert ground.run(*ground.source, "--blocks", "2", "--budget", "1s") == 0
    again = choice.load(ground.home, read_host())
    assert again is not None
    assert (again.side_by_side, again.tried) == (
        1,
        "not tried: the budget went to the protocols",
    )


def test_every_class_has_benchmarks_in_either_release() -> None:
    modern = {benchmark.name for benchmark in suites.modern("3.13.5").benchmarks}
    assert set(job.BENCHMARKS) <= modern
    old = suites.listed("0.9.1", "2.7.18", home=Home(root=Path("x"), host_lock=Path("y")))
    names = {benchmark.name for benchmark in old.benchmarks}
    there = [name for name in job.BENCHMARKS if name in names]
    assert len(there) >= 10
    assert {"deltablue", "nbody", "raytrace", "python_startup_no_site"} <= set(there)


@pytest.mark.slow
def test_for_once_with_real_processes(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    assert ground.run(*ground.source, "--blocks", "5", "--json") == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert printed["chosen"]
    assert printed["missing"] == {} or all(name.startswith("corun") for name in printed["missing"])
    fake_errors = [
        abs(sample["other"] / sample["base"] - (1.02 if sample["known"] else 1.0))
        for sample in printed["samples"]
        if sample["task"] == "fast" and sample["protocol"] != "corun"
    ]
    # The fake has its own clock, which is exact to 0.1%.
    assert fake_errors
    assert max(fake_errors) < 0.01
