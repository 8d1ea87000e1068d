"""The caller's environment variables, passed to the jobs that need them and never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class CallerEnvironment(Mapping[str, str]):
    """All variables of the caller. They may hold passwords, so repr and str show none of them."""

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
