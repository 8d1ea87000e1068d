"""Runs a program as `python SCRIPT ARGUMENTS...` would, and tells what it cost.

    python run_program.py SETTINGS.json

Standard library alone, Python 2.7 and 3.x. The settings:

    script      its path
    arguments   its words
    compiled    by module name, __main__ for the script itself: [compiled module, its source]
    report      the file that what it cost is written to
    interval    0, or the least seconds of CPU time between two samples

A compiled module stands in for its source wherever that is imported from, and calls itself by its
source's path, so that what lies beside the source is found.

Sampled is by a signal that falls due by CPU time and is handled between two bytecodes of the main
thread: time in C code counts for the line of Python that called it. Unlike a hook on every call
this costs next to nothing, and so does not make what calls much look slow.
"""

from __future__ import absolute_import

import atexit
import io
import json
import os
import resource
import signal
import sys
import time
import types

# What Python gives the module that it runs, whichever Python that is; what follows is ours.
_GIVEN = dict(globals())
# 2.7 empties a module whose last reference is gone, and the script takes the place of this one.
_SELF = sys.modules[__name__]


def main():
    """See the module's text."""
    with io.open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    script = native(settings["script"])
    sys.argv = [script] + [native(word) for word in settings["arguments"]]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = sys.orig_argv[:1] + sys.argv
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    compiled = {
        native(name): [native(path) for path in found]
        for name, found in settings["compiled"].items()
    }
    sys.meta_path.insert(0, Compiled(compiled))
    sampler = Sampler()
    # Registered first, called last: what the program does at its end belongs to it.
    atexit.register(report, settings["report"], time.time(), sampler)
    if settings["interval"]:
        sampler.start(settings["interval"])
    if "__main__" in compiled:
        load("__main__", compiled["__main__"][0], script, given(script))
    else:
        run(script)


def native(text):
    """A str of 2.7 is bytes."""
    return text if isinstance(text, str) else text.encode("utf-8")


def run(script):
    """Execute the source of a script as __main__."""
    with io.open(script, "rb") as file:
        code = compile(file.read(), script, "exec", 0, True)
    main = types.ModuleType("__main__")
    main.__dict__.update(given(script))
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def given(script):
    """What Python would have given a script that it runs as __main__."""
    found = {
        name: value for name, value in _GIVEN.items() if name.startswith("__") and name != "__doc__"
    }
    found["__file__"] = script
    if "__loader__" in found:
        found["__loader__"] = type(found["__loader__"])("__main__", script)
    return found


def load(name, path, source, attributes=()):
    """Import the compiled module at `path` under a name, as if it were its source; it has the
    `attributes` before its code runs.
    """
    if sys.version_info < (3,):
        import imp

        # What is there already is what the module's own code fills and sees.
        module = sys.modules[name] = types.ModuleType(name)
        module.__file__ = source
        module.__dict__.update(attributes)
        module = imp.load_dynamic(name, path)
        module.__file__ = source
        return module
    module = create(name, path, source)
    module.__dict__.update(attributes)
    sys.modules[name] = module
    execute(module)
    return module


def create(name, path, source):
    """The compiled module before its code has run (3.x)."""
    import _imp
    from importlib.machinery import ModuleSpec

    module = _imp.create_dynamic(ModuleSpec(name, None, origin=path))
    module.__file__ = source
    return module


def execute(module):
    """Run the module's code (3.x)."""
    import _imp

    _imp.exec_dynamic(module)


class Compiled(object):
    """Finds compiled modules, wherever their sources lie; of PEP 302 (2.7) and PEP 451 (3.x)."""

    def __init__(self, compiled):
        self._compiled = compiled

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002
        """See importlib.abc.MetaPathFinder."""
        if name not in self._compiled:
            return None
        from importlib.machinery import ModuleSpec

        spec = ModuleSpec(name, self, origin=self._compiled[name][1])
        spec.has_location = True
        return spec

    def create_module(self, spec):
        """See importlib.abc.Loader."""
        return create(spec.name, self._compiled[spec.name][0], spec.origin)

    def exec_module(self, module):
        """See importlib.abc.Loader."""
        execute(module)

    def find_module(self, name, path=None):  # noqa: ARG002
        """See PEP 302."""
        return self if name in self._compiled else None

    def load_module(self, name):
        """See PEP 302."""
        try:
            return load(name, *self._compiled[name])
        except BaseException:
            sys.modules.pop(name, None)
            raise


class Sampler(object):
    """Counts where the main thread is: by function (with callees or without), and by line."""

    def __init__(self):
        self.samples = 0
        self.functions = {}
        self.lines = {}

    def start(self, interval):
        """Begin; the program may not use SIGPROF itself."""
        signal.signal(signal.SIGPROF, self.sample)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, interval, interval)

    def stop(self):
        """End. Without start, nothing."""
        signal.setitimer(signal.ITIMER_PROF, 0, 0)

    def sample(self, _number, frame):
        """Count one sample; what is of this file, before and after the program, is not its."""
        own = frame.f_code
        place = (own.co_filename, frame.f_lineno)
        stack = set()
        while frame is not None:
            stack.add(frame.f_code)
            frame = frame.f_back
        stack = [code for code in stack if code.co_filename != main.__code__.co_filename]
        if own not in stack:
            return
        self.samples += 1
        self.lines[place] = self.lines.get(place, 0) + 1
        for code in stack:
            name = (code.co_filename, code.co_name, code.co_firstlineno)
            counts = self.functions.setdefault(name, [0, 0])
            counts[0] += code is own
            counts[1] += 1


def report(path, began, sampler):
    """Write what the process used so far, its ended children's part included."""
    sampler.stop()
    wall = time.time() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    told = {"cpu": sum(one.ru_utime + one.ru_stime for one in used), "wall": wall}
    if sampler.samples:
        told["samples"] = sampler.samples
        told["functions"] = [list(one) + counts for one, counts in sampler.functions.items()]
        told["lines"] = [list(one) + [count] for one, count in sampler.lines.items()]
        told["modules"] = modules()
        told["library"] = os.path.dirname(os.path.realpath(os.__file__))
    text = json.dumps(told)
    with io.open(path, "wb") as file:
        file.write(text.encode("utf-8"))


def modules():
    """The names of imported modules and their sources' paths."""
    found = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            path = path[:-1] if path.endswith((".pyc", ".pyo")) else path
            found[name] = os.path.abspath(path)
    return found


if __name__ == "__main__":
    main()
