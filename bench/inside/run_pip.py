"""Runs the pip that an interpreter brings, where that interpreter has no ssl as well.

    python run_pip.py ARGUMENTS...

A part of the pips of Python 2.7.9 to 2.7.11 (distlib) imports ssl and what depends on it without
asking whether it is there. To install from a folder it needs none of it, so it gets placeholders
while it is imported; whatever comes after sees that there is no ssl. Standard library and that pip
alone, Python 2.7 and 3.x.
"""

import os
import runpy
import sys
import types


def import_without_ssl():
    """Import distlib with placeholders for what it asks of an ssl that is not there."""
    import httplib
    import urllib2

    httplib.HTTPSConnection = httplib.HTTPConnection
    urllib2.HTTPSHandler = urllib2.HTTPHandler
    sys.modules["ssl"] = types.ModuleType("ssl")
    try:
        import pip._vendor.distlib.scripts  # noqa: F401
    except ImportError:
        pass  # a pip without it
    finally:
        del sys.modules["ssl"], httplib.HTTPSConnection, urllib2.HTTPSHandler


if __name__ == "__main__":
    # As with -m: the folder of this file is none of pip's business.
    sys.path[0] = os.getcwd()
    if sys.version_info < (3,):
        try:
            import ssl  # noqa: F401
        except ImportError:
            import_without_ssl()
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
