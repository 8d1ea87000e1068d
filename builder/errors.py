"""The exceptions that are reported to the user, each class with its own exit code.

Every error states what failed, where, and what to do about it. The command line prints the three
and exits with `exit_code`; any other exception that reaches it is a bug in patchbench.
"""

from __future__ import annotations

from typing import ClassVar


class PatchbenchError(Exception):
    """A failure that a user can cause or repair.

    `what` is one sentence, `where` names the file, patch, hunk, test or command, `hint` says what
    to do. All three are plain text, may have several lines, and are escaped when they are printed.
    """

    exit_code: ClassVar[int] = 10

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"  where: {_indent(self.where)}")
        if self.hint:
            parts.append(f"  to do: {_indent(self.hint)}")
        return "\n".join(parts)


def _indent(text: str) -> str:
    return text.replace("\n", "\n         ")


class UsageError(PatchbenchError):
    """A command line that is not valid or cannot be executed."""

    exit_code = 2


class ExperimentError(PatchbenchError):
    """An experiment file that is not valid: `where` names the file and the key."""

    exit_code = 3


class SourceError(PatchbenchError):
    """A source that cannot be reached, or a revision that it does not have."""

    exit_code = 4


class PatchError(PatchbenchError):
    """A patch or series that is malformed, unsafe, does not apply, or would have no effect."""

    exit_code = 5


class BuildError(PatchbenchError):
    """configure, make or install failed, or the build differs from its recipe."""

    exit_code = 6


class BrokenError(PatchbenchError):
    """A candidate did not build or did not pass the gate; the result was written."""

    exit_code = 7


class MeasureError(PatchbenchError):
    """Nothing could be measured."""

    exit_code = 8


class StoreError(PatchbenchError):
    """The store, the cache or the results folder cannot be read or written."""

    exit_code = 9


class ToolError(PatchbenchError):
    """A program that is missing or does not work: compiler, git, make, apt."""

    exit_code = 11


class RequirementsError(PatchbenchError):
    """Requirements of a suite that cannot be installed into an interpreter's environment."""

    exit_code = 12


class DataError(PatchbenchError):
    """A file of results that cannot be read: not pyperf JSON, damaged, or of an unknown schema."""

    exit_code = 13


class VerifyError(PatchbenchError):
    """A bundle that was altered or is unsafe, or whose figures do not follow from its data."""

    exit_code = 14


class BusyError(PatchbenchError):
    """An operation that must not run twice at the same time is running already: a night."""

    exit_code = 15


class DeliveryError(PatchbenchError):
    """A mail that could not be delivered."""

    exit_code = 16


class BisectError(PatchbenchError):
    """A bisection that did not end at a single commit; its result was written."""

    exit_code = 17


class DifferentError(PatchbenchError):
    """A program that behaves differently when one of its modules is compiled."""

    exit_code = 18


class IncomparableError(PatchbenchError):
    """Two files of results without a benchmark to compare: nothing in common, or the same runs."""

    exit_code = 19


# The run itself succeeded: its verdict is one that --fail-on names, or `reproduce` got a verdict
# other than the one in the bundle.
EXIT_VERDICT = 1
EXIT_BUG = 70
EXIT_ENVIRONMENT = 71
# `git bisect run` reads 125 as "cannot be tested" and 128 or more as "abort".
EXIT_SKIP = 125
EXIT_STOP = 128
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class UnreachableError(SourceError):
    """A source that cannot be reached; another source may be tried."""
