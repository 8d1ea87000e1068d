"""Does what the module `condition`, which the arm's PYTHONPATH brings, tells it to."""

import os
import signal
import sys
import time

import condition
import pyperf

calls: list[int] = []


def work() -> int:
    calls.append(1)
    if len(calls) > condition.AFTER:
        if condition.WHAT == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif condition.WHAT == "hang":
            print("patient: going to sleep")
            sys.stdout.flush()
            time.sleep(600)
        elif condition.WHAT == "exit":
            sys.stderr.write("patient: giving up\n")
            sys.exit(4)
        elif condition.WHAT == "fork and crash":
            if os.fork() == 0:
                time.sleep(600)
            os.kill(os.getpid(), signal.SIGKILL)
    return sum(range(500))


if __name__ == "__main__":
    if condition.WHAT == "never starts":
        time.sleep(600)
    pyperf.Runner().bench_func("patient", work)
