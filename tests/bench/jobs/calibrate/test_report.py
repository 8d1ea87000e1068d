from __future__ import annotations

import io
import re

from rich.console import Console

from bench.jobs.calibrate import report
from bench.measure.choice import Calibration
from tests.bench.measure.test_choice import calibration
from tests.bench.measure.test_ranking import samples, task


def shown(made: Calibration) -> str:
    stream = io.StringIO()
    report.show(made, Console(file=stream, width=140, highlight=False))
    return stream.getvalue()


def test_every_protocol_of_every_class_and_which_are_chosen() -> None:
    lines = [re.sub(r" {2,}", " | ", line.rstrip()) for line in shown(calibration()).splitlines()]
    assert lines[1:] == [
        "short | sequential | 1 | 10 | 5.00% (3.49% to 8.77%) | 1.0 s | 0.65% | not measured",
        " | lockstep | 1 | 10 | 2.00% (1.40% to 3.51%) | 1.0 s | 0.26% | not measured",
        " | corun | 1 | 10 | 1.00% (0.70% to 1.75%) | 1.0 s | 0.13% | not measured | * chosen",
        "processes | sequential | 1 | 10 | 3.00% (2.10% to 5.26%) | 1.0 s | 0.39% | not measured",
        " | lockstep | 1 | 10 | 2.00% (1.40% to 3.51%) | 1.0 s | 0.26% | not measured | * chosen",
        " | corun | none",
        "calibrated 2026-11-24 on this host: corun for short, lockstep for processes",
        "the base against itself: called different in 0 of 2 comparisons (a rate of at most 84.2%, "
        "exact 95% interval)",
        "few blocks: only 10 of some protocol and class, of the 20 needed",
        "blocks side by side: 1 (not tried)",
        "corun cannot measure class processes: it starts processes, whose CPU time is not "
        "counted",
    ]  # fmt: skip


def test_the_bias_has_its_interval() -> None:
    known = samples("lockstep", known=True, bias=0.004, spread=0.001)
    text = shown(calibration(tasks={"nbody": task()}, samples=(*samples("lockstep"), *known)))
    assert "+0.40% (+0.33% to +0.48%)" in text


def test_enough_blocks_are_not_remarked_on() -> None:
    text = shown(calibration(samples=tuple(samples("lockstep", blocks=report.ENOUGH))))
    assert "few blocks" not in text


def test_hostile_text_does_nothing() -> None:
    missing = {"[red]x": "one\ntwo\x1b[2J"}
    text = shown(calibration(missing=missing))
    assert "missing: [red]x: one two?[2J\n" in text
