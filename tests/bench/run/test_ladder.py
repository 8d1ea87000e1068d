from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.experiments.reading import Document, understand
from bench.run import ladder
from bench.session.record import SessionRecord
from builder.errors import UsageError
from tests.bench.made_up import measured, record

BASE = {"revision": "2.7.18"}


def planned(**more: Any) -> ladder.Ladder:
    given: dict[str, Any] = {
        "base": BASE,
        "series": ["2.7/a", "2.7/b"],
        "runtime": "pypy2",
        "suite": ["kernels", "quick"],
        "session": {"blocks": 5},
    }
    return ladder.plan(**(given | more))


def arms(found: ladder.Ladder) -> dict[str, dict[str, Any]]:
    return {one["name"]: {**one} for one in found.document["candidate"]}


def test_the_whole_ladder_has_the_chain_and_each_step_alone() -> None:
    found = planned()

    assert [(one.name, one.arm, one.on, one.in_chain) for one in found.rungs] == [
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
    assert found.document["base"] == {"flavor": {"computed_gotos": False}, "revision": "2.7.18"}
    both = {"pgo": True, "lto": True}
    stack = ["2.7/a", "2.7/b"]
    assert arms(found) == {
        "gotos": {"name": "gotos", "flavor": {}},
        "pgo": {"name": "pgo", "flavor": {"pgo": True}},
        "lto": {"name": "lto", "flavor": both},
        "series": {"name": "series", "flavor": both, "series": stack},
        "cython": {"name": "cython", "flavor": both, "series": stack, "variant": "cython"},
        "typed": {"name": "typed", "flavor": both, "series": stack, "variant": "typed"},
        "pypy": {"name": "pypy", "runtime": "pypy2"},
        "lto-alone": {"name": "lto-alone", "flavor": {"lto": True}},
        "series-alone": {"name": "series-alone", "flavor": {}, "series": stack},
    }


def test_its_document_is_an_experiment() -> None:
    document = Document(content=dict(planned().document), file="the ladder", folder=Path())
    found = understand(document)
    assert len(found.arms) == 10
    assert found.base.flavor.computed_gotos is False


def test_steps_can_be_left_out() -> None:
    found = planned(steps=["cython", "gotos", "series"])
    assert [(one.name, one.arm, one.on) for one in found.rungs] == [
        ("gotos", "base", ""),
        ("series", "series", "gotos"),
        ("cython", "cython", "series"),
        ("series-alone", "series", "gotos"),
    ]
    assert arms(found)["cython"]["flavor"] == {}


def test_without_patches_or_runtime_the_ladder_is_shorter() -> None:
    found = planned(series=[], runtime="")
    assert [one.name for one in found.rungs if one.in_chain] == [
        *("switch", "gotos", "pgo", "lto", "cython", "typed"),
    ]


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        (["gotos", "jit"], "no step 'jit'"),
        (["gotos"], "needs two steps"),
        (["cython", "typed"], "a build as the first"),
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
    found = ladder.climbed(rungs(), session(), groups, margin=0.01)

    kernels = [one for one in found if one["group"] == "kernels"]
    rest = [one for one in found if one["group"] == "pyperformance"]
    assert [one["name"] for one in kernels] == ["switch", "gotos", "cython", "typed", "pypy"]
    assert "ratio" not in kernels[0]
    assert [round(one["ratio"], 2) for one in kernels[1:]] == [0.9, 0.81, 0.73, 0.66]
    assert all(round(one["step"]["ratio"], 2) == 0.9 for one in kernels[1:])
    assert kernels[3]["cells"]["a"]["verdict"] == "faster"
    assert kernels[3]["tasks"] == ["a", "b"]
    # What has no types is measured against the last rung that it has.
    typed, pypy = rest[3:]
    assert typed["tasks"] == []
    assert "ratio" not in typed
    assert (pypy["on"], round(pypy["step"]["ratio"], 2)) == ("cython", 0.81)


def test_a_result_says_enough_to_compute_it_again() -> None:
    groups = {"kernels": ["a", "b"], "pyperformance": ["c"]}
    found = ladder.climbed(rungs(), session(), groups, margin=0.01)
    assert ladder.again(found, session(), 0.01) == found


def test_a_group_without_benchmarks_has_no_ladder() -> None:
    found = ladder.climbed(rungs(), session(), {"kernels": ["a"], "rest": []}, margin=0.01)
    assert {one["group"] for one in found} == {"kernels"}
