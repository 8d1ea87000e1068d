"""Has a pyperf script answer instead of being timed: what its functions return is written down.

Executed by gate.py before a script where PATCHBENCH_ANSWERS names the file to write: a JSON list of
[benchmark, answer] in the order of the script. Each function runs once. An answer is what a value
is made of, as far as that can be written (numbers to the last digit, texts, lists, dictionaries;
of other objects the type); null where the function returns nothing, and for functions that time
themselves, of which one loop is run for what it raises.
"""

from __future__ import absolute_import

import json
import os

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


def install(path):
    """Make pyperf's runner write answers into a file, after each function anew."""
    import pyperf

    answers = []

    def tell(name, value):
        answers.append([name, value])
        with open(path, "w") as file:
            json.dump(answers, file)

    def bench_func(_runner, name, func, *args, **_how):
        tell(name, told(func(*args)))

    def bench_time_func(_runner, name, time_func, *args, **_how):
        time_func(1, *args)
        tell(name, None)

    def bench_async_func(_runner, name, func, *args, **_how):
        import asyncio

        tell(name, told(asyncio.run(func(*args))))

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


install(os.environ.pop("PATCHBENCH_ANSWERS"))
