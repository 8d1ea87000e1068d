"""Where the memory of a process lies: drawn once for a block, and the same for all of its arms.

The kernel draws addresses anew for each process, and a process keeps what it drew: with caches that
look at addresses, that makes two processes of one binary differ by 0.3 to 3%, which was most of the
difference between the arms of a block. Drawn by us and given to all arms alike, it is no difference
between them any more; drawn again for each block, it is still one of the things that an interval
covers (common random numbers). Mytkowicz and others, "Producing wrong data without doing anything
obviously wrong!" (ASPLOS 2009), show how much the size of the environment alone can do.

With the kernel's own drawing off (`setarch -R`) the stack begins below the environment, whose size
is drawn here, and what is mapped (libraries, the arenas of objects) lies below the room that the
limit of the stack reserves, which is drawn as well. The program itself and its first heap lie where
they always do: what these addresses do to one binary belongs to the binary, as its layout does.
"""

from __future__ import annotations

import random
import resource
from dataclasses import dataclass

_PAGE = 4096
# The kernel reserves at least 128 MB for the stack, whatever its limit.
_LEAST_STACK = 256 << 20
# Some kernels put large libraries on 2 MB boundaries: far more than that is drawn from.
_PLACES = 1 << 16

PROBE = ("setarch", "-R", "true")
"""A command that fails where the kernel or a sandbox does not let us choose addresses."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """`padding`: bytes more in the environment; `stack`: soft limit of the stack in bytes, None
    where this process may not raise it so far.
    """

    padding: int
    stack: int | None

    @property
    def prefix(self) -> tuple[str, ...]:
        """What goes before a command."""
        limit = () if self.stack is None else ("prlimit", f"--stack={self.stack}:")
        return (*limit, "setarch", "-R")

    @property
    def filling(self) -> str:
        """The value of a variable that nobody reads."""
        return "x" * self.padding


def draw(chance: random.Random) -> Addresses:
    """Addresses for the arms of a block. Draws the same numbers on every machine."""
    padding = chance.randrange(_PAGE)
    stack = _LEAST_STACK + _PAGE * chance.randrange(_PLACES)
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    allowed = hard == resource.RLIM_INFINITY or hard >= _LEAST_STACK + _PAGE * _PLACES
    return Addresses(padding=padding, stack=stack if allowed else None)
