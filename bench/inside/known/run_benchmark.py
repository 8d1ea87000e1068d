"""Work that comes in small equal pieces, one a loop, so that 2% more loops are 2% more work.

Two benchmarks: one that only computes, a little of everything that programs do, and one that mostly
waits. Standard library and pyperf alone, Python 2.7 and 3.x.
"""

from __future__ import absolute_import

import itertools
import time

import pyperf

# As short as the kernel's timer keeps well; a server that answers a request waits about as long.
_NAP = 0.0005


class _Counter(object):
    def __init__(self):
        self.seen = {}

    def add(self, word, much):
        self.seen[word] = self.seen.get(word, 0) + much
        return self.seen[word]


def _piece(words, numbers):
    counter = _Counter()
    total = 0.0
    for index, word in enumerate(words):
        total += counter.add(word, numbers[index]) * 0.5
    text = "-".join(word for word in words if word in counter.seen)
    return total, sorted(numbers), text.upper()


def compute(loops):
    """`loops` pieces of computing, some tens of microseconds each; the seconds that they took."""
    words = ["word%d" % (number % 17) for number in range(40)]
    numbers = [(number * 7919) % 101 for number in range(40)]
    pieces = itertools.repeat(None, loops)
    began = pyperf.perf_counter()
    for _piece_number in pieces:
        _piece(words, numbers)
    return pyperf.perf_counter() - began


def wait(loops):
    """`loops` naps with a little work after each; the seconds that they took."""
    words = ["word%d" % number for number in range(5)]
    pieces = itertools.repeat(None, loops)
    began = pyperf.perf_counter()
    for _piece_number in pieces:
        time.sleep(_NAP)
        _piece(words, range(5))
    return pyperf.perf_counter() - began


if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.bench_time_func("known_work", compute)
    runner.bench_time_func("known_wait", wait)
