"""The two figures that detection promises: small here, in full when slow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.stats.change_points import SETTINGS
from bench.validation.change_points import (
    CORRELATED,
    FOUND,
    HEAVY,
    NIGHTS_AN_ALARM,
    NORMAL,
    SPIKES,
    false_alarms,
    steps,
    study,
)


def test_false_alarms_are_rare_and_bounded() -> None:
    quiet = false_alarms(NORMAL, series=20, nights=300, seed=1)
    assert quiet.nights == 20 * (300 - 24)
    assert quiet.rate < quiet.upper < 1 / 400
    loud = replace(SETTINGS, threshold=2.0)
    assert false_alarms(NORMAL, series=10, nights=300, seed=1, settings=loud).rate > 1 / 400


def test_steps_are_found_and_more_of_them_with_a_longer_reference() -> None:
    detection = steps(250, tries=80, seed=1)
    assert detection.lower < detection.share
    assert detection.share > 0.8
    assert steps(250, tries=40, seed=1, step=0.0).share < 0.1
    assert steps(30, tries=40, seed=1).share < detection.share


@pytest.mark.big
def test_the_promises_are_kept() -> None:
    whole = study(series=2000, tries=4000, references=(250,))
    for noise in (NORMAL, SPIKES):
        assert whole.alarms[noise].upper < 1 / NIGHTS_AN_ALARM
    assert whole.alarms[HEAVY].upper < 1 / 2500
    assert whole.alarms[CORRELATED].rate > whole.alarms[NORMAL].rate
    assert whole.found[250].lower > FOUND
