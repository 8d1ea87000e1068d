"""Interpreters that are not built here: PyPy and any other Python executable."""

from builder.runtimes import runtime
from builder.runtimes.install import RuntimeOffer, Unpacking
from builder.runtimes.runtime import Runtime

__all__ = [
    "Runtime",
    "RuntimeOffer",
    "Unpacking",
    "runtime",
]
