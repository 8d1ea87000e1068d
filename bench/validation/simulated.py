"""The second study: simulated sessions with known true ratios, with the verdicts of the real code.

Two procedures measure on the same hosts: patchbench in blocks, with early looks until all is
decided (`bench.validation.play`), or with all blocks and no early look; and pyperf, all of the base
and then all of the candidate, with as many processes as patchbench has blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.compare import MARGIN
from bench.validation import pace, rates
from bench.validation.findings import Part, StudyFinding
from bench.validation.simulate import Load, Scenario

QUIET = "quiet host"
_FEW = Scenario(benchmarks=12)
# The hosts with a target for coverage; with replicas, as many blocks of each.
PROMISED: Mapping[str, Scenario] = {
    "drift of 3%": replace(_FEW, drift=0.03),
    "bursts (20% slower, 10% of the time)": replace(_FEW, burst_share=0.1),
    "skewed processes": replace(_FEW, skew=1.0),
    "builds differ by 1%, 3 replicas": replace(_FEW, build_spread=0.01, replicas=3, blocks=21),
}
HOSTS: Mapping[str, Scenario] = {
    QUIET: Scenario(),
    **PROMISED,
    "killed and resumed 3 times": replace(_FEW, kills=3, drift=0.03),
    "under load, marked by the host watch or not": replace(_FEW, load=Load(), burst_share=0.1),
}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many sessions of each kind. `power`: benchmarks with an effect; `pace`: for each effect
    and host.
    """

    null: int = 10_000
    null_elsewhere: int = 2_000
    coverage: int = 2_000
    power: int = 1_000
    pace: int = 100
    peers: int = 500

    @property
    def total(self) -> int:
        """The number of all sessions, for progress."""
        hosts = len(HOSTS)
        return (
            self.null
            + (hosts - 1) * self.null_elsewhere
            + hosts * (self.coverage + self.peers)
            + sum(pace.sessions(scenario, self.power) for scenario in pace.FAMILIES.values())
            + len(pace.HOSTS) * len(pace.EFFECTS) * self.pace
        )


SMALL = Sizes(null=8, null_elsewhere=2, coverage=4, power=4, pace=1, peers=2)


def study(sizes: Sizes, *, seed: int, step: Callable[[], None] = lambda: None) -> Part:
    """Run all simulations; `step` is called after each session."""
    findings: list[StudyFinding] = []
    for number, (name, scenario) in enumerate(HOSTS.items()):
        looking, plain, theirs = np.random.default_rng([seed, number]).spawn(3)
        count = sizes.null if name == QUIET else sizes.null_elsewhere
        findings += rates.sequential(name, scenario, count, looking, step)
        findings += rates.fixed(
            name, scenario, sizes.coverage, plain, step, promised=name in PROMISED
        )
        findings += rates.of_peers(name, scenario, sizes.peers, theirs, step)
    findings += pace.power(sizes.power, np.random.default_rng([seed, 100]), step)
    for number, (name, scenario) in enumerate(pace.HOSTS.items()):
        rng = np.random.default_rng([seed, 200 + number])
        findings += pace.pace(name, scenario, sizes.pace, rng, step)
    return Part(name="simulated", setup=_setup(sizes, seed), findings=tuple(findings))


def _setup(sizes: Sizes, seed: int) -> tuple[str, ...]:
    return (
        "at most 20 blocks a benchmark (21 with 3 replicas), 0.7% between blocks, the arms of a "
        f"block one after the other but where it says so; margin {MARGIN:.0%}; seed {seed}",
        f"base against base, looking early: {sizes.null} sessions of 40 benchmarks on the quiet "
        f"host, {sizes.null_elsewhere} of 12 on each other",
        f"fixed blocks, 20 benchmarks, a true 2%: {sizes.coverage} sessions on each host",
        f"power: {sizes.power} benchmarks each; time to decision: {sizes.pace} sessions of 40 each",
        f"pyperf and bench_runner, which look at the end alone: {sizes.peers} pairs of runs on "
        "each host, processes of 3 values that scatter by 0.5% within the process, all of the "
        "base before the candidate",
    )
