"""The host: its facts, its state during measurements, and the checks of `doctor`."""

from bench.host import doctor
from bench.host.facts import Host, HostSampler, HostState, read_host
from bench.host.interference import MOST_AGAIN, busy_before, may_repeat, tally, why_disturbed

__all__ = [
    "MOST_AGAIN",
    "Host",
    "HostSampler",
    "HostState",
    "busy_before",
    "doctor",
    "may_repeat",
    "read_host",
    "tally",
    "why_disturbed",
]
