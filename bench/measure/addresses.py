"""Memory addresses of processes: drawn once for each block, and the same for all of its arms.

The kernel draws addresses (ASLR) for each process, which keeps them until it ends. Since caches
depend on addresses, two processes of one binary differ by 0.3 to 3%, which was most of the
difference between the arms of a block. Drawn here and used for all arms alike, addresses cause no
difference between arms; drawn again for each block, their effect is still covered by intervals
(common random numbers). Mytkowicz and others, "Producing wrong data without doing anything
obviously wrong!" (ASPLOS 2009), show the effect of the size of the environment alone.

With ASLR off (`setarch -R`) the stack begins below the environment, whose size is drawn here, and
mappings (libraries, arenas of objects) lie below the space that the limit of the stack reserves,
which is drawn as well. The program itself and its first heap are at fixed addresses: their effect
on one binary is a property of the binary, as its layout is.
"""

from __future__ import annotations

import random
import resource
from dataclasses import dataclass

_PAGE = 4096
# The kernel reserves at least 128 MB for the stack, whatever its limit.
_LEAST_STACK = 256 << 20
# Some kernels align large libraries to 2 MB: the range of drawn limits is much larger.
_PLACES = 1 << 16

PROBE = ("setarch", "-R", "true")
"""A command that fails where the kernel or a sandbox does not allow choosing addresses."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """`padding`: additional bytes in the environment; `stack`: soft limit of the stack in bytes,
    None where this process may not raise it to the drawn value.
    """

    padding: int
    stack: int | None

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before a command."""
        limit = () if self.stack is None else ("prlimit", f"--stack={self.stack}:")
        return (*limit, "setarch", "-R")

    @property
    def filling(self) -> str:
        """The value of an environment variable that no program reads."""
        return "x" * self.padding


def draw(chance: random.Random) -> Addresses:
    """Draw addresses for the arms of a block; the numbers are the same on every machine."""
    padding = chance.randrange(_PAGE)
    stack = _LEAST_STACK + _PAGE * chance.randrange(_PLACES)
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    allowed = hard == resource.RLIM_INFINITY or hard >= _LEAST_STACK + _PAGE * _PLACES
    return Addresses(padding=padding, stack=stack if allowed else None)
