"""What limits a result by its builds, its host and its procedure."""

from __future__ import annotations

import pytest

from bench.report import conditions
from tests.bench.report.test_objections import (
    BLOCK,
    Change,
    facts,
    host,
    objections,
    quiet,
    rows,
    session,
)
from tests.bench.results.given import given

DISTURBED = {"disturbed": 9, "measured_again": 7, "kept": 2}
PARTS = tuple(
    given(part)
    for part in (
        conditions.builds,
        conditions.disturbed,
        conditions.procedure,
        conditions.host,
    )
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            session(disturbance=DISTURBED),
            "during 9 of 9 blocks. Of these, 7 were measured again, 2 count",
        ),
        (
            lambda content: content.update(
                blocks=[BLOCK | {"state": {"steal": 0.1}}, BLOCK | {"state": {}}]
            ),
            "took 10% of the CPU time away",
        ),
        (session(false_calls=None), "this host was not calibrated"),
        (
            session(false_calls={"called": 0, "of": 2, "upper": 0.842, "origin": "x"}),
            "is known only roughly: 0 of 2, so at most 84%.",
        ),
        (facts(pgo=False), "Built without PGO: fast-paths."),
        (facts(indirect_jumps=3), "in spite of computed gotos: fast-paths (3)."),
        (facts(pgo=None), "Whether PGO is in effect is unknown: fast-paths."),
        (
            facts(dispatch="merged gotos", indirect_jumps=5, handlers=119),
            "in spite of computed gotos: fast-paths (5).",
        ),
        (
            facts(dispatch="unknown", computed_gotos=None),
            "evaluation function dispatches is unknown: fast-paths.",
        ),
        (
            # Of a clang build, as older versions read it.
            facts(compiler="clang version 19", computed_gotos=False),
            "evaluation function dispatches is unknown: fast-paths.",
        ),
        (facts(compiler="clang"), "Not all arms were built by the same compiler."),
        (host(hypervisor="KVM"), "Host: virtual machine (KVM)"),
        (host(quota=1.5), "The control group grants 1.5 CPUs"),
        (host(turbo=True), "turbo on"),
        (host(turbo=None), "turbo unknown"),
        (host(governor="powersave"), "frequency governor powersave"),
        (host(smt=True), "SMT on"),
        (host(aslr=2), "ASLR on"),
    ],
)
def test_each_condition_is_told_once(change: Change, expected: str) -> None:
    content = quiet()
    before = [one.text for part in PARTS for one in part(content)]
    change(content)
    after = [one.text for part in PARTS for one in part(content)]
    assert not any(expected in text for text in before)
    assert [expected in text for text in after].count(True) == 1
    assert sum(expected in text for text in objections(content)) == 1


@pytest.mark.parametrize(
    "of_facts",
    [
        {"dispatch": "tail calls", "computed_gotos": False, "indirect_jumps": 4, "handlers": 5},
        {"dispatch": "computed gotos", "indirect_jumps": 5, "handlers": 6},
        {"dispatch": "switch", "computed_gotos": False, "indirect_jumps": 1},
    ],
)
def test_few_jumps_are_no_objection_by_themselves(of_facts: dict[str, object]) -> None:
    content = quiet()
    facts(**of_facts)(content)
    assert not list(given(conditions.builds)(content))


@pytest.mark.parametrize(("count", "place"), [(2, -2), (100, 0)])
def test_many_disturbed_blocks_weigh_more_than_few(count: int, place: int) -> None:
    content = quiet()
    content["blocks"] = [BLOCK | {"state": {}, "number": number} for number in range(100)]
    session(disturbance={"disturbed": count, "measured_again": 0, "kept": count})(content)
    rows(verdict="undecided")(content)
    text = f"Something else used the host too much during {count} of 100 blocks."
    assert objections(content)[place].startswith(text)
    assert sum("used the host too much" in one for one in objections(content)) == 1


def test_names_are_cut_with_the_number_of_the_rest() -> None:
    names = [f"b{number}" for number in range(155)]
    assert conditions.listed(names[:12]) == ", ".join(names[:12])
    assert conditions.listed(names).endswith("b11 and 143 more")
