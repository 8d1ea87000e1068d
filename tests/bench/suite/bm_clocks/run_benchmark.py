"""Times by the clock, and in the way, that the module `condition` names."""

import time
from collections.abc import Callable
from time import perf_counter

import condition
import pyperf
from pyperf import perf_counter as pyperfs_own

PAUSE = 0.002


def asleep(clock: Callable[[], float], loops: int) -> float:
    begin = clock()
    for _ in range(loops):
        time.sleep(PAUSE)
    return clock() - begin


def prepared(loops: int) -> float:
    sum(range(200000))
    begin = time.perf_counter()
    for _ in range(loops):
        sum(range(100))
    return time.perf_counter() - begin


def muddled(loops: int) -> float:
    time.perf_counter()
    return asleep(time.time, loops)


def hasty(loops: int) -> float:
    return sum(-(time.perf_counter() - time.perf_counter()) for _ in range(100 * loops))


WAYS = {
    "attribute": lambda loops: asleep(time.perf_counter, loops),
    "imported": lambda loops: asleep(perf_counter, loops),
    "pyperf": lambda loops: asleep(pyperf.perf_counter, loops),
    "pyperf imported": lambda loops: asleep(pyperfs_own, loops),
    "nanoseconds": lambda loops: asleep(time.perf_counter_ns, loops) * 1e-9,
    "wall": lambda loops: asleep(time.time, loops),
    "monotonic": lambda loops: asleep(time.monotonic, loops),
    "muddled": muddled,
    "hasty": hasty,
    "prepared": prepared,
}


if __name__ == "__main__":
    pyperf.Runner().bench_time_func("clocks", WAYS[condition.WHAT])
