"""Run a pyperf script unchanged, with each timed value released by a harness.

    python gate.py SCRIPT [ARGUMENTS...]

This runs inside the measured interpreter: standard library and pyperf only, Python 2.7 and 3.x.
PATCHBENCH_GATE="READ:WRITE:MODE" names two inherited descriptors and how values are released:

    each   every value and warm-up waits for the harness
    look   the same; the CPU use of the process is added to pyperf's metadata
    free   the first warm-up and the first value wait, the others follow without waiting; the clock
           is CPU time; the harness decides how many more values than pyperf's number are timed

Without the variable the script runs as if called directly. PATCHBENCH_MODULE names a compiled
module to run in its place (compiled.py), PATCHBENCH_ANSWERS a file for the return values of its
functions, instead of timing them (answers.py). The worker writes single bytes; where it waits, the
harness answers with one byte:

    v   about to time a value or a warm-up; waits
    t   has timed one (free)
    m   has timed pyperf's number of values (free); waits: after g, it times one more and writes m
        again; after any other byte, it keeps the core busy until the next byte
    e   has timed its last value, and is about to collect metadata and end; waits
    c   its values are not CPU time (free): the reason follows, and the process ends

How pyperf is hooked. pyperf's worker calls `task_func(task, loops)` once per value, for every kind
of benchmark: bench_time_func, bench_func, bench_async_func, timeit and bench_command all create a
WorkerTask, in pyperf 1.6.1 and in 2.10. Only attributes that its constructor sets are wrapped:
pyperf still decides what is a warm-up, divides by the loops and writes the JSON. pyperf's own hook
interface was tried and rejected: 1.6.1 has none; a hook must be an entry point of an installed
distribution; the option is passed on to the helper process of bench_command, which does not have
the descriptors and would run the hook a second time; and the hook ends before a worker's end can be
delayed, so that one arm would collect metadata while another is being timed.

The gate is outside of the timed part, which reads its clock itself: waiting is never measured.

CPU time must be read where a benchmark reads its clock: around the whole call it would include the
set-up that a benchmark excludes. So its clock is replaced before the script and pyperf are
imported: time.perf_counter, or without it (2.7) pyperf.perf_counter, which was time.time. time.time
and time.monotonic are not replaced, since event loops wait by them. A benchmark that times with one
of those is detected and refused.

Garbage collection: none is started here, nor by pyperf. A collection before the first value would
hide those that the set-up of a process has made due, by different amounts for arms that allocate
differently. Warm-ups pass the gate as values do, so that all arms have the same history of
allocations when a value begins.
"""

from __future__ import absolute_import, print_function

import os
import sys
import time
import types

_VARIABLE = "PATCHBENCH_GATE"
_MODULE = "PATCHBENCH_MODULE"
_ANSWERS = "PATCHBENCH_ANSWERS"
# The greatest share of a value that reading the clock may take. Reading CPU time is a system call
# (2 us here, 16 times as long as wall time): read around each of many short loops, it would
# dominate the value.
_MOST_READING = 0.02
# Iterations between two checks for the harness while keeping the core busy: about a millisecond.
_SPINS = 20000


class _Gate(object):
    """A worker's connection to the harness."""

    def __init__(self, reading, writing):
        self._reading = reading
        self._writing = writing

    def send(self, message):
        """Write a message without waiting."""
        os.write(self._writing, message)

    def wait(self, message):
        """Write a message, wait for the harness, and return its answer."""
        os.write(self._writing, message)
        return self._receive()

    def keep_core_busy(self):
        """Use the core until the harness answers."""
        import select

        while not select.select([self._reading], [], [], 0)[0]:
            for _ in range(_SPINS):
                pass
        self._receive()

    def _receive(self):
        answer = os.read(self._reading, 1)
        if not answer:
            os._exit(3)  # the harness has ended
        return answer


def _open_gate(reading, writing):
    """Take over the two inherited descriptors."""
    import fcntl

    for descriptor in (reading, writing):
        # A child of the benchmark must not keep the pipe open after this process has ended.
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFD)
        fcntl.fcntl(descriptor, fcntl.F_SETFD, flags | fcntl.FD_CLOEXEC)
    return _Gate(reading, writing)


class _CpuClock(object):
    """The process's CPU time, in place of the clock that benchmarks read.

    In 2.7 it is time.clock: C's clock(), the same clock in microseconds. Calling clock_gettime with
    ctypes would be more precise, but slower within the timed part.
    """

    def __init__(self, gate):
        self._gate = gate
        # The last reading, and the number of readings.
        self._last = [0.0, 0]
        self._cost = 0.0
        has_process_time = hasattr(time, "process_time")
        self._read = time.process_time if has_process_time else time.clock
        self.name = "clock_gettime(CLOCK_PROCESS_CPUTIME_ID), resolution: 1.00 ns"
        if not has_process_time:
            self.name = "clock(), resolution: 1.00 us"

    def install(self):
        """Replace the clocks; call it before the script or pyperf imports them."""
        last, read = self._last, self._read

        def perf_counter():
            now = last[0] = read()
            last[1] += 1
            return now

        if hasattr(time, "perf_counter"):
            time.perf_counter = perf_counter
        if hasattr(time, "perf_counter_ns"):
            read_ns = time.process_time_ns

            def perf_counter_ns():
                now = read_ns()
                last[0] = now * 1e-9
                last[1] += 1
                return now

            time.perf_counter_ns = perf_counter_ns
        import pyperf

        pyperf.perf_counter = perf_counter
        ticks = [perf_counter() for _ in range(50)]
        self._cost = (ticks[-1] - ticks[0]) / 49

    def timed(self, run, task, loops):
        """Time one value; end the process if the value evidently is not CPU time."""
        self._last[1] = 0
        before = self._read()
        value = run(task, loops)
        used, reads = self._last[0] - before, self._last[1]
        if not reads:
            self._refuse("reads another clock than time.perf_counter or pyperf's")
        if float(value) > used * (1 + 1e-9) + 1e-6:
            self._refuse("gave %.6f s as its value of %.6f s of CPU time" % (value, used))
        # Two readings make one interval, which then includes the time of one reading.
        if reads > 2 and reads / 2.0 * self._cost > _MOST_READING * value:
            self._refuse("reads its clock %d times in a value of %.6f s" % (reads, value))
        return value

    def _refuse(self, reason):
        self._gate.send(b"c" + reason.encode("ascii"))
        os._exit(3)


def _release_each(task, gate):
    """Make a task wait before each value."""
    run = task.task_func

    def released(self, loops):
        gate.wait(b"v")
        return run(self, loops)

    task.task_func = released


def _run_freely(task, gate, clock):
    """Make a task wait before its first warm-up and first value, then run freely."""
    run = task.task_func
    compute = task._compute_values
    first_message = []

    def released(self, loops):
        if first_message:
            gate.wait(first_message.pop())
        value = clock.timed(run, self, loops)
        gate.send(b"t")
        return value

    def compute_values(values, nvalue, is_warmup=False, **options):
        first_message.append(b"v")
        compute(values, nvalue, is_warmup=is_warmup, **options)
        if is_warmup:
            return
        while gate.wait(b"m") == b"g":
            compute(values, 1, start=len(values))
        gate.keep_core_busy()

    task.task_func = released
    task._compute_values = compute_values
    task.metadata["timer"] = clock.name


def _observe_cpu(task, gate):
    """Make a task wait before each value, and record its CPU use in the metadata.

    patchbench_cpu_share: CPU time of the process and of its ended children, divided by wall time
    without waiting for the core. It is the maximum of the calls with the most loops, since a
    disturbance can only reduce it; above 1, several threads computed at once.
    patchbench_children: 1 if the process has children. patchbench_threads: the greatest number of
    threads at once. patchbench_thread_share: the part of the CPU time of the process that was not
    of the thread that times it; on one core, which cannot show that threads compute at once, this
    is what tells that several do.

    Values, by which pyperf calibrates loops, are also reported without that waiting: otherwise an
    interrupted value would seem long enough with too few loops.
    """
    run = task.task_func
    best = [0, 0.0, 1, 0.0]
    alive = _count_threads()

    def observed(self, loops):
        alive[0] = _threads()
        before = _used()
        value = run(self, loops)
        after = _used()
        alive[0] = max(alive[0], _threads())
        wall, delay, cpu, children, own = [after[index] - before[index] for index in range(5)]
        undisturbed = max(wall - delay, cpu, 1e-9)
        # CPU time that exceeds all wall time is of threads that computed at once.
        busy = max((cpu + children) / undisturbed, cpu / max(wall, 1e-9))
        if loops > best[0]:
            best[:] = [loops, 0.0, 1, 0.0]
        best[1] = max(best[1], round(busy, 4))
        best[2] = max(best[2], alive[0])
        best[3] = max(best[3], round(max(cpu - own, 0.0) / max(cpu, 1e-9), 4))
        task.metadata["patchbench_cpu_share"] = best[1]
        task.metadata["patchbench_threads"] = best[2]
        task.metadata["patchbench_thread_share"] = best[3]
        has_children = task.metadata.get("patchbench_children") or children > 0 or _has_children()
        task.metadata["patchbench_children"] = int(bool(has_children))
        return float(value) * min(undisturbed / max(wall, 1e-9), 1.0)

    task.task_func = observed
    _release_each(task, gate)


def _used():
    """Seconds so far: wall time, waiting for the core, CPU time, CPU time of ended children, CPU
    time of this thread.
    """
    import resource

    delay = 0.0
    try:
        with open("/proc/self/schedstat") as file:
            delay = int(file.read().split()[1]) * 1e-9
    except (IOError, OSError, IndexError, ValueError):
        pass  # a kernel without these statistics
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        # Python 2.7 has no name for RUSAGE_THREAD.
        thread = resource.getrusage(getattr(resource, "RUSAGE_THREAD", 1))
    except ValueError:
        thread = own  # a kernel without it: no other thread is seen
    return (
        time.time(),
        delay,
        own.ru_utime + own.ru_stime,
        children.ru_utime + children.ru_stime,
        thread.ru_utime + thread.ru_stime,
    )


def _threads():
    """The number of threads of this process; 1 if the kernel does not report it."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


def _count_threads():
    """A list whose item is the greatest number of threads after a start since it was set."""
    import threading

    alive = [1]
    start = threading.Thread.start

    def started(self):
        result = start(self)
        alive[0] = max(alive[0], _threads())
        return result

    threading.Thread.start = started
    return alive


def _has_children():
    """Whether this process has a running child; False if the kernel does not report it."""
    try:
        for thread in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/children" % thread) as file:
                if file.read().strip():
                    return True
    except (IOError, OSError):
        pass
    return False


def _hold_values(gate, hold):
    """Make every task of pyperf's worker wait before its end, after `hold` has changed it."""
    from pyperf import _worker

    construct = _worker.WorkerTask.__init__

    def constructed(self, runner, name, task_func, func_metadata):
        construct(self, runner, name, task_func, func_metadata)
        collect = self.collect_metadata

        def at_end():
            gate.wait(b"e")
            _fix_architecture()
            return collect()

        hold(self, gate)
        self.collect_metadata = at_end

    _worker.WorkerTask.__init__ = constructed


def _read_path_files():
    """Read .pth files in the folders of PYTHONPATH, as in a site-packages folder.

    Packages are imported through PYTHONPATH only, where Python does not read .pth files;
    setuptools' distutils and namespace packages of Python 2 need theirs.
    """
    import site

    for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if os.path.isdir(folder) and any(name.endswith(".pth") for name in os.listdir(folder)):
            site.addsitedir(folder)


def _fix_architecture():
    """Make platform.architecture, from which pyperf reads the size of a pointer, a constant.

    It would run the program `file` on the interpreter: a tenth of the time of a short process.
    """
    import platform
    import struct

    bits = "%dbit" % (struct.calcsize("P") * 8)
    platform.architecture = lambda *_, **__: (bits, "")


def _set_up(descriptors_and_mode):
    """Set up the gate that the variable describes."""
    reading, writing, mode = descriptors_and_mode.split(":")
    gate = _open_gate(int(reading), int(writing))
    if mode == "free":
        clock = _CpuClock(gate)
        clock.install()
        _hold_values(gate, lambda task, gate: _run_freely(task, gate, clock))
    else:
        _hold_values(gate, {"each": _release_each, "look": _observe_cpu}[mode])


def _run(script):
    """Execute the script as the main module, as `python SCRIPT` would."""
    sys.argv[:] = sys.argv[1:]
    sys.path[0] = os.path.dirname(script)
    # Keeps this module alive: Python 2.7 clears the globals of a module that is collected.
    sys.modules["patchbench_gate"] = sys.modules["__main__"]
    main = types.ModuleType("__main__")
    main.__file__ = script
    main.__builtins__ = sys.modules.get("builtins") or sys.modules["__builtin__"]
    sys.modules["__main__"] = main
    with open(script, "rb") as source:
        code = compile(source.read(), script, "exec", 0, True)
    exec(code, main.__dict__)


def _execute(name):
    """Execute a file of this folder, which is not on the path, and return its globals."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    namespace = {"__name__": name, "__file__": path}
    with open(path, "rb") as source:
        exec(compile(source.read(), path, "exec", 0, True), namespace)
    return namespace


if __name__ == "__main__":
    _gate = os.environ.pop(_VARIABLE, None)
    _module = os.environ.pop(_MODULE, None)
    if _gate is not None:
        _set_up(_gate)
    _read_path_files()
    if _ANSWERS in os.environ:
        _execute("answers.py")
    if _module is None:
        _run(sys.argv[1])
    else:
        _execute("compiled.py")["run"](sys.argv[1], _module)
