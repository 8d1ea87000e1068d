"""Runs a pyperf script of which the module was compiled: the script unchanged, its code in C.

Executed by gate.py, inside the measured interpreter: standard library alone, Python 2.7 and 3.x.

The module is the script as Cython compiled it, under the script's own name, so that what it pickles
is found again, and with the script as its __file__, so that it finds its data. What the script does
only as the main module is executed as it stands, in the namespace of the compiled module: that
makes pyperf's runner and hands compiled functions to it.
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
    # Kept alive: Python 2.7 empties the globals of a module that is collected.
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
    found = importlib.util.module_from_spec(spec)
    found.__file__ = script  # before its code runs
    sys.modules[name] = sys.modules["__main__"] = found
    loader.exec_module(found)
    return found


def _load_2(name, path, script):
    """In 2.7 a module runs before anybody can give it a __file__: it finds a built-in one."""
    import imp

    import __builtin__

    __builtin__.__file__ = script
    try:
        found = imp.load_dynamic(name, path)
    finally:
        del __builtin__.__file__
    found.__file__ = script
    return found


def guarded(script):
    """The code that a script runs only where it is the main module."""
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
    """Whether it is __name__ == "__main__", however that is written."""
    names = [node.id for node in ast.walk(test) if isinstance(node, ast.Name)]
    if names != ["__name__"]:
        return False
    code = compile(ast.Expression(test), "test", "eval")
    asked = [eval(code, {"__name__": name}) for name in ("__main__", "another")]
    return bool(asked[0]) and not asked[1]
