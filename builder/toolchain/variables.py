"""Which variables a flavor may set, and why others are refused.

Variables are texts NAME=VALUE. Those of processes are refused where patchbench sets them itself, or
where they would change which program runs; those of configure are a list, since configure ignores
a name that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

RUN, BUILD, CONFIGURE = "run", "build", "configure"
"""Whose variables: the measured processes', the steps' of a build, configure's."""

_FORM = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=([^\0\n\r]*)", re.ASCII)
_SAME_FOR_ALL = "patchbench sets it, the same for all arms"
_LOADER = "it changes which libraries the process loads, and reaches the programs around it"
_IMPORTS = "patchbench decides what a process imports"
_ENDLESS = "a process would wait for input at its end"
_ALWAYS = {
    "PATH": _SAME_FOR_ALL,
    "HOME": _SAME_FOR_ALL,
    "TMPDIR": _SAME_FOR_ALL,
    "LANG": _SAME_FOR_ALL,
    "LANGUAGE": _SAME_FOR_ALL,
    "BASH_ENV": "it changes what the shells of a build do",
    "ENV": "it changes what the shells of a build do",
    "PYTHONHOME": _IMPORTS,
    "PYTHONPATH": _IMPORTS,
    "PYTHONPLATLIBDIR": _IMPORTS,
    "PYTHONEXECUTABLE": _IMPORTS,
    "PYTHONSAFEPATH": _IMPORTS,
    "PYTHONSTARTUP": _IMPORTS,
    "PYTHONUSERBASE": _IMPORTS,
    "PYTHONNOUSERSITE": _SAME_FOR_ALL,
    "PYTHONINSPECT": _ENDLESS,
}
_RUN = {
    "PYTHONHASHSEED": "patchbench draws it for each block, the same for all arms",
    "PYTHONDONTWRITEBYTECODE": "imports would be compiled again in each process of one arm",
    "TZ": _SAME_FOR_ALL,
}
_BUILD = {
    "TZ": _SAME_FOR_ALL,
    "SOURCE_DATE_EPOCH": _SAME_FOR_ALL,
    "MAKEFLAGS": "patchbench decides how make runs",
    "MFLAGS": "patchbench decides how make runs",
    "GNUMAKEFLAGS": "patchbench decides how make runs",
    "CONFIG_SITE": "configure would read another program's settings",
    "DESTDIR": "it changes the install folder",
    "CC": "use flavor.cc",
    "CFLAGS": "use flavor.cflags",
}
# Prefixes of names; the longer name before the shorter.
_PREFIXES = {
    "LD_": _LOADER,
    "LC_": _SAME_FOR_ALL,
    "PATCHBENCH": "the name is patchbench's own",
    "PYPERF": "pyperf would measure in another way for this arm",
}
_BUILD_PREFIXES = {"CCACHE_": "patchbench sets the cache of the compiler"}

_PROGRAMS = ("LLVM_PROFDATA", "LLVM_AR", "LLVM_BOLT", "MERGE_FDATA", "AR", "CXX", "PKG_CONFIG")
_CONFIGURE = (
    *_PROGRAMS,
    *("CPPFLAGS", "LDFLAGS", "LIBS", "CFLAGS_NODIST", "LDFLAGS_NODIST", "CXXFLAGS"),
    *("PROFILE_TASK", "BOLT_COMMON_FLAGS", "BOLT_INSTRUMENT_FLAGS", "BOLT_APPLY_FLAGS"),
    *("PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"),
)
# The flags of one library, as pkg-config would give them: LIBFFI_CFLAGS, LIBLZMA_LIBS.
_OF_LIBRARY = re.compile(r"[A-Z][A-Z0-9]*_(CFLAGS|LIBS)", re.ASCII)
_ELSEWHERE = {
    "CC": "use flavor.cc",
    "CFLAGS": "use flavor.cflags",
    "OPT": "use flavor.cflags, which come after it",
}


def refusal(kind: str, text: str) -> str:
    """Why a variable cannot be set for RUN, BUILD or CONFIGURE; "" where it can."""
    match = _FORM.fullmatch(text)
    if match is None:
        return "it is not NAME=VALUE in one line"
    name = match.group(1)
    return _of_configure(name) if kind == CONFIGURE else _of_process(kind, name)


def _of_configure(name: str) -> str:
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    if name in _CONFIGURE or _OF_LIBRARY.fullmatch(name):
        return ""
    return f"configure may not know it; known are {', '.join(_CONFIGURE)}, and NAME_LIBS"


def _of_process(kind: str, name: str) -> str:
    own, prefixes = (_RUN, {}) if kind == RUN else (_BUILD, _BUILD_PREFIXES)
    reasons = _ALWAYS | own
    if name in reasons:
        return reasons[name]
    prefixes = _PREFIXES | prefixes
    return next((why for prefix, why in prefixes.items() if name.startswith(prefix)), "")


def as_mapping(variables: Iterable[str]) -> dict[str, str]:
    """Names to values, of texts NAME=VALUE."""
    pairs = (text.partition("=") for text in variables)
    return {name: value for name, _equals, value in pairs}


def is_program(name: str) -> bool:
    """Whether the value of a variable of configure is a program.

    configure uses such a value only if it is an absolute path, and else silently its own choice.
    """
    return name in _PROGRAMS
