"""The jobs: a package for each, which no other job imports."""
