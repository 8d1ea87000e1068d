"""One task, as simple as can be."""

import pyperf


def work() -> int:
    return sum(range(2000))


if __name__ == "__main__":
    pyperf.Runner().bench_func("tiny", work)
