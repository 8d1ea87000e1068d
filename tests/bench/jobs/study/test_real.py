"""The study of real measurements: what is measured, what is kept, and when it ends."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.jobs.study import real
from bench.jobs.study.real import RealStudyRequest
from bench.measure import choice
from bench.run import base
from bench.util import documents
from bench.validation import CALM, LOADED, Alone, Part, ProcedureComparison, RealRow
from builder.errors import DataError
from tests.bench.results_folder import lay_out
from tests.golden.specimen import HOST

TITLE = "3.13.5 plain"


def rows(count: int, *, called: bool = False) -> tuple[RealRow, ...]:
    return tuple(
        RealRow(benchmark=f"b{number}", ratio=1.01, called=called, excludes=called)
        for number in range(count)
    )


PAIR = ProcedureComparison(theirs=rows(2), their_seconds=60.0, ours=rows(2), our_seconds=61.0)


def keep(folder: Path, name: str, value: ProcedureComparison | Alone) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / real.DONE).write_text(json.dumps(documents.dump(value)))


# -- reading what was measured -------------------------------------------------------------------


def test_what_is_there_is_read(tmp_path: Path) -> None:
    keep(tmp_path, "pair-1", PAIR)
    keep(tmp_path, "alone-0001", Alone(how=CALM, rows=rows(3)))
    keep(tmp_path, "alone-0002", Alone(how=LOADED, rows=rows(2, called=True)))
    (tmp_path / "alone-0003").mkdir()  # begun and not finished
    part = real.read(RealStudyRequest(out=tmp_path, blocks=9, seed=5), HOST, TITLE)

    assert part.name == "real"
    binary, pairs, alone, terms = part.setup
    assert TITLE in binary
    assert HOST.cpu in binary
    assert "KVM" in binary
    assert pairs.startswith("1 ")
    assert alone.startswith("2 ")
    assert "9 blocks" in alone
    assert "seed 5" in terms
    assert part.findings


def test_a_machine_of_its_own_is_no_guest(tmp_path: Path) -> None:
    host = replace(HOST, hypervisor="")
    assert "virtual" not in real.read(RealStudyRequest(out=tmp_path), host, TITLE).setup[0]


def test_a_known_slowdown_adds_findings(tmp_path: Path) -> None:
    lay_out(tmp_path / "slow", factor=1.1)
    keep(tmp_path, "pair-1", PAIR)
    request = RealStudyRequest(out=tmp_path)
    without = real.read(request, HOST, TITLE).findings
    with_one = real.read(replace(request, slowdown=tmp_path / "slow"), HOST, TITLE).findings
    assert len(with_one) > len(without)


@pytest.mark.parametrize("text", ["{", "[]", '{"how": "undisturbed"}'])
@pytest.mark.parametrize("name", ["pair-1", "alone-0001"])
def test_a_damaged_file_is_named(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / real.DONE).write_text(text)
    with pytest.raises(DataError) as caught:
        real.read(RealStudyRequest(out=tmp_path), HOST, TITLE)
    assert str(tmp_path / name / real.DONE) in caught.value.where


# -- measuring -----------------------------------------------------------------------------------

Measure = Callable[..., Part]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that something was measured for; each session alone gives three comparisons."""
    done: list[str] = []

    def pair(_job: Any, folder: Path) -> ProcedureComparison:
        done.append(folder.name)
        return PAIR

    def alone(_job: Any, number: int, folder: Path) -> Alone:
        assert folder.name == f"alone-{number:04d}"
        done.append(folder.name)
        return Alone(how=CALM, rows=rows(3))

    monkeypatch.setattr(real._Job, "_pair", pair)
    monkeypatch.setattr(real._Job, "_alone", alone)
    return done


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measure:
    """The study, where neither a build nor a session is made."""

    @contextlib.contextmanager
    def nothing(*_: object, **__: object) -> Iterator[Any]:
        yield SimpleNamespace(title=TITLE)

    prepared: list[tuple[str, ...]] = []

    def prepare(_context: object, _build: object, words: tuple[str, ...], **_: object) -> None:
        prepared.append(words)

    monkeypatch.setattr(real, "read_host", lambda: HOST)
    monkeypatch.setattr(base, "base_build", nothing)
    monkeypatch.setattr(base, "prepare", prepare)
    monkeypatch.setattr(base, "measuring", nothing)
    context: Any = SimpleNamespace(show=SimpleNamespace(say=lambda _text: None))

    def run(**request: Any) -> Part:
        part = real.measure(context, RealStudyRequest(out=tmp_path / "out", **request))
        assert prepared[-1] == (request.get("words") or real.BENCHMARKS)
        return part

    return run


def test_pairs_come_first_then_sessions_until_there_are_enough(
    measure: Measure, measured: list[str]
) -> None:
    part = measure(pairs=2, comparisons=7)
    assert measured == ["pair-1", "pair-2", "alone-0001", "alone-0002", "alone-0003"]
    assert part.setup[1].startswith("2 ")
    assert part.setup[2].startswith("3 ")


def test_what_was_measured_is_not_measured_again(
    measure: Measure, measured: list[str], tmp_path: Path
) -> None:
    first = measure(pairs=1, comparisons=4, words=("nbody",))
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob(real.DONE)}
    assert len(before) == 3
    measured.clear()
    assert measure(pairs=1, comparisons=4, words=("nbody",)) == first
    assert measured == []
    measure(pairs=2, comparisons=7)
    assert measured == ["pair-2", "alone-0003"]
    assert {path: path.read_bytes() for path in before} == before


def test_what_was_stopped_on_its_way_is_measured_again(
    measure: Measure, measured: list[str], tmp_path: Path
) -> None:
    (tmp_path / "out" / "pair-1").mkdir(parents=True)
    measure(pairs=1, comparisons=0)
    assert measured == ["pair-1"]


def test_sessions_without_a_comparison_end_the_study_as_well(
    measure: Measure, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real._Job, "_alone", lambda *_: Alone(how=CALM, rows=()))
    assert measure(pairs=0, comparisons=2).setup[2].startswith("2 ")


# -- the session's terms -------------------------------------------------------------------------


def test_every_session_has_a_seed_of_its_own_and_always_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    choices = SimpleNamespace(protocol="lockstep", fallback=None)
    monkeypatch.setattr(choice, "choices", lambda *_: choices)
    context: Any = SimpleNamespace(home=None, show=SimpleNamespace(say=None))

    def terms(salt: str, seed: int = 1) -> Any:
        request = RealStudyRequest(out=tmp_path, seed=seed, blocks=12)
        nothing: Any = None
        job = real._Job(context=context, request=request, ready=nothing, host=HOST, rig=nothing)
        return job._terms(salt)

    seeds = [terms("alone-0001").seed, terms("alone-0002").seed, terms("alone-0001", 2).seed]
    assert len(set(seeds)) == 3
    assert terms("alone-0001").seed == seeds[0]
    assert terms("alone-0001").blocks == 12
    assert terms("alone-0001").stop_when_decided
