"""Reading ELF binaries: the evaluation loop and its dispatch, its compiler, code digests."""

from builder.builds.machine_code.dispatch import Dispatch
from builder.builds.machine_code.elf import code_digest, code_size
from builder.builds.machine_code.kinds import LoopFacts, dispatch_of, in_effect, reason_of
from builder.builds.machine_code.loop import Loop, evaluation_loop

__all__ = [
    "Dispatch",
    "Loop",
    "LoopFacts",
    "code_digest",
    "code_size",
    "dispatch_of",
    "evaluation_loop",
    "in_effect",
    "reason_of",
]
