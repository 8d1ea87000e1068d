"""Whether this process can count instructions in hardware, found by opening a counter."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_SYSCALLS = {
    "x86_64": 298,
    "i386": 336,
    "i686": 336,
    "aarch64": 241,
    "riscv64": 241,
    "loongarch64": 241,
    "ppc64le": 319,
    "ppc64": 319,
    "s390x": 331,
}
_HARDWARE, _INSTRUCTIONS = 0, 1
# The bits disabled, exclude_kernel and exclude_hv of struct perf_event_attr.
_FLAGS = 1 << 0 | 1 << 5 | 1 << 6
_SIZE = 64  # PERF_ATTR_SIZE_VER0: every kernel accepts it
_CLOEXEC = 8


def probe_counters() -> str | None:
    """Open a counter of this process's instructions: None if it works, else the error's name.

    ENOENT, EOPNOTSUPP and ENODEV: the processor shows no counters; EACCES and EPERM: not allowed.
    """
    number = _SYSCALLS.get(os.uname().machine)
    if number is None:
        return "ENOSYS"
    # type, size, config, sample period, sample type, read format, flags, and 16 bytes unused.
    attributes = struct.pack("=IIQQQQQQQ", _HARDWARE, _SIZE, _INSTRUCTIONS, 0, 0, 0, _FLAGS, 0, 0)
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    arguments = (number, attributes, 0, -1, -1, _CLOEXEC)
    descriptor = syscall(*(_argument(value) for value in arguments))
    if descriptor < 0:
        return errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))
    os.close(descriptor)
    return None


def _argument(value: int | bytes) -> ctypes.c_long | ctypes.c_char_p:
    return ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_long(value)
