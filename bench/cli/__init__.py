"""The command line: `main` parses the arguments and runs a command."""

__all__ = ["main"]
