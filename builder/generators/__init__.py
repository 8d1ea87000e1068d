"""Generated files of a CPython tree: which are made from which, and making them again."""

from builder.generators import regenerate
from builder.generators.generators import Requirement, forgotten, requirement

__all__ = ["Requirement", "forgotten", "regenerate", "requirement"]
