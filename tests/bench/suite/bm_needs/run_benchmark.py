"""Needs a package."""

import pyperf
import tiny_dependency

if __name__ == "__main__":
    pyperf.Runner().bench_func("needs", tiny_dependency.work)
