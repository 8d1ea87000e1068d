"""Runs a pyperf script unchanged, and lets a harness release each of its timed values.

    python gate.py SCRIPT [ARGUMENTS...]

This runs inside the measured interpreter: standard library and pyperf alone, Python 2.7 and 3.x.
With PATCHBENCH_GATE="READ:WRITE" (two descriptors, inherited) the worker writes a byte and waits
for one back, at each gate:

    v   it is about to time a value or a warm-up
    e   it has timed its last one, and would collect its metadata and end

Without the variable the script runs as if it had been called directly.

How it is hooked in. pyperf's worker calls `task_func(task, loops)` once per value, whatever made
the function: bench_time_func, bench_func, bench_async_func, timeit and bench_command all end in a
WorkerTask, in pyperf 1.6.1 and in 2.10 alike. Its constructor is wrapped, and nothing else: pyperf
still decides what is a warm-up, divides by the loops and writes the JSON. pyperf's own hook
interface was tried and left: 1.6.1 has none; it must be found as an entry point of an installed
distribution; the option is passed on to the helper process of bench_command, which has lost the
descriptors and would run the hook again inside; and it is torn down before a worker's end can be
held back, so that one arm would collect metadata while another is being timed.

The gate lies outside of the timed part, which reads its clock itself: waiting is never measured.

Garbage: nothing is collected here. pyperf does not either, and a collection before the first value
would hide from each process the collections that its own set-up has made due, for arms that
allocate differently by different amounts. Warm-ups pass the gate as values do, so that all arms
have allocated the same history when a value begins.
"""

from __future__ import absolute_import, print_function

import os
import sys
import types

_VARIABLE = "PATCHBENCH_GATE"


def _open_gate(descriptors):
    """Take over the two inherited descriptors and return the function that waits at the gate."""
    import fcntl

    reading, writing = [int(part) for part in descriptors.split(":")]
    for descriptor in (reading, writing):
        # A child of the benchmark must not keep the pipe open when this process is gone.
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFD)
        fcntl.fcntl(descriptor, fcntl.F_SETFD, flags | fcntl.FD_CLOEXEC)

    def wait(what):
        os.write(writing, what)
        if not os.read(reading, 1):
            os._exit(3)  # the harness is gone

    return wait


def _hold_values(wait):
    """Make every task of pyperf's worker wait before each value and before its end."""
    from pyperf import _worker

    construct = _worker.WorkerTask.__init__

    def constructed(self, runner, name, task_func, func_metadata):
        construct(self, runner, name, task_func, func_metadata)
        run = self.task_func
        collect = self.collect_metadata

        def released(task, loops):
            wait(b"v")
            return run(task, loops)

        def at_end():
            wait(b"e")
            _spare_a_process()
            return collect()

        self.task_func = released
        self.collect_metadata = at_end

    _worker.WorkerTask.__init__ = constructed


def _read_path_files():
    """Read .pth files in the folders of PYTHONPATH, as in a site-packages folder.

    Packages are found through PYTHONPATH alone, where Python does not look for them; setuptools'
    distutils, and namespace packages of Python 2, need theirs.
    """
    import site

    for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if os.path.isdir(folder) and any(name.endswith(".pth") for name in os.listdir(folder)):
            site.addsitedir(folder)


def _spare_a_process():
    """Answer platform.architecture, which pyperf asks for the bits of a pointer, as it would.

    It runs the program `file` on the interpreter: a tenth of the time of a short process.
    """
    import platform
    import struct

    bits = "%dbit" % (struct.calcsize("P") * 8)
    platform.architecture = lambda *_, **__: (bits, "")


def _run(script):
    """Execute the script as the main module, as `python SCRIPT` would."""
    sys.argv[:] = sys.argv[1:]
    sys.path[0] = os.path.dirname(script)
    # Kept alive: Python 2.7 empties the globals of a module that is collected.
    sys.modules["patchbench_gate"] = sys.modules["__main__"]
    main = types.ModuleType("__main__")
    main.__file__ = script
    main.__builtins__ = sys.modules.get("builtins") or sys.modules["__builtin__"]
    sys.modules["__main__"] = main
    with open(script, "rb") as source:
        code = compile(source.read(), script, "exec", 0, True)
    exec(code, main.__dict__)


if __name__ == "__main__":
    _gate = os.environ.pop(_VARIABLE, None)
    if _gate is not None:
        _hold_values(_open_gate(_gate))
    _read_path_files()
    _run(sys.argv[1])
