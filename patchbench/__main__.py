"""The launcher: finds the folder that holds bench, builder and ext, and starts the command line.

The modules import each other as `bench`, `builder` and `ext`. At the top of site-packages, names as
general as these would clash with other people's packages. So a wheel has one name there,
`patchbench`: a folder with all that the checkout has of bench, builder, ext, patches and
experiments. The launcher puts the folder that holds them first on sys.path, in its own process
alone: absolute imports are the same in a wheel and in a checkout, another package called `bench`
does not shadow ours, and no other program sees ours.
"""

from __future__ import annotations

import sys
from pathlib import Path


def application_folder() -> Path:
    """The folder that holds bench: this package in a wheel, the one above it in a checkout."""
    package = Path(__file__).resolve().parent
    return package if (package / "bench").is_dir() else package.parent


def main() -> int:
    """Run the command line and return its exit code."""
    sys.path.insert(0, str(application_folder()))
    from bench.cli import main as command_line

    return command_line.main()


if __name__ == "__main__":
    sys.exit(main())
