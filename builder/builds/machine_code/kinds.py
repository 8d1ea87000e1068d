"""The kind of dispatch, PGO and LTO by the facts of a loop, those of older versions included.

Older facts have no kind. What clang's builds do not tell is False in them, and is unknown here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from builder.builds.machine_code.dispatch import Dispatch


class LoopFacts(Protocol):
    """The facts of an evaluation loop, as a build or a result has them.

    `dispatch` is "" in older facts.
    """

    @property
    def compiler(self) -> str:
        """The compiler, as the binary names it."""

    @property
    def options(self) -> str:
        """The options of the loop; "" if not recorded."""

    @property
    def pgo(self) -> bool | None:
        """Whether PGO is in effect; None if unknown."""

    @property
    def lto(self) -> bool | None:
        """Whether LTO is in effect; None if unknown."""

    @property
    def computed_gotos(self) -> bool | None:
        """Whether computed gotos are in effect; None if unknown."""

    @property
    def indirect_jumps(self) -> int:
        """The number of indirect jumps."""

    @property
    def dispatch(self) -> str:
        """The name of a `Dispatch`."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why "dispatch", "pgo" and "lto" are unknown."""


# Fewer indirect jumps than this in a loop of computed gotos, of older facts without `handlers`.
_MERGED = 20


def dispatch_of(facts: LoopFacts) -> Dispatch:
    """The kind of dispatch; of older facts as far as they tell."""
    if facts.dispatch:
        return Dispatch.of(facts.dispatch)
    if facts.computed_gotos:
        return Dispatch.MERGED if facts.indirect_jumps < _MERGED else Dispatch.GOTOS
    return Dispatch.UNKNOWN if _is_silent(facts) else Dispatch.SWITCH


def in_effect(facts: LoopFacts, name: str) -> bool | None:
    """Whether "pgo" or "lto" is in effect; None if that is unknown."""
    value: bool | None = facts.pgo if name == "pgo" else facts.lto
    return None if _is_silent(facts) and not facts.options and not value else value


def reason_of(facts: LoopFacts, name: str) -> str:
    """Why "dispatch", "pgo" or "lto" is unknown."""
    silent = "read by an older version, which did not know clang's builds"
    return facts.reasons.get(name) or (silent if _is_silent(facts) else "")


def _is_silent(facts: LoopFacts) -> bool:
    """Whether these are older facts of a build by clang: what they do not have is not known."""
    return not facts.dispatch and "clang" in facts.compiler.lower()
