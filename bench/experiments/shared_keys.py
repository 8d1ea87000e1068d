"""Read the keys that experiment and nightly files share: sources, suites, sessions, flavors.

This module checks the types of values; `bench.experiments.build` checks the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import is_manifest
from bench.experiments.build import Origin, check_flavor, check_session
from bench.experiments.experiment import GATES, ConditionChanges, Conditions
from bench.experiments.session_options import (
    SessionChanges,
    SessionOptions,
    choices_of,
    number_range,
    whole_range,
)
from bench.util import Keys, kind_of
from builder.builds import Flavor
from builder.errors import UsageError
from builder.sources import SourceSpec, parse
from builder.toolchain import BUILD, RUN, as_mapping


def runtime_place(text: str, folder: Path) -> str:
    """Return a runtime's name unchanged, or its path, relative to `folder`, as an absolute path."""
    if "/" not in text:
        return text
    # Not resolved: the interpreter of a virtual environment is a symlink.
    return str((folder / Path(text).expanduser()).absolute())


def read_source(keys: Keys, value: Any, key: str = "source") -> SourceSpec:
    """Read a source from a text or table. Raises ExperimentError naming the key."""
    if isinstance(value, str):
        value = {"location": value}
    if not isinstance(value, dict):
        keys.fail(key, f"is {kind_of(value)}", "git, debian, a URL, a path, or a table")
    keys.reject_unknown(value, key, ("location", "sha256"))
    text = keys.string(value, key, "location", "")
    sha256 = keys.string(value, key, "sha256", "")
    return source_of(Origin(where=keys.file, file=keys), text, keys.folder, key=key, sha256=sha256)


def source_of(
    origin: Origin, text: str, folder: Path, *, key: str = "source", sha256: str = ""
) -> SourceSpec:
    """Return the source of a text; a path is relative to `folder`. Raises ExperimentError."""
    is_local = text not in ("", "default", "debian", "git") and ":" not in text
    place = str((folder / Path(text).expanduser()).resolve()) if is_local else text
    try:
        return parse(place, sha256)
    except UsageError as error:
        origin.fail(key, f"is not valid: {error.what}", error.hint)


def read_conditions(
    keys: Keys, table: Mapping[str, Any], changes: ConditionChanges | None = None
) -> Conditions:
    """Read suite, gate, wheels and session of a document; ignore keys that `changes` replaces."""
    changes = changes or ConditionChanges()
    wheels = keys.string(table, "", "wheels", "")
    session = _session(keys, table.get("session", {}), "session", changes.session)
    check_session(origin_of(keys, changes), session)
    return Conditions(
        suite=read_suite(keys, changes.suite or table.get("suite", "quick")),
        gate=changes.gate or keys.choice(table, "", "gate", GATES, "core"),
        wheels=changes.wheels or (str((keys.folder / wheels).resolve()) if wheels else ""),
        session=session,
    )


def origin_of(keys: Keys, changes: ConditionChanges) -> Origin:
    """Return the origin of a file's values, some of which options changed."""
    options = {key: f"--{key.rpartition('.')[2]}" for key in changes.given}
    return Origin(where="the command line", names=options, file=keys)


def read_suite(keys: Keys, value: Any, key: str = "suite") -> tuple[str, ...]:
    """Read the words of a suite, a text or a list. Raises ExperimentError naming the key."""
    names = (value,) if isinstance(value, str) else value
    right = '"quick", "core", "full", a list of benchmarks and tags, or a manifest\'s path'
    if not isinstance(names, list | tuple) or not names:
        keys.fail(key, f"is {kind_of(value)}", right)
    for name in names:
        if not isinstance(name, str) or not suite_names([name], keys.folder):
            keys.fail(key, f"has {kind_of(name)}", right)
    return suite_names(names, keys.folder)


def suite_names(texts: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return the words of a suite, without duplicates: each text has one or several, separated by
    commas. A manifest's path is relative to `folder`; that of a file may contain commas.
    """
    words = [word for text in texts for word in _words(text, folder)]
    return tuple(dict.fromkeys(words))


def _words(text: str, folder: Path) -> Iterator[str]:
    is_path = is_manifest(text) and (folder / Path(text).expanduser()).is_file()
    for part in (text,) if is_path else text.split(","):
        word = part.strip()
        if is_manifest(word):
            yield str((folder / Path(word).expanduser()).resolve())
        elif word:
            yield word


def read_session(keys: Keys, value: Any, key: str = "session") -> SessionOptions:
    """Read session options from the table `value`. Raises ExperimentError naming the key."""
    options = _session(keys, value, key, SessionChanges())
    check_session(Origin(where=keys.file, file=keys), options, key)
    return options


def _session(keys: Keys, value: Any, key: str, changes: SessionChanges) -> SessionOptions:
    """Read session options; keys that `changes` replaces are ignored in the table."""
    if not isinstance(value, dict):
        keys.fail(key, f"is {kind_of(value)}", "a table")
    default = SessionOptions()
    keys.reject_unknown(value, key, tuple(vars(default)))
    table = {name: item for name, item in value.items() if name not in changes.given}
    read = _SessionTable(keys=keys, table=table, key=key)
    return changes.applied(
        SessionOptions(
            margin=read.number("margin", default.margin),
            blocks=read.whole("blocks", default.blocks),
            budget=keys.duration(table, key, "budget"),
            protocol=read.choice("protocol", default.protocol),
            process_seconds=read.number("process_seconds", 0.0)
            if "process_seconds" in table
            else None,
            timeout=keys.duration(table, key, "timeout") or default.timeout,
            seed=read.whole("seed", 0) if "seed" in table else None,
            replicas=read.whole("replicas", default.replicas),
            until=read.choice("until", default.until),
            aa=keys.boolean(table, key, "aa", default.aa),
            placebos=read.whole("placebos", default.placebos),
        )
    )


@dataclass(frozen=True, kw_only=True)
class _SessionTable:
    """Reads a table of session options, whose ranges are those of SessionOptions."""

    keys: Keys
    table: Mapping[str, Any]
    key: str

    def whole(self, name: str, default: int) -> int:
        low, high = whole_range(name)
        return self.keys.integer(self.table, self.key, name, default, low=low, high=high)

    def number(self, name: str, default: float) -> float:
        low, high = number_range(name)
        return self.keys.number(self.table, self.key, name, default, low=low, high=high)

    def choice(self, name: str, default: str) -> str:
        return self.keys.choice(self.table, self.key, name, choices_of(name), default)


_FLAVOR_KEYS = (
    *("pgo", "lto", "bolt", "computed_gotos", "configure", "variables", "cflags", "cc"),
    *("loop_cflags", "environment"),
)
_LTO = ("thin", "full")


def read_flavor(keys: Keys, value: Any, key: str, default: Flavor) -> Flavor:
    """Read a flavor from the table `value`; missing keys are taken from `default`.

    Raises ExperimentError naming `key`.
    """
    if not isinstance(value, dict):
        keys.fail(key, f"is {kind_of(value)}", "a table, for example { pgo = true }")
    keys.reject_unknown(value, key, _FLAVOR_KEYS)
    build, run = _environments(keys, value, key, default)
    flavor = replace(
        default,
        pgo=keys.boolean(value, key, "pgo", default.pgo),
        **_lto(keys, value, key, default),
        bolt=keys.boolean(value, key, "bolt", default.bolt),
        variables=_variables(keys, value, key, "variables", default.variables),
        build_environment=build,
        run_environment=run,
        configure=keys.strings(value, key, "configure") or default.configure,
        cflags=keys.string(value, key, "cflags", default.cflags),
        cc=keys.string(value, key, "cc", default.cc),
        loop_cflags=keys.string(value, key, "loop_cflags", default.loop_cflags).strip(),
    )
    if "computed_gotos" in value:
        gotos = keys.boolean(value, key, "computed_gotos", True)
        flavor = replace(flavor, computed_gotos=gotos)
    check_flavor(Origin(where=keys.file, file=keys), flavor, key)
    return flavor


def flavor_table(flavor: Flavor) -> dict[str, Any]:
    """The table from which `read_flavor` reads this flavor again."""
    table = {
        **{key: getattr(flavor, key) for key in ("pgo", "cflags", "cc", "loop_cflags")},
        "lto": flavor.lto_mode or flavor.lto,
        "bolt": flavor.bolt,
        "configure": list(flavor.configure),
        "variables": as_mapping(flavor.variables),
        "environment": {
            BUILD: as_mapping(flavor.build_environment),
            RUN: as_mapping(flavor.run_environment),
        },
    }
    if flavor.computed_gotos is not None:
        table["computed_gotos"] = flavor.computed_gotos
    return table


def _lto(keys: Keys, table: Mapping[str, Any], key: str, default: Flavor) -> dict[str, Any]:
    """Read lto: true, false, or its kind."""
    value = table.get("lto", default.lto_mode or default.lto)
    if not isinstance(value, bool) and value not in _LTO:
        keys.fail(f"{key}.lto", f"is {kind_of(value)}", 'true or false, "thin" or "full"')
    return {"lto": bool(value), "lto_mode": value if isinstance(value, str) else ""}


def _environments(
    keys: Keys, table: Mapping[str, Any], key: str, default: Flavor
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read environment: the variables of a build's steps, and those of the measured processes."""
    value, inner = table.get("environment", {}), f"{key}.environment"
    if not isinstance(value, dict):
        keys.fail(inner, f"is {kind_of(value)}", "a table with the tables build and run")
    keys.reject_unknown(value, inner, (BUILD, RUN))
    return (
        _variables(keys, value, inner, BUILD, default.build_environment),
        _variables(keys, value, inner, RUN, default.run_environment),
    )


def _variables(
    keys: Keys, table: Mapping[str, Any], key: str, name: str, default: tuple[str, ...]
) -> tuple[str, ...]:
    """Read a table of names and values as texts NAME=VALUE, ordered by name."""
    if name not in table:
        return default
    value, place = table[name], f"{key}.{name}"
    if not isinstance(value, dict):
        keys.fail(place, f"is {kind_of(value)}", 'a table, for example { PYTHON_JIT = "1" }')
    for variable, item in value.items():
        if not isinstance(item, str):
            right = f'text: {variable} = "{str(item).lower()}"'
            keys.fail(f"{place}.{variable}", f"is {kind_of(item)}", right)
    return tuple(f"{variable}={value[variable]}" for variable in sorted(value))
