"""Experiment files: TOML in, frozen values out, with messages that name the key and what is right.

A document is read once, here; everything behind this door can rely on its types and ranges.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from builder.errors import ExperimentError, UsageError
from builder.sources import SourceSpec, parse
from builder.spec import Flavor

GATES = ("core", "full", "none")
PROTOCOLS = ("auto", "lockstep", "sequential")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One variant as the experiment asks for it.

    An empty `revision` is the base's. `patches` are files, "-" standard input.
    """

    name: str
    revision: str = ""
    source: SourceSpec | None = None
    series: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    flavor: Flavor = field(default_factory=Flavor)


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """The timing part. `budget` and `timeout` in seconds, `process_seconds` per process and block.

    The session ends after `blocks` blocks or when `budget` is spent, whichever is first; neither
    looks at what was measured. `seed` None: drawn at the first run and recorded.
    """

    margin: float = 0.01
    blocks: int = 15
    budget: float | None = None
    protocol: str = "auto"
    process_seconds: float = 0.6
    timeout: float = 120.0
    seed: int | None = None
    replicas: int = 1


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A base, its candidates, a suite and how to measure. `base.revision` may be empty only when a
    candidate's revision decides it (`run --candidate`).
    """

    name: str
    base: Arm
    candidates: tuple[Arm, ...]
    suite: tuple[str, ...] = ("quick",)
    gate: str = "core"
    wheels: str = ""
    session: SessionOptions = field(default_factory=SessionOptions)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed file before it is understood; `text` is searched for the line of a complaint."""

    content: dict[str, Any]
    file: str
    folder: Path
    text: str = ""
    name: str = "experiment"


def read(path: Path) -> Document:
    """Read an experiment file as TOML. Raises ExperimentError naming the file."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(
            f"The experiment file is not valid TOML: {error}.",
            where=str(path),
            hint="experiments/quickstart.toml shows the form.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ExperimentError(
            f"The experiment file cannot be read: {reason}.",
            where=str(path),
            hint="`patchbench run FILE` takes a TOML file; experiments/ has examples.",
        ) from error
    return Document(content=content, file=str(path), folder=path.parent, text=text, name=path.stem)


def understand(document: Document) -> Experiment:
    """The experiment that a document asks for. Relative paths in it start at its folder.

    Raises ExperimentError naming the file, the line where it can be told, and the key.
    """
    reader = _Reader(file=document.file, text=document.text, folder=document.folder)
    return reader.experiment(document.content, document.name)


def load(path: Path) -> Experiment:
    """Read and understand an experiment file."""
    return understand(read(path))


def seconds_of(text: str) -> float:
    """Seconds of "90s", "10m" or "1.5h". Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or float(match.group(1)) <= 0:
        raise ValueError(text)
    return float(match.group(1)) * _UNITS[match.group(2)]


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Reads one document; every complaint names the file, the line and the key."""

    file: str
    text: str
    folder: Path

    def experiment(self, document: Mapping[str, Any], name: str) -> Experiment:
        self.known(
            document,
            "",
            ("name", "base", "suite", "source", "gate", "wheels", "candidate", "flavor", "session"),
        )
        flavor = self.flavor(document.get("flavor", {}), "flavor", Flavor())
        source = self.source(document["source"], "source") if "source" in document else None
        if "base" not in document:
            self.fail("base", "is missing", 'a branch, tag or commit, for example base = "3.13"')
        base = self.base(document["base"], flavor, source)
        wheels = self.string(document, "", "wheels", "")
        return Experiment(
            name=self.name(document, "", name),
            base=base,
            candidates=self.candidates(document.get("candidate"), base, flavor),
            suite=self.suite(document.get("suite", "quick")),
            gate=self.choice(document, "", "gate", GATES, "core"),
            wheels=str((self.folder / wheels).resolve()) if wheels else "",
            session=self.session(document.get("session", {})),
        )

    def base(self, value: Any, flavor: Flavor, source: SourceSpec | None) -> Arm:
        if isinstance(value, str) and value:
            return Arm(name="base", revision=value, source=source, flavor=flavor)
        if not isinstance(value, dict):
            self.fail("base", f"is {_kind(value)}", "a revision or a table")
        self.known(value, "base", ("source", "revision", "flavor", "series", "patch", "name"))
        if not isinstance(value.get("revision"), str) or not value["revision"]:
            self.fail("base.revision", "is missing", "a branch, tag or commit")
        return self.arm(value, "base", "base", flavor, source)

    def candidates(self, value: Any, base: Arm, flavor: Flavor) -> tuple[Arm, ...]:
        if not isinstance(value, list) or not value:
            self.fail(
                "candidate",
                "is missing" if value is None else f"is {_kind(value)}",
                "one [[candidate]] table or more",
            )
        found = []
        for number, table in enumerate(value, 1):
            key = f"candidate[{number}]"
            if not isinstance(table, dict):
                self.fail(key, f"is {_kind(table)}", "a [[candidate]] table")
            self.known(table, key, ("name", "source", "revision", "flavor", "series", "patch"))
            arm = self.arm(table, key, "", flavor, base.source)
            if not arm.revision and (arm.series, arm.patches, arm.flavor) == (
                base.series,
                base.patches,
                base.flavor,
            ):
                self.fail(key, "is the base itself", "a series, patch, revision or flavor")
            found.append(arm)
        names = [arm.name for arm in found]
        for name in names:
            if names.count(name) > 1 or name == base.name:
                self.fail("candidate.name", f"{name!r} is there twice", "a name for each arm")
        return tuple(found)

    def arm(
        self,
        table: Mapping[str, Any],
        key: str,
        name: str,
        flavor: Flavor,
        source: SourceSpec | None,
    ) -> Arm:
        series = self.strings(table, key, "series")
        patches = self.strings(table, key, "patch")
        own = table.get("flavor")
        revision = self.string(table, key, "revision", "")
        chosen = self.flavor(own, f"{key}.flavor", flavor) if own is not None else flavor
        stem = "+".join(
            [one.rsplit("/", 1)[-1] for one in series]
            + [Path(one).stem if one != "-" else "stdin" for one in patches]
        )
        default = name or stem or revision or chosen.name
        return Arm(
            name=self.name(table, key, re.sub(r"[^A-Za-z0-9._+-]", "-", default)[:64] or "arm"),
            revision=revision,
            source=self.source(table["source"], f"{key}.source") if "source" in table else source,
            series=series,
            patches=tuple(
                one if one == "-" else str((self.folder / one).resolve()) for one in patches
            ),
            flavor=chosen,
        )

    def flavor(self, value: Any, key: str, default: Flavor) -> Flavor:
        if not isinstance(value, dict):
            self.fail(key, f"is {_kind(value)}", "a table, for example { pgo = true }")
        self.known(value, key, ("pgo", "lto", "computed_gotos", "configure", "cflags", "cc"))
        flavor = replace(
            default,
            pgo=self.boolean(value, key, "pgo", default.pgo),
            lto=self.boolean(value, key, "lto", default.lto),
            configure=self.strings(value, key, "configure") or default.configure,
            cflags=self.string(value, key, "cflags", default.cflags),
            cc=self.string(value, key, "cc", default.cc),
        )
        if "computed_gotos" in value:
            gotos = self.boolean(value, key, "computed_gotos", True)
            flavor = replace(flavor, computed_gotos=gotos)
        for option in flavor.configure:
            self.configure_option(option, f"{key}.configure")
        return flavor

    def configure_option(self, option: str, key: str) -> None:
        if not option.startswith("--"):
            self.fail(key, f"has {option!r}", "options that begin with --")
        ours = {
            "--prefix": "patchbench chooses it",
            "--enable-optimizations": "use pgo = true",
            "--with-lto": "use lto = true",
            "--with-computed-gotos": "use computed_gotos = true",
            "--without-computed-gotos": "",
        }
        name = option.split("=", 1)[0]
        if ours.get(name):
            self.fail(key, f"has {option!r}", f"other options: {ours[name]}")

    def source(self, value: Any, key: str) -> SourceSpec:
        if isinstance(value, str):
            value = {"location": value}
        if not isinstance(value, dict):
            self.fail(key, f"is {_kind(value)}", "git, debian, a URL, a path, or a table")
        self.known(value, key, ("location", "sha256"))
        text = self.string(value, key, "location", "")
        is_local = text not in ("", "default", "debian", "git") and ":" not in text
        try:
            return parse(
                str((self.folder / Path(text).expanduser()).resolve()) if is_local else text,
                self.string(value, key, "sha256", ""),
            )
        except UsageError as error:
            self.fail(key, f"is not right: {error.what}", error.hint)

    def session(self, value: Any) -> SessionOptions:
        key = "session"
        if not isinstance(value, dict):
            self.fail(key, f"is {_kind(value)}", "a table")
        defaults = SessionOptions()
        self.known(
            value,
            key,
            ("margin", "blocks", "budget", "protocol", "process_seconds", "timeout", "seed",
             "replicas"),
        )  # fmt: skip
        options = SessionOptions(
            margin=self.number(value, key, "margin", defaults.margin, low=0.0001, high=0.5),
            blocks=self.integer(value, key, "blocks", defaults.blocks, low=2, high=1000),
            budget=self.duration(value, key, "budget"),
            protocol=self.choice(value, key, "protocol", PROTOCOLS, defaults.protocol),
            process_seconds=self.number(
                value, key, "process_seconds", defaults.process_seconds, low=0.05, high=600
            ),
            timeout=self.duration(value, key, "timeout") or defaults.timeout,
            seed=self.integer(value, key, "seed", 0, low=0, high=2**32 - 1)
            if "seed" in value
            else None,
            replicas=self.integer(value, key, "replicas", 1, low=1, high=1000),
        )
        if options.replicas != 1:
            self.fail(
                "session.replicas",
                f"is {options.replicas}",
                "1: this version builds each recipe once, and its verdicts say so",
            )
        return options

    def suite(self, value: Any) -> tuple[str, ...]:
        names = (value,) if isinstance(value, str) else value
        right = '"quick", "core", "full", a list of benchmarks and tags, or a manifest\'s path'
        if not isinstance(names, list | tuple) or not names:
            self.fail("suite", f"is {_kind(value)}", right)
        for name in names:
            if not isinstance(name, str) or not name:
                self.fail("suite", f"has {_kind(name)}", right)
        return tuple(
            str((self.folder / name).resolve()) if name.endswith("MANIFEST") else name
            for name in names
        )

    # -- values -----------------------------------------------------------------------------

    def known(self, table: Mapping[str, Any], key: str, names: tuple[str, ...]) -> None:
        for name in table:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                meant = f"{near[0]} (did you mean that?), or one of: " if near else "one of: "
                full = f"{key}.{name}" if key else name
                self.fail(full, "is not a key patchbench knows", meant + ", ".join(names))

    def string(self, table: Mapping[str, Any], key: str, name: str, default: str) -> str:
        value = table.get(name, default)
        if not isinstance(value, str) or "\0" in value or "\n" in value:
            self.fail(_join(key, name), f"is {_kind(value)}", "one line of text")
        return str(value)

    def strings(self, table: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
        value = table.get(name, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            self.fail(_join(key, name), f"is {_kind(value)}", "a string or a list of strings")
        return tuple(values)

    def boolean(self, table: Mapping[str, Any], key: str, name: str, default: bool) -> bool:
        value = table.get(name, default)
        if not isinstance(value, bool):
            self.fail(_join(key, name), f"is {_kind(value)}", "true or false")
        return bool(value)

    def number(
        self,
        table: Mapping[str, Any],
        key: str,
        name: str,
        default: float,
        *,
        low: float,
        high: float,
    ) -> float:
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(_join(key, name), f"is {_kind(value)}", f"a number from {low} to {high}")
        if not low <= value <= high:
            self.fail(_join(key, name), f"is {value}", f"a number from {low} to {high}")
        return float(value)

    def integer(
        self,
        table: Mapping[str, Any],
        key: str,
        name: str,
        default: int,
        *,
        low: int,
        high: int,
    ) -> int:
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(_join(key, name), f"is {_kind(value)}", f"a whole number, {low} to {high}")
        if not low <= value <= high:
            self.fail(_join(key, name), f"is {value}", f"a whole number, {low} to {high}")
        return int(value)

    def duration(self, table: Mapping[str, Any], key: str, name: str) -> float | None:
        if name not in table:
            return None
        try:
            return seconds_of(table[name])
        except (ValueError, AttributeError):
            self.fail(_join(key, name), f"is {table[name]!r}", 'a time such as "90s", "10m", "1h"')

    def choice(
        self, table: Mapping[str, Any], key: str, name: str, allowed: tuple[str, ...], default: str
    ) -> str:
        value = table.get(name, default)
        if value not in allowed:
            self.fail(_join(key, name), f"is {value!r}", f"one of: {', '.join(allowed)}")
        return str(value)

    def name(self, table: Mapping[str, Any], key: str, default: str) -> str:
        value = self.string(table, key, "name", default)
        if not _NAME.fullmatch(value):
            self.fail(
                _join(key, "name"), f"is {value!r}", "letters, digits and . _ + -, at most 64"
            )
        return value

    def fail(self, key: str, problem: str, right: str) -> NoReturn:
        raise ExperimentError(
            f"{key} {problem}.",
            where=f"{self.file}{self._line(key)}",
            hint=f"Right would be: {right}.",
        )

    def _line(self, key: str) -> str:
        """The line that holds the key's last part, where it can be told."""
        last = re.escape(re.sub(r"\[\d+\]", "", key).rsplit(".", 1)[-1])
        pattern = re.compile(rf"^\s*(?:\[+\s*(?:\w+\.)*)?\"?{last}\"?\s*(?:=|\])", re.MULTILINE)
        match = pattern.search(self.text)
        if match is None:
            return ""
        return f", line {self.text.count(chr(10), 0, match.start()) + 1}"


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    kind = names.get(type(value), type(value).__name__)
    return f"{kind} ({value!r})" if isinstance(value, int | float | str) else kind
