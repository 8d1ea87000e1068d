"""Fails where it sees anything of the gate."""

import os

assert "PATCHBENCH_GATE" not in os.environ
for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208
    path = f"/proc/self/fd/{descriptor}"
    if int(descriptor) > 2 and os.path.lexists(path):
        assert not os.readlink(path).startswith("pipe:"), path  # noqa: PTH115
