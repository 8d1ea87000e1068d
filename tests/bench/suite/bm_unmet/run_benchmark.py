"""Needs a package that nobody has."""

import pyperf
import tiny_dependency

if __name__ == "__main__":
    pyperf.Runner().bench_func("needs", tiny_dependency.nothing)
