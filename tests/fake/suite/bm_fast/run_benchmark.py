"""Takes as long as the fake's loop says, by a clock of its own: nothing waits."""

import os
import random

import pyperf


def spend(loops):
    return loops * 0.05 * float(os.environ["FAKE_SPEED"]) * random.gauss(1, 0.001)


if __name__ == "__main__":
    pyperf.Runner().bench_time_func("fast", spend)
