"""Runs a pyperf script unchanged, and lets a harness release its timed values.

    python gate.py SCRIPT [ARGUMENTS...]

This runs inside the measured interpreter: standard library and pyperf alone, Python 2.7 and 3.x.
PATCHBENCH_GATE="READ:WRITE:MODE" names two inherited descriptors and how values are released:

    each   every value and warm-up waits for the harness
    look   the same; what the process used of the CPU goes into pyperf's metadata
    free   the first warm-up and the first value wait, all others follow without; CPU time is the
           clock; the harness says how many values more than pyperf was asked for

Without the variable the script runs as if it had been called directly. PATCHBENCH_MODULE names a
compiled module to be run in its place (compiled.py), PATCHBENCH_ANSWERS a file for what its
functions return, instead of timing them (answers.py). What the worker writes, one
byte each (the harness answers with one byte where the worker waits):

    v   it is about to time a value or a warm-up; waits
    t   it has timed one (free)
    m   it has timed the values that pyperf was asked for (free); waits: g, time one more and ask
        again; anything else, keep the other arms company until the next byte
    e   it has timed its last one, and would collect its metadata and end; waits
    c   its values are not made of CPU time (free): the reason follows, and the process ends

How it is hooked in. pyperf's worker calls `task_func(task, loops)` once per value, whatever made
the function: bench_time_func, bench_func, bench_async_func, timeit and bench_command all end in a
WorkerTask, in pyperf 1.6.1 and in 2.10 alike. What its constructor made is wrapped, and nothing
else: pyperf still decides what is a warm-up, divides by the loops and writes the JSON. pyperf's own
hook interface was tried and left: 1.6.1 has none; it must be found as an entry point of an
installed distribution; the option is passed on to the helper process of bench_command, which has
lost the descriptors and would run the hook again inside; and it is torn down before a worker's end
can be held back, so that one arm would collect metadata while another is being timed.

The gate lies outside of the timed part, which reads its clock itself: waiting is never measured.

CPU time must be read where a benchmark reads its clock: around the whole call it would count the
set-up that a benchmark leaves out. So its clock is replaced before the script and pyperf are
imported: time.perf_counter, and where there is none (2.7) pyperf.perf_counter, which was time.time.
time.time itself stays, and time.monotonic: event loops wait by them. A benchmark that times with
one of those is found out and refused.

Garbage: nothing is collected here. pyperf does not either, and a collection before the first value
would hide from each process the collections that its own set-up has made due, for arms that
allocate differently by different amounts. Warm-ups pass the gate as values do, so that all arms
have allocated the same history when a value begins.
"""

from __future__ import absolute_import, print_function

import os
import sys
import time
import types

_VARIABLE = "PATCHBENCH_GATE"
_MODULE = "PATCHBENCH_MODULE"
_ANSWERS = "PATCHBENCH_ANSWERS"
# The share of a value that reading the clock may take. CPU time is a system call away (2 us here,
# 16 times as long as wall time): what reads it around each of many short loops would time that.
_MOST_READING = 0.02
# Between two looks for the harness, when it waits in company: about a millisecond.
_SPINS = 20000


class _Gate(object):
    """Where a worker speaks with the harness."""

    def __init__(self, reading, writing):
        self._reading = reading
        self._writing = writing

    def tell(self, what):
        """Write, and go on."""
        os.write(self._writing, what)

    def wait(self, what):
        """Write, and go on when the harness says so; what it said."""
        os.write(self._writing, what)
        return self._heard()

    def keep_company(self):
        """Use the core, until the harness says something."""
        import select

        while not select.select([self._reading], [], [], 0)[0]:
            for _ in range(_SPINS):
                pass
        self._heard()

    def _heard(self):
        answer = os.read(self._reading, 1)
        if not answer:
            os._exit(3)  # the harness is gone
        return answer


def _open_gate(reading, writing):
    """Take over the two inherited descriptors."""
    import fcntl

    for descriptor in (reading, writing):
        # A child of the benchmark must not keep the pipe open when this process is gone.
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFD)
        fcntl.fcntl(descriptor, fcntl.F_SETFD, flags | fcntl.FD_CLOEXEC)
    return _Gate(reading, writing)


class _CpuClock(object):
    """The process's CPU time, in place of the clock that benchmarks read.

    In 2.7 time.clock: C's clock(), which is the same clock in microseconds. What ctypes would add
    in digits it would take in time, within what is timed.
    """

    def __init__(self, gate):
        self._gate = gate
        self._seen = [0.0, 0]
        self._cost = 0.0
        has_process_time = hasattr(time, "process_time")
        self._read = time.process_time if has_process_time else time.clock
        self.name = "clock_gettime(CLOCK_PROCESS_CPUTIME_ID), resolution: 1.00 ns"
        if not has_process_time:
            self.name = "clock(), resolution: 1.00 us"

    def install(self):
        """To be called before the script or pyperf could take a clock for themselves."""
        seen, read = self._seen, self._read

        def perf_counter():
            now = seen[0] = read()
            seen[1] += 1
            return now

        if hasattr(time, "perf_counter"):
            time.perf_counter = perf_counter
        if hasattr(time, "perf_counter_ns"):
            read_ns = time.process_time_ns

            def perf_counter_ns():
                now = read_ns()
                seen[0] = now * 1e-9
                seen[1] += 1
                return now

            time.perf_counter_ns = perf_counter_ns
        import pyperf

        pyperf.perf_counter = perf_counter
        ticks = [perf_counter() for _ in range(50)]
        self._cost = (ticks[-1] - ticks[0]) / 49

    def timed(self, run, task, loops):
        """One value; the process ends where it is evidently none of CPU time."""
        self._seen[1] = 0
        before = self._read()
        value = run(task, loops)
        used, reads = self._seen[0] - before, self._seen[1]
        if not reads:
            self._refuse("reads another clock than time.perf_counter or pyperf's")
        if float(value) > used * (1 + 1e-9) + 1e-6:
            self._refuse("gave %.6f s as its value of %.6f s of CPU time" % (value, used))
        # Two make one interval, to which they add one reading.
        if reads > 2 and reads / 2.0 * self._cost > _MOST_READING * value:
            self._refuse("reads its clock %d times in a value of %.6f s" % (reads, value))
        return value

    def _refuse(self, reason):
        self._gate.tell(b"c" + reason.encode("ascii"))
        os._exit(3)


def _release_each(task, gate):
    """Make a task wait before each value."""
    run = task.task_func

    def released(self, loops):
        gate.wait(b"v")
        return run(self, loops)

    task.task_func = released


def _run_freely(task, gate, clock):
    """Make a task wait before its first warm-up and its first value, and go on until told."""
    run = task.task_func
    compute = task._compute_values
    at_edge = []

    def released(self, loops):
        if at_edge:
            gate.wait(at_edge.pop())
        value = clock.timed(run, self, loops)
        gate.tell(b"t")
        return value

    def computed(values, nvalue, is_warmup=False, **how):
        at_edge.append(b"v")
        compute(values, nvalue, is_warmup=is_warmup, **how)
        if is_warmup:
            return
        while gate.wait(b"m") == b"g":
            compute(values, 1, start=len(values))
        gate.keep_company()

    task.task_func = released
    task._compute_values = computed
    task.metadata["timer"] = clock.name


def _look(task, gate):
    """Make a task wait before each value, and note what it used of the CPU, and who used it.

    patchbench_cpu_share: CPU time of the process and of the children that it waited for, by wall
    time without what it spent waiting for the core: the most of the calls with the most loops,
    since a disturbance can only make it less. patchbench_children: 1 where it has children.

    Values, by which pyperf counts loops, are given without that waiting too: else a value that
    others interrupted would seem long enough with too few loops.
    """
    run = task.task_func
    best = [0, 0.0]

    def looked(self, loops):
        before = _used()
        value = run(self, loops)
        after = _used()
        wall, delay, cpu, children = [after[what] - before[what] for what in range(4)]
        undisturbed = max(wall - delay, cpu, 1e-9)
        if loops > best[0]:
            best[:] = [loops, 0.0]
        best[1] = max(best[1], round((cpu + children) / undisturbed, 4))
        task.metadata["patchbench_cpu_share"] = best[1]
        known = task.metadata.get("patchbench_children", 0)
        task.metadata["patchbench_children"] = int(bool(known or children > 0 or _has_children()))
        return float(value) * min(undisturbed / max(wall, 1e-9), 1.0)

    task.task_func = looked
    _release_each(task, gate)


def _used():
    """Seconds so far: wall time, waiting for the core, CPU time, CPU time of ended children."""
    import resource

    delay = 0.0
    try:
        with open("/proc/self/schedstat") as told:
            delay = int(told.read().split()[1]) * 1e-9
    except (IOError, OSError, IndexError, ValueError):
        pass  # a kernel without this accounting
    own = resource.getrusage(resource.RUSAGE_SELF)
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (
        time.time(),
        delay,
        own.ru_utime + own.ru_stime,
        theirs.ru_utime + theirs.ru_stime,
    )


def _has_children():
    """Whether a child of this process lives, where the kernel tells."""
    try:
        for thread in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/children" % thread) as told:
                if told.read().strip():
                    return True
    except (IOError, OSError):
        pass
    return False


def _hold_values(gate, hold):
    """Have `hold` change every task of pyperf's worker, and make it wait before its end."""
    from pyperf import _worker

    construct = _worker.WorkerTask.__init__

    def constructed(self, runner, name, task_func, func_metadata):
        construct(self, runner, name, task_func, func_metadata)
        collect = self.collect_metadata

        def at_end():
            gate.wait(b"e")
            _spare_a_process()
            return collect()

        hold(self, gate)
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


def _stand(descriptors_and_mode):
    """Set up the gate that the variable describes."""
    reading, writing, mode = descriptors_and_mode.split(":")
    gate = _open_gate(int(reading), int(writing))
    if mode == "free":
        clock = _CpuClock(gate)
        clock.install()
        _hold_values(gate, lambda task, gate: _run_freely(task, gate, clock))
    else:
        _hold_values(gate, {"each": _release_each, "look": _look}[mode])


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


def _beside(name):
    """The globals of a file beside this one, executed: nothing of ours is on the path."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    found = {"__name__": name, "__file__": path}
    with open(path, "rb") as source:
        exec(compile(source.read(), path, "exec", 0, True), found)
    return found


if __name__ == "__main__":
    _gate = os.environ.pop(_VARIABLE, None)
    _module = os.environ.pop(_MODULE, None)
    if _gate is not None:
        _stand(_gate)
    _read_path_files()
    if _ANSWERS in os.environ:
        _beside("answers.py")
    if _module is None:
        _run(sys.argv[1])
    else:
        _beside("compiled.py")["run"](sys.argv[1], _module)
