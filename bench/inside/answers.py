"""Has a pyperf script answer instead of being timed: what its functions return is written down.

Executed by gate.py before a script where PATCHBENCH_ANSWERS names the file to write: a JSON list of
[benchmark, answer] in the order of the script. Each function runs once. An answer is what a value
is made of, as far as that can be written (numbers to the last digit, texts, lists, dictionaries;
of other objects the type); null where the function returns nothing, and for functions that time
themselves, of which one loop is run for what it raises.

PATCHBENCH_PROFILE names a file for where the time of these calls went (by cProfile, in seconds):
`own`, in functions of the script and of files beside it; `called`, in C that these call; `rest`,
by the name of the module, for all other Python.
"""

from __future__ import absolute_import

import json
import os
import sys

_DEEPEST = 12
_LONGEST = 10000


def told(value, depth=0):
    """A value as JSON that compares: the same on every interpreter of a language."""
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
        return [told(one, depth) for one in value[:_LONGEST]]
    if isinstance(value, (set, frozenset)):
        return sorted(json.dumps(told(one, depth)) for one in value)
    if isinstance(value, dict):
        pairs = [[told(key, depth), told(value[key], depth)] for key in value]
        return sorted(pairs, key=json.dumps)
    return "a " + type(value).__name__


class Spent(object):
    """Calls functions under a profile, and writes where the time went."""

    def __init__(self, path, script):
        import cProfile

        self._path = path
        self._folder = os.path.dirname(os.path.abspath(script))
        self._profile = cProfile.Profile()

    def call(self, function, *args):
        """What the function returns."""
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
            callees = [one for one in entry.calls or () if isinstance(one.code, str)]
            in_c = sum(one.inlinetime for one in callees)
            if inside:
                own += entry.inlinetime
                called += in_c
            else:
                name = os.path.splitext(os.path.basename(entry.code.co_filename))[0]
                rest[name] = rest.get(name, 0.0) + entry.inlinetime + in_c
        return {"own": own, "called": called, "rest": rest}

    def _is_own(self, code):
        return os.path.abspath(code.co_filename).startswith(self._folder + os.sep)


def directly(function, *args):
    """Call without a profile."""
    return function(*args)


def install(path, call):
    """Make pyperf's runner write answers into a file, after each function anew."""
    import pyperf

    answers = []

    def tell(name, value):
        answers.append([name, value])
        with open(path, "w") as file:
            json.dump(answers, file)

    def bench_func(_runner, name, func, *args, **_how):
        tell(name, told(call(func, *args)))

    def bench_time_func(_runner, name, time_func, *args, **_how):
        call(time_func, 1, *args)
        tell(name, None)

    def bench_async_func(_runner, name, func, *args, **_how):
        # A script with coroutines has imported it.
        asyncio = sys.modules["asyncio"]
        tell(name, told(call(lambda: asyncio.run(func(*args)))))

    def nothing(_runner, name, *_args, **_how):
        tell(name, None)

    ours = {
        "bench_func": bench_func,
        "bench_time_func": bench_time_func,
        "bench_async_func": bench_async_func,
        "timeit": nothing,
        "bench_command": nothing,
    }
    for name, ours_for_it in ours.items():
        if hasattr(pyperf.Runner, name):
            setattr(pyperf.Runner, name, ours_for_it)


_profile = os.environ.pop("PATCHBENCH_PROFILE", None)
_call = Spent(_profile, sys.argv[1]).call if _profile else directly
install(os.environ.pop("PATCHBENCH_ANSWERS"), _call)
