"""The folders that come with patchbench, beside each other in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Holds bench, builder, ext, patches and experiments."""
INSIDE = ROOT / "bench" / "inside"
"""Scripts that run inside the measured interpreter."""
DATA = ROOT / "bench" / "data"
KERNELS_MANIFEST = ROOT / "ext" / "suite" / "MANIFEST"
