from __future__ import annotations

import json
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bench.host.facts import Host, read_host
from bench.measure import choice, protocols
from bench.measure.choice import Calibration, Choices, FalseCalls, add_aa, load, save
from bench.measure.trial import Task
from bench.stats.estimates import proportion_bounds
from builder.errors import StoreError
from builder.home import Home
from tests.bench.measure.test_ranking import all_protocols, samples, task


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", host_lock=tmp_path / "host.lock")


@pytest.fixture(scope="module")
def host() -> Host:
    return read_host()


def calibration(**changes: Any) -> Calibration:
    """Corun is best for short values, lockstep where a benchmark starts processes."""
    best = {"sequential": 0.05, "lockstep": 0.02, "corun": 0.01}
    spreads = [best[name] for name in protocols.PROTOCOLS]
    start = task("start", children=True)
    made = Calibration(
        when="2026-11-24",
        base="3.13.5 plain",
        seed=7,
        blocks=10,
        tasks={"nbody": task(), "start": start},
        samples=(
            *all_protocols(spreads),
            *samples("sequential", "start", spread=0.03),
            *samples("lockstep", "start", spread=0.02),
        ),
    )
    return replace(made, **changes)


LONG, WAITING = task("pyflate", seconds=0.5), task("io", share=0.2)
STARTING = task("start", children=True)


# -- choices -------------------------------------------------------------------------------------


def test_a_calibrated_host_takes_the_winners_and_the_default_for_the_rest() -> None:
    choices = calibration().choices()
    told = "calibrated 2026-11-24 on this host: corun for short, lockstep for processes"
    assert choices.origin == told
    assert [choices.protocol(each_task) for each_task in (task(), STARTING, LONG, WAITING)] == [
        "corun", "lockstep", "lockstep", "lockstep",
    ]  # fmt: skip


@pytest.mark.parametrize("one", [STARTING, WAITING], ids=["starts processes", "waits"])
def test_auto_never_takes_a_protocol_that_refuses(one: Task) -> None:
    by_class = {"processes": "corun", "waits": "corun"}
    choices = replace(calibration().choices(), by_class=by_class)
    assert protocols.refuses("corun", one)
    assert choices.protocol(one) == "lockstep"


def test_a_protocol_that_is_named_is_taken_at_its_word() -> None:
    choices = Choices.fixed("corun")
    assert [choices.protocol(each_task) for each_task in (task(), LONG, STARTING)] == ["corun"] * 3
    assert choices.origin == "corun, named by the experiment"


def test_without_a_calibration_bare_metal_has_lockstep_and_that_is_told(host: Host) -> None:
    choices = Choices.uncalibrated(replace(host, hypervisor=""))
    assert {choices.protocol(each_task) for each_task in (task(), LONG, STARTING, WAITING)} == {
        "lockstep"
    }
    assert "not calibrated" in choices.origin


def test_without_a_calibration_a_guest_shares_a_core_where_that_is_possible(host: Host) -> None:
    choices = Choices.uncalibrated(replace(host, hypervisor="KVM"))
    assert {choices.protocol(each_task) for each_task in (task(), LONG)} == {"corun"}
    assert {choices.protocol(each_task) for each_task in (STARTING, WAITING)} == {choices.fallback}
    assert choices.fallback == "lockstep"
    assert "not calibrated" in choices.origin


def test_too_few_blocks_choose_nothing_and_that_is_told() -> None:
    few = calibration(samples=tuple(samples("corun", blocks=2) + samples("lockstep", blocks=2)))
    assert few.choices().by_class == {}
    assert few.choices().protocol(task()) == "lockstep"
    assert "too few blocks" in few.choices().origin


def test_what_an_experiment_says_decides(home: Home, host: Host) -> None:
    said: list[str] = []
    assert choice.choices("corun", home, host, said.append) == Choices.fixed("corun")
    assert choice.choices("auto", home, host, said.append) == Choices.uncalibrated(host)
    save(home, host, calibration())
    assert choice.choices("auto", home, host, said.append) == calibration().choices()
    assert said == []


# -- false calls ---------------------------------------------------------------------------------


def test_false_calls_are_those_of_the_protocols_in_use() -> None:
    off = [*samples("lockstep", "start", bias=0.3), *samples("sequential", "start", bias=0.1)]
    off += all_protocols([0.02, 0.02, 0.01])
    calls = calibration(samples=tuple(off)).false_calls
    assert (calls.called, calls.of) == (1, 2)
    assert calls.upper == proportion_bounds(1, 2)[1]
    assert calibration().false_calls == FalseCalls.counted(0, 2)


def test_nothing_compared_bounds_nothing() -> None:
    assert FalseCalls.counted(0, 0) == FalseCalls(called=0, of=0, upper=1.0)


def test_runs_add_to_the_tally_and_each_counts_once(home: Home, host: Host) -> None:
    save(home, host, calibration())
    add_aa(home, host, 1, 40, run="a")
    add_aa(home, host, 0, 30, run="b")
    add_aa(home, host, 2, 41, run="a")
    add_aa(home, host, 0, 5)
    add_aa(home, host, 0, 5)
    loaded = load(home, host)
    assert loaded is not None
    assert loaded.false_calls == FalseCalls.counted(2, 2 + 41 + 30 + 10)
    # Another calibration begins with what is known of this host already.
    save(home, host, calibration(when="2026-11-25"))
    again = load(home, host)
    assert again is not None
    assert again.false_calls == loaded.false_calls


def test_runs_that_add_at_the_same_time_lose_nothing(home: Home, host: Host) -> None:
    def add(name: str) -> None:
        for number in range(5):
            add_aa(home, host, 0, 1, run=f"{name}{number}")

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    save(home, host, calibration())
    loaded = load(home, host)
    assert loaded is not None
    assert loaded.later == (0, 20)


@pytest.mark.parametrize(("called", "of"), [(2, 1), (-1, 3)])
def test_a_tally_that_cannot_be(called: int, of: int, home: Home, host: Host) -> None:
    with pytest.raises(ValueError, match="no valid count"):
        add_aa(home, host, called, of)


# -- on the disk ---------------------------------------------------------------------------------


def test_what_is_saved_is_loaded(home: Home, host: Host) -> None:
    made = calibration(missing={"corun-same-x": "it crashed"}, side_by_side=3, tried="tried")
    path = save(home, host, made)
    assert load(home, host) == made
    data = json.loads(path.read_text())
    assert data["schema"] == choice.SCHEMA
    assert data["chosen"] == {"short": "corun", "processes": "lockstep"}
    assert data["false_calls"]["of"] == 2
    assert len(data["rows"]) == 6


def test_another_epoch_has_a_calibration_of_its_own(home: Home, host: Host) -> None:
    save(home, host, calibration())
    for fact, value in (("kernel", "1.0"), ("microcode", "0x0"), ("name", "x"), ("cpus", 99)):
        assert load(home, replace(host, **{fact: value})) is None
    # A guest may be given some other memory at each boot, and a library may be updated.
    assert load(home, replace(host, memory=1, libc="glibc 9")) is not None


def test_every_fact_of_the_epoch_is_one_of_the_host(host: Host) -> None:
    assert set(choice._EPOCH) <= set(asdict(host))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda data: data.update(schema=99), "schema is 99"),
        (lambda data: data.pop("tasks"), "tasks"),
        (lambda data: data.update(samples=3), "$.samples"),
        (lambda data: data["samples"][0].update(base=-1.0), "above 0"),
        (lambda data: data["samples"][0].update(base="x"), "str"),
        (lambda data: data["samples"][0].pop("seconds"), "`seconds` - at `$.samples[0]`"),
        (lambda data: data["tasks"].update(nbody=[]), "$.tasks[...]"),
    ],
)  # fmt: skip
def test_a_file_that_is_of_no_use_is_told_of(damage: Any, why: str, home: Home, host: Host) -> None:
    path = save(home, host, calibration())
    data = json.loads(path.read_text())
    damage(data)
    path.write_text(json.dumps(data))
    said: list[str] = []
    assert load(home, host, said.append) is None
    assert len(said) == 1
    assert why in said[0]
    assert str(path) in said[0]


@pytest.mark.parametrize("content", ["", "[]", "null", '{"schema": 1', "[" * 100000])
def test_a_file_that_is_no_json_of_ours_is_told_of(content: str, home: Home, host: Host) -> None:
    path = save(home, host, calibration())
    add_aa(home, host, 1, 2)
    tally = path.with_suffix(".aa.json")
    assert tally.exists()
    tally.write_text(content)
    said: list[str] = []
    loaded = load(home, host, said.append)
    assert loaded is not None
    assert loaded.later == (0, 0)
    path.write_text(content)
    assert load(home, host, said.append) is None
    assert len(said) == 2


def test_a_folder_that_cannot_be_written(home: Home, host: Host) -> None:
    home.root.mkdir()
    choice.folder(home).write_text("a file")
    with pytest.raises(StoreError):
        save(home, host, calibration())
    with pytest.raises(StoreError):
        add_aa(home, host, 0, 1)
