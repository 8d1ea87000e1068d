"""Packages from this machine's Debian or Ubuntu archive, through a private apt state."""

from builder.packages.apt import GoneError
from builder.packages.binary import Binaries, Binary
from builder.packages.source import Apt, Package

__all__ = [
    "Apt",
    "Binaries",
    "Binary",
    "GoneError",
    "Package",
]
