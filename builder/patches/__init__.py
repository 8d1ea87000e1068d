"""Patches and series of patches: reading them, checking them, applying them to a revision."""

from builder.patches import catalogue, patch, series_toml
from builder.patches.apply import apply_series, check_applies, compatible_series
from builder.patches.catalogue import Series, adhoc, load
from builder.patches.files import PatchFile, PatchStack, stack_files
from builder.patches.patch import Patch

__all__ = [
    "Patch",
    "PatchFile",
    "PatchStack",
    "Series",
    "adhoc",
    "apply_series",
    "catalogue",
    "check_applies",
    "compatible_series",
    "load",
    "patch",
    "series_toml",
    "stack_files",
]
