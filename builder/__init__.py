"""Builds of CPython: sources, git, series of patches, recipes, compiling, gate and store."""
