"""The first study in small, on made-up recordings."""

from __future__ import annotations

import numpy as np

from bench.validation import recorded
from bench.validation.findings import FALSE, HPT, OURS, POWER, PYPERF, WELCH, StudyFinding
from bench.validation.recordings import Processes


def recording(seed: int, benchmarks: int = 6, count: int = 20) -> dict[str, Processes]:
    rng = np.random.default_rng(seed)
    means = np.exp(rng.normal(0, 0.01, (benchmarks, count, 1)))
    values = means * np.exp(rng.normal(0, 0.003, (benchmarks, count, 3)))
    return {
        f"b{number}": tuple(tuple(process) for process in benchmark)
        for number, benchmark in enumerate(values.tolist())
    }


def test_pyperf_calls_halves_different_and_patchbench_hardly_does() -> None:
    steps = []
    part = recorded.study(
        {"x": recording(1), "y": recording(2)},
        comparisons=240,
        seed=1,
        step=lambda: steps.append(1),
    )
    assert len(steps) == 2 * recorded.splits_needed({"x": recording(1), "y": recording(2)}, 240)
    findings = {(finding.condition, finding.procedure): finding for finding in part.findings}

    def of(level: str, procedure: str, what: str = "halves alike") -> StudyFinding:
        return findings[f"all 2 files, {what}, {level}", procedure]

    ours = of("each benchmark", OURS)
    assert ours.of == 240
    assert ours.figure < 0.1
    assert ours.most == 0.055
    assert of("each benchmark", PYPERF).figure > 0.15
    slower = "one half x 1.03"
    assert of("each benchmark", OURS, slower).figure > 0.9
    assert of("each benchmark", OURS, slower).least == of("each benchmark", WELCH, slower).figure
    assert of("the whole suite", OURS, slower).figure == 1
    assert of("the whole suite", HPT).of == 40
    assert {finding.quantity for finding in part.findings} == {FALSE, POWER}
    # Only what is of all files stands in the summary.
    assert {finding.condition[:11] for finding in part.findings if finding.headline} == {
        "all 2 files"
    }


def test_a_file_gives_the_same_whatever_stands_beside_it() -> None:
    alone = recorded.study({"x": recording(1)}, comparisons=18, seed=1)
    beside = recorded.study({"x": recording(1), "y": recording(2)}, comparisons=36, seed=1)
    counts = [(finding.procedure, finding.hits, finding.of) for finding in alone.findings]
    others = [
        (finding.procedure, finding.hits, finding.of)
        for finding in beside.findings
        if finding.condition.startswith("x,")
    ]
    assert counts == others
    assert counts != [
        (finding.procedure, finding.hits, finding.of)
        for finding in recorded.study({"x": recording(1)}, comparisons=18, seed=2).findings
    ]


def test_studies_of_several_folders_are_one() -> None:
    parts = [recorded.study({name: recording(1)}, comparisons=12, seed=1) for name in "xy"]
    whole = recorded.together(parts)
    assert len(whole.findings) == sum(len(part.findings) for part in parts)
    assert len(set(whole.setup)) == len(whole.setup)
