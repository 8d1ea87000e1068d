"""Reading a flavor: the table of an experiment file that says how a tree is compiled."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bench.keys import Keys, kind_of
from builder import loop_flags
from builder.spec import Flavor

_KEYS = ("pgo", "lto", "computed_gotos", "configure", "cflags", "cc", "loop_cflags")
_OPTION = re.compile(r"--(with|without|enable|disable)-[A-Za-z0-9][\w-]*(=.*)?", re.ASCII)
# Options that a flavor has keys for, or that are always given; and what to do in their place.
_OURS = {
    "--enable-option-checking": "it is on, so that no option is lost",
    "--disable-option-checking": "it is on, so that no option is lost",
    "--enable-optimizations": "use pgo = true",
    "--with-lto": "use lto = true",
    "--with-computed-gotos": "use computed_gotos = true",
    "--without-computed-gotos": "",
}


def read_flavor(keys: Keys, value: Any, key: str, default: Flavor) -> Flavor:
    """The flavor of the table `value`, with what it does not say from `default`.

    Raises ExperimentError naming `key`.
    """
    if not isinstance(value, dict):
        keys.fail(key, f"is {kind_of(value)}", "a table, for example { pgo = true }")
    keys.known(value, key, _KEYS)
    flavor = replace(
        default,
        pgo=keys.boolean(value, key, "pgo", default.pgo),
        lto=keys.boolean(value, key, "lto", default.lto),
        configure=keys.strings(value, key, "configure") or default.configure,
        cflags=keys.string(value, key, "cflags", default.cflags),
        cc=keys.string(value, key, "cc", default.cc),
        loop_cflags=keys.string(value, key, "loop_cflags", default.loop_cflags).strip(),
    )
    if "computed_gotos" in value:
        gotos = keys.boolean(value, key, "computed_gotos", True)
        flavor = replace(flavor, computed_gotos=gotos)
    for option in flavor.configure:
        _check_option(keys, option, f"{key}.configure")
    for flag in flavor.loop_cflags.split():
        if not loop_flags.FLAG.fullmatch(flag):
            keys.fail(f"{key}.loop_cflags", f"has {flag!r}", "options of gcc such as -fno-gcse")
    return flavor


def _check_option(keys: Keys, option: str, key: str) -> None:
    if not _OPTION.fullmatch(option):
        # Others say where to install to, and configure takes abbreviations of them.
        keys.fail(key, f"has {option!r}", "options --with-*, --without-*, --enable-* and so on")
    instead = _OURS.get(option.split("=", 1)[0])
    if instead:
        keys.fail(key, f"has {option!r}", f"other options: {instead}")
