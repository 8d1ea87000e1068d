"""Two tasks; in the second one, the module `condition` decides."""

import os
import signal
import time

import condition
import pyperf


def work() -> int:
    return sum(range(500))


def sick() -> int:
    if condition.WHAT == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if condition.WHAT == "hang":
        time.sleep(600)
    return work()


if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.bench_func("halfway_well", work)
    runner.bench_func("halfway_sick", sick)
