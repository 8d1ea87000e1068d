"""Run a pyperf script that was compiled to an extension module.

Executed by gate.py, inside the measured interpreter: standard library only, Python 2.7 and 3.x.

The module is the script as compiled by Cython. It has the script's name, so that pickles of its
objects can be loaded, and the script's path as __file__, so that it finds its data. The part that
the script runs only as the main module is executed from the source, in the namespace of the
compiled module: it creates pyperf's runner and passes compiled functions to it.
"""

from __future__ import absolute_import
import __future__

import ast
import os
import sys


def run(script, module):
    """Execute `script` as the main module, with its code from the extension module `module`."""
    sys.argv[:] = sys.argv[1:]
    sys.path[0] = os.path.dirname(script)
    # Keeps this module alive: Python 2.7 clears the globals of a module that is collected.
    sys.modules["patchbench_gate"] = sys.modules["__main__"]
    name = os.path.splitext(os.path.basename(script))[0]
    main = _load_2(name, module, script) if sys.version_info < (3,) else _load(name, module, script)
    sys.modules["__main__"] = main
    exec(guarded(script), main.__dict__)


def _load(name, path, script):
    import importlib.machinery
    import importlib.util

    loader = importlib.machinery.ExtensionFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    module.__file__ = script  # before its code runs
    sys.modules[name] = sys.modules["__main__"] = module
    loader.exec_module(module)
    return module


def _load_2(name, path, script):
    """In 2.7 a module runs before its __file__ can be set, so a built-in name provides it."""
    import imp

    import __builtin__

    __builtin__.__file__ = script
    try:
        module = imp.load_dynamic(name, path)
    finally:
        del __builtin__.__file__
    module.__file__ = script
    return module


def guarded(script):
    """The code that a script runs only as the main module."""
    with open(script, "rb") as source:
        tree = compile(source.read(), script, "exec", ast.PyCF_ONLY_AST, True)
    flags = 0
    body = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
        elif isinstance(node, ast.If) and _asks_for_main(node.test):
            body += node.body
    tree.body = body
    return compile(tree, script, "exec", flags, True)


def _asks_for_main(test):
    """Whether a condition is equivalent to __name__ == "__main__"."""
    names = [node.id for node in ast.walk(test) if isinstance(node, ast.Name)]
    if names != ["__name__"]:
        return False
    code = compile(ast.Expression(test), "test", "eval")
    results = [eval(code, {"__name__": name}) for name in ("__main__", "another")]
    return bool(results[0]) and not results[1]
