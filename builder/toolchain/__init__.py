"""Programs and variables that a build or a measured process gets beside its compiler."""

from builder.toolchain.tools import ToolIdentity, ToolRequest, choose, jit_version
from builder.toolchain.variables import (
    BUILD,
    CONFIGURE,
    RUN,
    as_mapping,
    is_program,
    refusal,
)

__all__ = [
    "BUILD",
    "CONFIGURE",
    "RUN",
    "ToolIdentity",
    "ToolRequest",
    "as_mapping",
    "choose",
    "is_program",
    "jit_version",
    "refusal",
]
