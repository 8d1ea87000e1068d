"""A pip that has everything already, but for one requirement that nobody has."""

import importlib.util
import os
import sys

if any("no-such-requirement" in argument for argument in sys.argv):
    sys.exit("ERROR: No matching distribution found for no-such-requirement")
if "--target" in sys.argv:
    target = sys.argv[sys.argv.index("--target") + 1]
    os.makedirs(target, exist_ok=True)
    pyperf = os.path.dirname(importlib.util.find_spec("pyperf").origin)
    os.symlink(pyperf, os.path.join(target, "pyperf"))
