"""Runs at the same time: they share a store, and never the host while one of them measures."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import itertools
import os
import signal
from pathlib import Path

import pytest

from tests import pipeline
from tests.builder.locks.workers import USERS, needs_root, shared_folder
from tests.pipeline import Ground, Running

pytestmark = pytest.mark.slow


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return pipeline.lay_out(tmp_path, blocks=2)


def test_two_runs_share_one_store(ground: Ground) -> None:
    other = dataclasses.replace(ground, out=ground.root / "other")
    with pipeline.start(ground, ground.arguments()) as first:
        assert first.comes_to("configure")
        with pipeline.start(other, other.arguments()) as second:
            codes = (first.end(), second.end())

    assert codes == (0, 0), first.said + second.said
    configured = ground.configured.read_text().splitlines()
    assert len(configured) == len(set(configured)) == 2
    assert "which makes the same build since" in second.said
    ours, theirs = pipeline.outcome(ground), pipeline.outcome(other)
    for one in (ours, theirs):
        del one["result"]["commands"]  # they name the folder
    assert ours == theirs
    pipeline.check_whole(ground, ours)
    pipeline.check_whole(other, ours)
    _check_apart(_timing(first), _timing(second))


def test_two_runs_of_one_results_folder_are_one_run(ground: Ground) -> None:
    with pipeline.start(ground, ground.arguments()) as first:
        assert first.comes_to("export")
        with pipeline.start(ground, ground.arguments()) as second:
            assert second.says("which writes to the same results folder since")
            codes = (first.end(), second.end())

    assert codes == (0, 0), first.said + second.said
    assert [stage for stage, _, _ in second.stages] == ["resolve", "plan"]
    assert second.output == first.output
    pipeline.check_whole(ground, pipeline.outcome(ground))


def test_a_second_one_goes_on_when_the_first_is_killed(ground: Ground) -> None:
    with pipeline.start(ground, ground.arguments()) as first:
        assert first.comes_to("make")
        with pipeline.start(ground, ground.arguments()) as second:
            assert second.says("which writes to the same results folder since")
            first.process.kill()
            first.end()
            assert second.end() == 0, second.said

    outcome = pipeline.outcome(ground)
    pipeline.check_whole(ground, outcome)
    assert len(outcome["blocks"]) == 6


def test_builds_wait_while_another_run_measures(ground: Ground) -> None:
    elsewhere = dataclasses.replace(ground, home=ground.root / "elsewhere")
    build = ["--home", str(elsewhere.home), "build", str(ground.experiment)]
    with pipeline.start(ground, ground.arguments()) as measuring:
        assert measuring.comes_to("block")
        assert not _is_free(ground)
        with pipeline.start(elsewhere, build) as building:
            assert building.says("which measures since")
            assert not (elsewhere.home / "work").exists()
            codes = (measuring.end(), building.end())

    assert codes == (0, 0), measuring.said + building.said
    began = next(time for stage, _, time in building.stages if stage == "export")
    assert building.began + began > _timing(measuring)[1]


def test_measuring_waits_while_another_run_builds(ground: Ground) -> None:
    elsewhere = dataclasses.replace(
        ground, home=ground.root / "elsewhere", out=ground.root / "there"
    )
    build = ["--home", str(elsewhere.home), "build", str(ground.experiment)]
    with pipeline.start(ground, ground.arguments()) as measuring:
        assert measuring.comes_to("environment")
        # Any holder will do: a build of an older version holds the same lock in the same mode.
        with ground.host_lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            assert measuring.says("is in no queue")
            assert "calibration" not in [stage for stage, _, _ in measuring.stages]
            with pipeline.start(elsewhere, build) as building:
                # Builds go side by side, but this one came after one who waits to measure.
                assert building.says("which is to be next and waits since")
                fcntl.flock(lock, fcntl.LOCK_UN)
                assert building.says("which measures since")
                codes = (measuring.end(), building.end())

    assert codes == (0, 0), measuring.said + building.said
    began = next(time for stage, _, time in building.stages if stage == "export")
    assert building.began + began > _timing(measuring)[1]


def test_an_interrupt_while_waiting_is_an_ending_like_any_other(ground: Ground) -> None:
    with pipeline.start(ground, ground.arguments()) as first:
        assert first.comes_to("configure")
        with pipeline.start(ground, ground.arguments()) as second:
            assert second.says("which writes to the same results folder since")
            second.process.send_signal(signal.SIGINT)
            assert second.end() == 130, second.said
        assert first.end() == 0, first.said

    assert "Interrupted. Everything that was finished is kept." in second.said
    pipeline.check_whole(ground, pipeline.outcome(ground))


def test_nothing_that_a_run_uses_is_removed_from_under_it(ground: Ground) -> None:
    with pipeline.start(ground, ground.arguments()) as measuring:
        assert measuring.comes_to("keep")
        with pipeline.start(ground, ["--home", str(ground.home), "gc", "--all"]) as collecting:
            assert collecting.end() == 0, collecting.said
        assert measuring.end() == 0, measuring.said

    assert collecting.said.count("a run is using it; kept") == 2
    outcome = pipeline.outcome(ground)
    pipeline.check_whole(ground, outcome)
    assert len(outcome["blocks"]) == 6


@needs_root
def test_two_users_with_three_homes_share_the_host() -> None:
    """The first user's umask is 077: nobody is shut out, and no two of them measure together."""
    with shared_folder() as root, contextlib.ExitStack() as stack:
        # Made anew in there, and open to all: the source, and what the fake's configure counts.
        ground = pipeline.lay_out(root, blocks=2)
        (root / "tmp").mkdir()
        (root / "tmp").chmod(0o1777)
        ground.configured.touch()
        ground.configured.chmod(0o666)
        runs, builds = [], []
        for number, user in enumerate((USERS[0], USERS[0], USERS[1])):
            folder = root / f"{number}"
            folder.mkdir()
            os.chown(folder, user, user)
            own = dataclasses.replace(ground, home=folder / "home", out=folder / "out")
            build = ["--home", str(own.home), "build", str(own.experiment)]
            runs.append(stack.enter_context(pipeline.start(own, own.arguments(), *_as(user))))
            builds.append(stack.enter_context(pipeline.start(own, build, *_as(user))))
        for running in (*runs, *builds):
            assert running.end() == 0, running.said

        times = sorted(map(_timing, runs))
        for one, other in itertools.pairwise(times):
            _check_apart(one, other)
        assert len(ground.configured.read_text().splitlines()) == 6
        assert list((root / "host.lock.queue").iterdir()) == []


def _as(user: int) -> tuple[str, ...]:
    # The environment of the tests may be closed to others, so that one capability stays: to read.
    keep = "+dac_read_search"
    ids = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
    caps = (f"--inh-caps={keep}", f"--ambient-caps={keep}")
    return ("setpriv", *ids, *caps, "--", "sh", "-c", 'umask 077; exec "$@"', "sh")


def _is_free(ground: Ground) -> bool:
    """Whether a build could begin on this host."""
    descriptor = os.open(ground.host_lock, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _timing(running: Running) -> tuple[float, float]:
    """When a run began to measure, and when it kept its last block."""
    began = next(time for stage, _, time in running.stages if stage == "calibration")
    last = max(time for stage, _, time in running.stages if stage == "keep")
    return running.began + began, running.began + last


def _check_apart(one: tuple[float, float], other: tuple[float, float]) -> None:
    assert one[1] < other[0] or other[1] < one[0]
