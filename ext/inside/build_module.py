"""Compile one C file to an extension module: build_module.py NAME SOURCE FOLDER SCRATCH [FLAG...].

Runs in the interpreter that the module is for, with setuptools on its path.
"""

from __future__ import absolute_import

import sys

from setuptools import Extension, setup


def main(name, source, folder, scratch, flags):
    """Leave the module in `folder`, named as this interpreter looks for it."""
    module = Extension(name, [source], extra_compile_args=flags)
    options = ["build_ext", "--build-lib", folder, "--build-temp", scratch]
    setup(name=name, ext_modules=[module], script_args=options, py_modules=[], packages=[])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
