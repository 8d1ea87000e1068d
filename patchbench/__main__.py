"""The launcher: finds the folder that holds bench, builder and ext, and starts the command line.

The modules import each other as `bench`, `builder` and `ext`. At the top of site-packages, names as
general as these would clash with other people's packages. So a wheel has one name there,
`patchbench`: a folder with all that the checkout has of bench, builder, ext, patches and
experiments. The launcher puts the folder that holds them first on sys.path, in its own process
alone: absolute imports are the same in a wheel and in a checkout, another package called `bench`
does not shadow ours, and no other program sees ours.

It first starts its interpreter again without the caller's PYTHON* variables and current folder: a
`statistics.py` there would be imported in place of Python's. PYTHONHOME stops an interpreter before
this module is read; the launcher of `make setup` (scripts/venv.sh) starts one that ignores it.
"""

from __future__ import annotations

# Python itself has imported these already, so that nothing of the caller's can stand for them.
import os
import site
import sys

EXIT_BUG, EXIT_ENVIRONMENT, EXIT_INTERRUPTED = 70, 71, 130


def application_folder() -> str:
    """The folder that holds bench: this package in a wheel, the one above it in a checkout."""
    package = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    return package if os.path.isdir(f"{package}/bench") else os.path.dirname(package)  # noqa: PTH112, PTH120


def isolated_command() -> list[str]:
    """The command that starts this one again in isolation; empty if it is isolated already.

    It is -I without -s where packages of the user's own site are in use.
    """
    if not sys.executable or (sys.flags.ignore_environment and sys.flags.safe_path):
        return []
    without_user_site = [] if site.ENABLE_USER_SITE else ["-s"]
    return [sys.executable, "-E", "-P", *without_user_site, __file__, *sys.argv[1:]]


def main() -> int:
    """Run the command line and return its exit code, which is never 1 for want of a module."""
    if command := isolated_command():
        os.execv(command[0], command)
    sys.path.insert(0, application_folder())
    try:
        from bench.cli import main as command_line

        return command_line.main()
    except ImportError as error:
        return _stop(EXIT_ENVIRONMENT, _broken(error))
    except KeyboardInterrupt:
        return _stop(EXIT_INTERRUPTED, "Interrupted.")
    except Exception as error:
        kind = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return _stop(EXIT_BUG, f"This is a bug in patchbench ({kind}).\n  to do: Report the bug.")


def _broken(error: ImportError) -> str:
    return (
        f"The installation of patchbench is broken: {error}.\n"
        f"  where: {error.path or sys.prefix}\n"
        "  to do: Install it again: `rm -rf .venv` and `make setup` in a checkout, otherwise `pip "
        "install --force-reinstall` of the same wheel."
    )


def _stop(code: int, message: str) -> int:
    import contextlib

    # A closed or full stderr does not change the exit code.
    with contextlib.suppress(OSError, ValueError):
        print(f"patchbench: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
