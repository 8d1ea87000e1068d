"""The command `study`: the request of each study, and which options belong to which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.jobs.study.study import StudyRequest
from builder.errors import UsageError
from tests.bench.cli.commands.conftest import StandIn

PACKAGE = "bench.jobs.study"
JOBS = {
    "recorded": f"{PACKAGE}.study.of_recorded",
    "simulated": f"{PACKAGE}.study.of_simulated",
    "real": f"{PACKAGE}.study.of_real",
    "page": f"{PACKAGE}.study.write_page",
    "record": f"{PACKAGE}.record.record",
    "variants": f"{PACKAGE}.variants.study",
    "change-points": f"{PACKAGE}.change_points.study",
}


@pytest.fixture
def jobs(stand_in: Callable[..., StandIn]) -> dict[str, StandIn]:
    return {name: stand_in(place) for name, place in JOBS.items()}


@pytest.mark.parametrize("name", JOBS)
def test_each_study_is_its_own_job(
    name: str, jobs: dict[str, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench("study", name, "--out", "o") == 0
    assert [each for each, job in jobs.items() if job.calls] == [name]


def test_the_shared_request(jobs: dict[str, StandIn], patchbench: Callable[..., int]) -> None:
    assert patchbench("study", "simulated") == 0
    assert jobs["simulated"].request == StudyRequest(out=None, small=False, seed=1)
    line = "study recorded --small --seed 0 --out o --data d"
    assert patchbench(*line.split()) == 0
    assert jobs["recorded"].only == (
        (StudyRequest(out=Path("o"), small=True, seed=0),),
        {"data": Path("d")},
    )


def test_the_request_of_real_measurements(
    jobs: dict[str, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench("study", "real") == 0
    (_request, real), _named = jobs["real"].only
    assert (real.out, real.base, real.words) == (Path("results/study"), "", ())
    assert (real.pairs, real.comparisons, real.seed) == (3, 300, 1)
    jobs["real"].calls.clear()
    # None of either is a wish, and not the default.
    line = (
        "study real --pairs 0 --comparisons 0 --seed 0 --base b --source s --benchmarks x,y "
        "--wheels w --results r --slowdown d --out o"
    )
    assert patchbench(*line.split()) == 0
    (request, real), _named = jobs["real"].only
    assert request.out == Path("o")
    assert (real.out, real.slowdown) == (Path("r"), Path("d"))
    assert (real.pairs, real.comparisons, real.seed) == (0, 0, 0)
    assert (real.base, real.source, real.words, real.wheels) == ("b", "s", ("x,y",), "w")


def test_the_request_of_a_recording(
    jobs: dict[str, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench("study", "record", "--out", "x.json.gz") == 0
    request = jobs["record"].request
    assert (request.out, request.processes, request.words) == (Path("x.json.gz"), 40, ())
    jobs["record"].calls.clear()
    assert patchbench("study", "record", "--out", "x.json.gz", "--processes", "4") == 0
    assert jobs["record"].request.processes == 4


def test_the_requests_of_variants_and_change_points(
    jobs: dict[str, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench("study", "variants", "--base", "2.7", "--out", "o") == 0
    (variants,), named = jobs["variants"].only
    assert (variants.base, variants.words, named) == ("2.7", (), {"out": Path("o")})
    assert patchbench("study", "change-points", "--small", "--seed", "4", "--json") == 0
    (points,), named = jobs["change-points"].only
    assert (points.out, points.small, points.seed) == (None, True, 4)
    assert named == {"as_json": True}


@pytest.mark.parametrize(
    "line",
    [
        "page --data x",
        "page --json",
        "page --small",
        "page --seed 1",
        "simulated --slowdown x",
        "simulated --processes 5",
        "recorded --base x",
        "recorded --wheels w",
        "record --out x --seed 1",
        "record --out x --pairs 1",
        "record",
        "record --out x --processes 3",
        "change-points --base 2.7",
        "variants --results r",
        "all",
        "",
    ],
)
def test_options_that_mean_nothing_are_refused(
    line: str,
    jobs: dict[str, StandIn],
    patchbench: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert patchbench("study", *line.split()) == UsageError.exit_code
    assert "study" in capsys.readouterr().err
    assert not any(job.calls for job in jobs.values())


def test_the_studies_that_have_the_option_are_named(
    jobs: dict[str, StandIn], patchbench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert patchbench("study", "page", "--small") == UsageError.exit_code
    message = capsys.readouterr().err
    assert "--small" in message
    for name in ("recorded", "simulated", "real", "change-points"):
        assert f"study {name}" in message
    assert "study variants" not in message
