"""Run the pip that is bundled with an interpreter, also if the interpreter has no ssl.

    python run_pip.py ARGUMENTS...

In the pip of Python 2.7.9 to 2.7.11, distlib imports ssl and names that depend on it
unconditionally. Installing from a folder needs none of them, so there are placeholders while
distlib is imported; later imports see that there is no ssl. Standard library and that pip only,
Python 2.7 and 3.x.
"""

import os
import runpy
import sys
import types


def import_without_ssl():
    """Import distlib with placeholders for ssl and the names that depend on it."""
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
    # As with -m: the folder of this file must not be on the path.
    sys.path[0] = os.getcwd()
    if sys.version_info < (3,):
        try:
            import ssl  # noqa: F401
        except ImportError:
            import_without_ssl()
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
