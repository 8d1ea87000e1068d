"""A test that is skipped."""

skip
