"""patchbench is a program, not a library: `patchbench` or `python -m patchbench` starts it.

Importing this package does nothing. `patchbench.__main__` explains where the modules are and why.
"""
