"""The caller's environment on its way to the jobs that need it, and never shown on that way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class CallerEnvironment(Mapping[str, str]):
    """All variables of the caller. They may hold passwords: neither repr nor str shows any."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return f"<the caller's environment: {len(self)} variables>"
