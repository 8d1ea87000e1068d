"""Puts what the process sees of its surroundings into its metadata."""

import os
import sys

import pyperf

if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.metadata["facts_environment"] = " ".join(sorted(os.environ))
    runner.metadata["facts_size"] = sum(len(k) + len(v) for k, v in os.environ.items())
    runner.metadata["facts_argv0"] = sys.argv[0]
    runner.metadata["facts_path0"] = sys.path[0]
    runner.metadata["facts_main"] = sys.modules["__main__"].__file__
    runner.metadata["facts_home"] = os.environ["HOME"]
    runner.metadata["facts_hash"] = hash("patchbench")
    runner.bench_func("facts", lambda: sum(range(500)))
