"""The static site of a history."""

from bench.site.build import build_site, write_site

__all__ = ["build_site", "write_site"]
