"""bench.jobs"""

from bench.jobs import ladder

__all__ = [
    "ladder",
]
