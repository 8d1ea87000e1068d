"""The histories of `tests.bench.history.conftest`, for the site's own tests."""

from tests.bench.history.conftest import history, place, postgresql

__all__ = ["history", "place", "postgresql"]
