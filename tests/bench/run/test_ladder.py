from __future__ import annotations

from typing import Any

import pytest

from bench.experiments.experiment import ArmRequest
from bench.run import ladder
from bench.session.record import SessionRecord
from builder.builds.recipe import Flavor
from builder.errors import UsageError
from builder.sources.provide import SourceSpec
from tests.bench.made_up import measured, record


def planned(**more: Any) -> ladder.Ladder:
    given: dict[str, Any] = {
        "revision": "2.7.18",
        "series": ["2.7/a", "2.7/b"],
        "runtime": "pypy2",
    }
    return ladder.plan(**(given | more))


def test_the_whole_ladder_has_the_chain_and_each_step_alone() -> None:
    ladder_rows = planned()

    assert [(rung.name, rung.arm, rung.on, rung.in_chain) for rung in ladder_rows.rungs] == [
        ("switch", "base", "", True),
        ("gotos", "gotos", "switch", True),
        ("pgo", "pgo", "gotos", True),
        ("lto", "lto", "pgo", True),
        ("series", "series", "lto", True),
        ("cython", "cython", "series", True),
        ("typed", "typed", "cython", True),
        ("pypy", "pypy", "typed", True),
        # PGO alone on computed gotos is in the chain already.
        ("pgo-alone", "pgo", "gotos", False),
        ("lto-alone", "lto-alone", "gotos", False),
        ("series-alone", "series-alone", "gotos", False),
    ]
    switch = Flavor(computed_gotos=False)
    assert ladder_rows.base == ArmRequest(name="base", revision="2.7.18", flavor=switch)
    both = Flavor(pgo=True, lto=True)
    stack = ("2.7/a", "2.7/b")
    assert ladder_rows.candidates == (
        ArmRequest(name="gotos"),
        ArmRequest(name="pgo", flavor=Flavor(pgo=True)),
        ArmRequest(name="lto", flavor=both),
        ArmRequest(name="series", flavor=both, series=stack),
        ArmRequest(name="cython", flavor=both, series=stack, variant="cython"),
        ArmRequest(name="typed", flavor=both, series=stack, variant="typed"),
        ArmRequest(name="pypy", runtime="pypy2"),
        ArmRequest(name="lto-alone", flavor=Flavor(lto=True)),
        ArmRequest(name="series-alone", series=stack),
    )


def test_all_arms_have_the_source() -> None:
    debian = SourceSpec(kind="debian")
    ladder_rows = planned(source=debian)
    assert {arm.source for arm in (ladder_rows.base, *ladder_rows.candidates)} == {debian}


def test_steps_can_be_left_out() -> None:
    ladder_rows = planned(steps=["cython", "gotos", "series"])
    assert [(rung.name, rung.arm, rung.on) for rung in ladder_rows.rungs] == [
        ("gotos", "base", ""),
        ("series", "series", "gotos"),
        ("cython", "cython", "series"),
        ("series-alone", "series", "gotos"),
    ]
    assert [arm.flavor for arm in ladder_rows.candidates if arm.name == "cython"] == [Flavor()]


def test_without_patches_or_runtime_the_ladder_is_shorter() -> None:
    ladder_rows = planned(series=[], runtime="")
    assert [rung.name for rung in ladder_rows.rungs if rung.in_chain] == [
        *("switch", "gotos", "pgo", "lto", "cython", "typed"),
    ]


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        (["gotos", "jit"], "no step 'jit'"),
        (["gotos"], "needs at least two steps"),
        (["cython", "typed"], "the first must be a build"),
    ],
)
def test_what_makes_no_ladder_is_refused(steps: list[str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        planned(steps=steps)


# -- what was measured ----------------------------------------------------------------------------


def session() -> SessionRecord:
    """Kernels a and b, benchmark c, which has no types; each step takes 10% of the time away."""
    names = ("gotos", "cython", "typed", "pypy")
    blocks = []
    for task in "abc":
        for number in range(6):
            one = record(task, number, 0.0, candidates=names)
            wobble = 1 + 0.001 * ((number * 7 + ord(task)) % 5)
            means = {name: 0.9**step * wobble for step, name in enumerate(names, 1)}
            if task == "c":
                del means["typed"]
            blocks.append(type(one)(**{**vars(one), "means": {"base": 1.0, **means}}))
    return measured(*blocks)


def rungs() -> tuple[ladder.LadderRung, ...]:
    return planned(steps=["switch", "gotos", "cython", "typed", "pypy"]).rungs


def test_each_group_has_its_rungs_with_what_they_add() -> None:
    groups = {"kernels": ["a", "b"], "pyperformance": ["c"]}
    ladder_rows = ladder.measured_rungs(rungs(), session(), groups, margin=0.01)

    kernels = [rung for rung in ladder_rows if rung["group"] == "kernels"]
    rest = [rung for rung in ladder_rows if rung["group"] == "pyperformance"]
    assert [rung["name"] for rung in kernels] == ["switch", "gotos", "cython", "typed", "pypy"]
    assert "ratio" not in kernels[0]
    assert [round(rung["ratio"], 2) for rung in kernels[1:]] == [0.9, 0.81, 0.73, 0.66]
    assert all(round(rung["step"]["ratio"], 2) == 0.9 for rung in kernels[1:])
    assert kernels[3]["cells"]["a"]["verdict"] == "faster"
    assert kernels[3]["tasks"] == ["a", "b"]
    # What has no types is measured against the last rung that it has.
    typed, pypy = rest[3:]
    assert typed["tasks"] == []
    assert "ratio" not in typed
    assert (pypy["on"], round(pypy["step"]["ratio"], 2)) == ("cython", 0.81)


def test_a_result_says_enough_to_compute_it_again() -> None:
    groups = {"kernels": ["a", "b"], "pyperformance": ["c"]}
    ladder_rows = ladder.measured_rungs(rungs(), session(), groups, margin=0.01)
    assert ladder.recomputed(ladder_rows, session(), 0.01) == ladder_rows


def test_a_group_without_benchmarks_has_no_ladder() -> None:
    ladder_rows = ladder.measured_rungs(
        rungs(), session(), {"kernels": ["a"], "rest": []}, margin=0.01
    )
    assert {rung["group"] for rung in ladder_rows} == {"kernels"}
