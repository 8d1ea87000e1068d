"""A test of the fake."""

pass
