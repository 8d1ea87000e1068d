"""Two benchmarks of one script."""

import os
import random

import pyperf


def spend(loops):
    return loops * 7e4 * float(os.environ["FAKE_SPEED"]) * random.gauss(1, 0.001)


if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.bench_time_func("pair_one", spend)
    runner.bench_time_func("pair_two", spend)
