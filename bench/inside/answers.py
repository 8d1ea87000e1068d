"""Record the return values of a pyperf script's functions instead of timing them.

Executed by gate.py before a script if PATCHBENCH_ANSWERS names the output file: a JSON list of
[benchmark, answer] in the order of the script. Each function runs once. An answer is a value as
JSON, as far as possible (numbers to the last digit, texts, lists, dictionaries; of other objects
the type). It is null if the function returns None, and for functions that time themselves, which
run one loop only to see whether they raise.

PATCHBENCH_PROFILE names a file for the time spent in these calls (by cProfile, in seconds): `own`,
in functions of the script and of files in its folder; `called`, in C functions that these call;
`rest`, in all other Python, by name of the module.
"""

from __future__ import absolute_import

import json
import os
import sys

_DEEPEST = 12
_LONGEST = 10000


def serialized(value, depth=0):
    """A value as JSON for comparison: the same on every interpreter of a language version."""
    kind = type(value).__name__
    if value is None or kind == "bool":
        return value
    if kind in ("int", "long", "float", "complex"):
        return repr(value).rstrip("L")
    if kind in ("bytes", "str", "unicode"):
        return repr(value)[:_LONGEST]
    return _container(value, depth + 1) if depth < _DEEPEST else "a " + kind


def _container(value, depth):
    if isinstance(value, (list, tuple)):
        return [serialized(item, depth) for item in value[:_LONGEST]]
    if isinstance(value, (set, frozenset)):
        return sorted(json.dumps(serialized(item, depth)) for item in value)
    if isinstance(value, dict):
        pairs = [[serialized(key, depth), serialized(value[key], depth)] for key in value]
        return sorted(pairs, key=json.dumps)
    return "a " + type(value).__name__


class Profiler(object):
    """Calls functions under cProfile and writes the time by kind of code."""

    def __init__(self, path, script):
        import cProfile

        self._path = path
        self._folder = os.path.dirname(os.path.abspath(script))
        self._profile = cProfile.Profile()

    def call(self, function, *args):
        """Call the function and return its value."""
        try:
            return self._profile.runcall(function, *args)
        finally:
            with open(self._path, "w") as file:
                json.dump(self._shares(), file)

    def _shares(self):
        own = called = 0.0
        rest = {}
        for entry in self._profile.getstats():
            if isinstance(entry.code, str):
                continue
            inside = self._is_own(entry.code)
            callees = [call for call in entry.calls or () if isinstance(call.code, str)]
            in_c = sum(call.inlinetime for call in callees)
            if inside:
                own += entry.inlinetime
                called += in_c
            else:
                name = os.path.splitext(os.path.basename(entry.code.co_filename))[0]
                rest[name] = rest.get(name, 0.0) + entry.inlinetime + in_c
        return {"own": own, "called": called, "rest": rest}

    def _is_own(self, code):
        return os.path.abspath(code.co_filename).startswith(self._folder + os.sep)


def call_directly(function, *args):
    """Call a function without a profile."""
    return function(*args)


def install(path, call):
    """Make pyperf's runner write the answers to a file, again after each function."""
    import pyperf

    answers = []

    def record(name, value):
        answers.append([name, value])
        with open(path, "w") as file:
            json.dump(answers, file)

    def bench_func(_runner, name, func, *args, **_options):
        record(name, serialized(call(func, *args)))

    def bench_time_func(_runner, name, time_func, *args, **_options):
        call(time_func, 1, *args)
        record(name, None)

    def bench_async_func(_runner, name, func, *args, **_options):
        # A script with coroutines has imported asyncio.
        asyncio = sys.modules["asyncio"]
        record(name, serialized(call(lambda: asyncio.run(func(*args)))))

    def no_answer(_runner, name, *_args, **_options):
        record(name, None)

    replacements = {
        "bench_func": bench_func,
        "bench_time_func": bench_time_func,
        "bench_async_func": bench_async_func,
        "timeit": no_answer,
        "bench_command": no_answer,
    }
    for name, method in replacements.items():
        if hasattr(pyperf.Runner, name):
            setattr(pyperf.Runner, name, method)


_profile = os.environ.pop("PATCHBENCH_PROFILE", None)
_call = Profiler(_profile, sys.argv[1]).call if _profile else call_directly
install(os.environ.pop("PATCHBENCH_ANSWERS"), _call)
