"""Which pyperf and which pyperformance measure which version of Python: one table.

Each version has the last pyperf that supports it, and the last pyperformance whose benchmarks do:
from 1.0.3 on each benchmark names the Pythons that it supports, which is 3.8 or newer for nearly
all of them, though those releases themselves run on older ones. `worker` is what a worker imports,
pinned. psutil is left out on purpose: on Linux pyperf's worker reads all that it records from
/proc, and psutil would cost a third of a worker's start-up and, for old Pythons, a compilation per
environment. docutils is left out as well, which `statistics` requires and never imports.

3.0 to 3.5 are left out: pyperf 1.7 runs on some of them, but no release of pyperformance names
them, and none was tried.
"""

from __future__ import annotations

from dataclasses import dataclass

from builder.errors import MeasureError
from builder.versions import minor, numbers

# The release that is installed beside us, and whose own manifest is read.
MODERN = "1.14.0"
LAST_FOR_PYTHON2 = "0.9.1"


@dataclass(frozen=True, kw_only=True)
class Tooling:
    """What measures the Pythons from `first` on: pins of a worker, a release of pyperformance."""

    first: tuple[int, int]
    worker: tuple[str, ...]
    suite: str


# Newest first.
TOOLING = (
    Tooling(first=(3, 9), worker=("pyperf==2.10.0",), suite=MODERN),
    Tooling(first=(3, 8), worker=("pyperf==2.8.0",), suite="1.11.0"),
    Tooling(first=(3, 7), worker=("pyperf==2.8.0",), suite="1.0.2"),
    Tooling(first=(3, 6), worker=("pyperf==2.5.0",), suite="1.0.2"),
    Tooling(
        first=(2, 7),
        worker=("pyperf==1.6.1", "statistics==1.0.3.5", "six==1.12.0"),
        suite=LAST_FOR_PYTHON2,
    ),
)
_FIRST_OF_3 = (3, 6)


def tooling(version: str) -> Tooling:
    """What measures a version of Python: "2.7.18", "3.16.0a2+".

    Raises MeasureError, which no other choice of benchmarks mends, for one that nothing measures.
    """
    at = minor(version)
    is_between = (3, 0) <= at < _FIRST_OF_3
    for row in TOOLING:
        if at >= row.first and not is_between:
            return row
    raise MeasureError(
        f"Python {version} can be built, but not measured: patchbench has no pyperf and "
        f"pyperformance for it.",
        where=f"Python {numbers(version)}",
        hint="Measure a revision of 2.7, or of 3.6 or newer. `patchbench build` builds this one.",
    )
