"""Times the kernel calculator under pyperf, in whichever variant PYTHONPATH has."""

from __future__ import absolute_import

import os
import sys

import pyperf

# Behind everything else: a compiled module on PYTHONPATH comes before the pure one.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pure"))

import calculator

SIZE = 150

if __name__ == "__main__":
    runner = pyperf.Runner()
    is_source = calculator.__file__.endswith((".py", ".pyc"))
    runner.metadata["kernel_code"] = "source" if is_source else "compiled"
    runner.bench_func("calculator", calculator.run, SIZE)
