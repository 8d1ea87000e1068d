"""Folders that are part of patchbench, at the same relative places in a checkout and a wheel."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder that contains bench, builder, ext, patches and experiments."""
INSIDE = ROOT / "bench" / "inside"
"""Scripts that run inside the measured interpreter."""
DATA = ROOT / "bench" / "data"
KERNELS_MANIFEST = ROOT / "ext" / "suite" / "MANIFEST"
