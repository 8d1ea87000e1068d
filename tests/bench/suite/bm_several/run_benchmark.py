"""Three tasks of different kinds, one with inner loops, and an option that is needed."""

import time

import pyperf


def timed(loops: int) -> float:
    begin = time.perf_counter()
    for _ in range(loops):
        sum(range(500))
        sum(range(500))
    return time.perf_counter() - begin


if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.argparser.add_argument("flavor", choices=["sweet"])
    runner.parse_args()
    runner.bench_func("several_func", lambda: sum(range(1000)))
    runner.bench_time_func("several_timed", timed, inner_loops=2)
    runner.timeit("several_timeit", "sum(range(1000))")
