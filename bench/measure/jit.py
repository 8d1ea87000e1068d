"""Whether a CPython compiles while it runs: what its build can, and what its environment chooses.

CPython's JIT (`--enable-experimental-jit[=yes|yes-off|interpreter|interpreter-off]`, 3.13 and
later) is in the build, and PYTHON_JIT (0, 1) chooses for each process; without the variable "yes"
and "interpreter" are on, the others off. The interpreter of micro-operations counts as a JIT: it
finds hot loops in the same way, and is as slow before that.

From 3.14 on the interpreter itself answers: `sys._jit.is_available()` says whether the build has
it, `is_enabled()` whether this process uses it. `is_active()` is not asked: it is about the calling
frame at this moment. 3.13 has no answer, and is judged by its configure arguments. What is not
known is UNKNOWN, and gets the warm-up of a JIT, which is only longer for an interpreter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from builder.process import Command, Completed, Runner, clean_environment
from builder.toolchain import as_mapping

ON, OFF, UNKNOWN, NONE = "on", "off", "unknown", ""
"""The states of a JIT: used by the processes, in the build but not used, not known, not built."""

_OPTION = re.compile(r"--(?:enable|disable)-experimental-jit(?:=([\w-]+))?(?=['\"\s]|$)")
_QUERY = """
import json, sys, sysconfig
jit = getattr(sys, "_jit", None)
enabled = None if jit is None else jit.is_enabled()
print(json.dumps([enabled, sysconfig.get_config_var("CONFIG_ARGS") or ""]))
"""


def configured(arguments: Iterable[str]) -> str:
    """The mode of the JIT in configure's arguments: yes, yes-off, interpreter, ...; "" for none."""
    mode = ""
    for match in _OPTION.finditer(" ".join(arguments)):
        named = "no" if match.group(0).startswith("--disable") else match.group(1) or "yes"
        mode = "" if named == "no" else named
    return mode


def expected(mode: str, variables: Iterable[str]) -> str:
    """The state of a JIT of that mode in a process with these variables, NAME=VALUE."""
    if not mode:
        return NONE
    value = as_mapping(variables).get("PYTHON_JIT", "")
    if value:
        return OFF if value.startswith("0") else ON
    known = {"yes": ON, "interpreter": ON, "yes-off": OFF, "interpreter-off": OFF}
    return known.get(mode, UNKNOWN)


def query_command(python: Path, variables: Iterable[str]) -> Command:
    """The command that asks an interpreter about its JIT, in the environment of its processes."""
    environment = clean_environment(**as_mapping(variables))
    return Command(argv=(str(python), "-c", _QUERY), env=environment)


def ask(runner: Runner, python: Path, variables: tuple[str, ...]) -> str:
    """The state of a CPython's JIT, as the interpreter says, else by its configure arguments."""
    return _state(runner.run(query_command(python, variables), timeout=60), variables)


def _state(completed: Completed, variables: tuple[str, ...]) -> str:
    try:
        enabled, arguments = json.loads(completed.output.strip().splitlines()[-1])
    except (ValueError, IndexError, TypeError):
        return UNKNOWN
    mode = configured([str(arguments)])
    if not mode:
        # A distribution may hide the arguments: what is on is on.
        return ON if enabled else NONE
    if enabled is None:
        return expected(mode, variables)
    return ON if enabled else OFF


def needs_warmup(state: str) -> bool:
    """Whether processes compile while they run, as far as is known."""
    return state in (ON, UNKNOWN)


def texts(states: Mapping[str, str]) -> str:
    """The states of some arms in words: base off, candidate on."""
    return ", ".join(f"{arm} {state or 'without one'}" for arm, state in states.items())
