"""A command: its processes must not inherit the gate."""

import sys
from pathlib import Path

import pyperf

if __name__ == "__main__":
    check = str(Path(__file__).with_name("check.py"))
    pyperf.Runner().bench_command("command", [sys.executable, "-S", check])
