"""The command line: the module `main` and what it is made of."""

__all__ = ["main"]
