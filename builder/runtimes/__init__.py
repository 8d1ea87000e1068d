"""Runtimes, which are interpreters that patchbench does not build: PyPy, or any Python."""

from builder.runtimes import runtime
from builder.runtimes.install import Installer, RuntimeOffer
from builder.runtimes.runtime import Runtime

__all__ = [
    "Installer",
    "Runtime",
    "RuntimeOffer",
    "runtime",
]
