"""Takes as long as the fake's loop says, by a clock of its own: nothing waits.

The times are hours: calibration takes the share of a call's time that the process waited for the
core from its value. That of a busy machine must not make such a value too short for one loop.
"""

import os
import random

import pyperf


def spend(loops):
    return loops * 5e4 * float(os.environ["FAKE_SPEED"]) * random.gauss(1, 0.001)


if __name__ == "__main__":
    pyperf.Runner().bench_time_func("fast", spend)
