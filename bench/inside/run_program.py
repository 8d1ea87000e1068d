"""Run a program as `python SCRIPT ARGUMENTS...` would, and report its CPU time and profile.

    python run_program.py SETTINGS.json

Standard library only, Python 2.7 and 3.x. The settings:

    script      the path of the script
    arguments   a list of strings
    compiled    by module name, __main__ for the script itself: [compiled module, its source]
    report      the output file
    interval    0, or the least CPU time between two samples, in seconds

A compiled module replaces its source on every import, and has its source's path as __file__, so
that it finds files in the folder of the source.

A signal takes the samples: it is due by CPU time and is handled between two bytecodes of the main
thread, so that time in C code counts for the line of Python that called it. Unlike a hook on every
call this costs almost nothing, and does not make code with many calls look slow.
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

# The globals that Python sets for the main module, before this file adds any.
_INITIAL_GLOBALS = dict(globals())
# The script replaces this module, and 2.7 clears a module that has no references any more.
_SELF = sys.modules[__name__]


def main():
    """Run the program; see the docstring of the module."""
    with io.open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    script = native(settings["script"])
    sys.argv = [script] + [native(word) for word in settings["arguments"]]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = sys.orig_argv[:1] + sys.argv
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    compiled = {
        native(name): [native(path) for path in paths]
        for name, paths in settings["compiled"].items()
    }
    sys.meta_path.insert(0, Compiled(compiled))
    sampler = Sampler()
    # Registered first and therefore called last: the program's own exit handlers are included.
    atexit.register(report, settings["report"], time.time(), sampler)
    if settings["interval"]:
        sampler.start(settings["interval"])
    if "__main__" in compiled:
        load("__main__", compiled["__main__"][0], script, main_globals(script))
    else:
        run(script)


def native(text):
    """A text as str, which in 2.7 is bytes."""
    return text if isinstance(text, str) else text.encode("utf-8")


def run(script):
    """Execute the source of a script as __main__."""
    with io.open(script, "rb") as file:
        code = compile(file.read(), script, "exec", 0, True)
    main = types.ModuleType("__main__")
    main.__dict__.update(main_globals(script))
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def main_globals(script):
    """The globals that Python sets for a script that it runs as __main__."""
    namespace = {
        name: value
        for name, value in _INITIAL_GLOBALS.items()
        if name.startswith("__") and name != "__doc__"
    }
    namespace["__file__"] = script
    if "__loader__" in namespace:
        namespace["__loader__"] = type(namespace["__loader__"])("__main__", script)
    return namespace


def load(name, path, source, attributes=()):
    """Import the compiled module at `path` under a name, in place of its source.

    `attributes` are set before its code runs.
    """
    if sys.version_info < (3,):
        import imp

        # load_dynamic uses the module that is in sys.modules, with these attributes.
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
    """Create the compiled module without running its code (3.x)."""
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
    """Importer of the compiled modules, by PEP 302 (2.7) and PEP 451 (3.x)."""

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
    """Counts samples of the main thread: by function (with and without callees), and by line."""

    def __init__(self):
        self.samples = 0
        self.functions = {}
        self.lines = {}

    def start(self, interval):
        """Start sampling; the program must not use SIGPROF."""
        signal.signal(signal.SIGPROF, self.sample)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, interval, interval)

    def stop(self):
        """Stop sampling; does nothing without start."""
        signal.setitimer(signal.ITIMER_PROF, 0, 0)

    def sample(self, _number, frame):
        """Count one sample; those in this file, before and after the program, are left out."""
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
    """Write the resources used by the process and its ended children, and the samples."""
    sampler.stop()
    wall = time.time() - began
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    data = {"cpu": sum(usage.ru_utime + usage.ru_stime for usage in usages), "wall": wall}
    if sampler.samples:
        data["samples"] = sampler.samples
        data["functions"] = [list(key) + counts for key, counts in sampler.functions.items()]
        data["lines"] = [list(key) + [count] for key, count in sampler.lines.items()]
        data["modules"] = modules()
        data["library"] = os.path.dirname(os.path.realpath(os.__file__))
    text = json.dumps(data)
    with io.open(path, "wb") as file:
        file.write(text.encode("utf-8"))


def modules():
    """The names of imported modules, mapped to the paths of their sources."""
    paths = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            path = path[:-1] if path.endswith((".pyc", ".pyo")) else path
            paths[name] = os.path.abspath(path)
    return paths


if __name__ == "__main__":
    main()
