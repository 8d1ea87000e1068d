"""`python -m bench`: the command line, from the folder of a checkout."""

from __future__ import annotations

import sys

from bench.cli import main as command_line

if __name__ == "__main__":
    sys.exit(command_line.main())
