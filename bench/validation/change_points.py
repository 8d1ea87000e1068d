"""`bench.stats.change_points`: false alarms without a change, and how soon a step is detected.

Pure. Both figures come with exact 95% bounds (Clopper and Pearson; for the rate, Poisson's, Garwood
1936): a claim is of the bound, not of the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.stats import SETTINGS, Settings, scan

Floats = npt.NDArray[np.float64]
# The targets of the detection.
NIGHTS_AN_ALARM = 3000
FOUND = 0.90
WITHIN = 7

NORMAL, HEAVY, SPIKES, CORRELATED = "normal", "heavy tails", "spikes", "correlated"
NOISES = (NORMAL, HEAVY, SPIKES, CORRELATED)
REFERENCES = (30, 60, 100, 250)


@dataclass(frozen=True, kw_only=True)
class FalseAlarms:
    """`alarms` in `nights` series-nights on which one could have been raised. `upper` is the upper
    end of the 95% interval of `rate`.
    """

    noise: str
    alarms: int
    nights: int
    upper: float

    @property
    def rate(self) -> float:
        """Alarms per series-night."""
        return self.alarms / self.nights


@dataclass(frozen=True, kw_only=True)
class StepDetection:
    """Steps after `reference` nights of the old level: `found` of `tries` were detected within
    WITHIN nights; `lower` is the lower end of the 95% interval of `share`.
    """

    reference: int
    found: int
    tries: int
    lower: float

    @property
    def share(self) -> float:
        """The part of the steps that was detected in time."""
        return self.found / self.tries


@dataclass(frozen=True, kw_only=True)
class Study:
    """False alarms by noise, and steps found by nights of reference."""

    alarms: Mapping[str, FalseAlarms]
    found: Mapping[int, StepDetection]


def study(
    *,
    series: int = 4000,
    nights: int = 750,
    tries: int = 10_000,
    references: tuple[int, ...] = REFERENCES,
    seed: int = 20_260,
    settings: Settings = SETTINGS,
    step: Callable[[], None] = lambda: None,
) -> Study:
    """The whole: with the defaults, 2.9 million series-nights of each noise.

    `step` is called after each noise and each reference.
    """
    alarms, detections = {}, {}
    for noise in NOISES:
        alarms[noise] = false_alarms(
            noise, series=series, nights=nights, seed=seed, settings=settings
        )
        step()
    for reference in references:
        detections[reference] = steps(reference, tries=tries, seed=seed + 1, settings=settings)
        step()
    return Study(alarms=alarms, found=detections)


def false_alarms(
    noise: str, *, series: int, nights: int, seed: int, settings: Settings = SETTINGS
) -> FalseAlarms:
    """Scan series without a change. Nights after an alarm count as well, although a new reference
    has to be built; those before the first possible alarm do not count.
    """
    rng = np.random.default_rng([seed, NOISES.index(noise)])
    alarms = sum(
        len(scan(np.exp(0.01 * quiet(noise, nights, rng)), settings=settings))
        for _ in range(series)
    )
    begin = settings.least_reference + min(settings.windows) - 1
    watched = series * (nights - begin)
    upper = float(special.gammaincinv(alarms + 1, 0.975)) / watched
    return FalseAlarms(noise=noise, alarms=alarms, nights=watched, upper=upper)


def steps(
    reference: int,
    *,
    tries: int,
    seed: int,
    step: float = 0.02,
    noise: float = 0.01,
    settings: Settings = SETTINGS,
) -> StepDetection:
    """Alternate steps up and down after `reference` quiet nights; detected is within WITHIN.

    An alarm before the step is a false one and does not count.
    """
    rng = np.random.default_rng([seed, reference])
    detected = 0
    for number in range(tries):
        logs = noise * quiet(NORMAL, reference + WITHIN, rng)
        logs[reference:] += np.log1p(step) * (1 if number % 2 else -1)
        changes = scan(np.exp(logs), settings=settings)
        detected += any(change.found >= reference for change in changes)
    lower = float(special.betaincinv(detected, tries - detected + 1, 0.025)) if detected else 0.0
    return StepDetection(reference=reference, found=detected, tries=tries, lower=lower)


def quiet(noise: str, nights: int, rng: np.random.Generator) -> Floats:
    """Nights of a benchmark that does not change, in units of its standard deviation.

    Heavy tails: Student's t with 5 degrees of freedom. Spikes: one night in a hundred is off by
    ten. Correlated: lag-1 correlation 0.2.
    """
    normal = rng.standard_normal(nights)
    if noise == HEAVY:
        return np.asarray(rng.standard_t(5, nights) * np.sqrt(3 / 5), dtype=np.float64)
    if noise == SPIKES:
        signs = rng.choice([-10.0, 10.0], nights)
        return np.asarray(normal + np.where(rng.random(nights) < 0.01, signs, 0), dtype=np.float64)
    if noise == CORRELATED:
        for night in range(1, nights):
            normal[night] = 0.2 * normal[night - 1] + np.sqrt(1 - 0.04) * normal[night]
    return normal
