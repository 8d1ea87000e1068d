"""Makes the Python of the tests answer as the fake's own."""

import collections
import os
import re
import sys
import sysconfig

lib = os.environ["FAKE_LIB"]
sys.executable = os.environ["FAKE_EXECUTABLE"]
with open(os.path.join(lib, "fake", "arguments")) as file:
    arguments = file.read()
with open(os.path.join(lib, "fake", "version")) as file:
    version = file.read().strip()
sys.version = version + sys.version[sys.version.index(" ") :]
Version = collections.namedtuple("Version", "major minor micro releaselevel serial")
numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version).groups()
sys.version_info = Version(*map(int, numbers), "final", 0)
get_path = sysconfig.get_path


def get_config_vars(*names):
    values = {"CONFIG_ARGS": arguments, "CC": "gcc", "CFLAGS": "-g -O1"}
    if "--disable-gil" in arguments:
        values["Py_GIL_DISABLED"] = 1
    return [values.get(name) for name in names] if names else values


sysconfig.get_config_vars = get_config_vars
sysconfig.get_path = lambda name, *rest, **more: lib if name == "stdlib" else get_path(name)
