"""Experiment files: TOML in, frozen values out, with messages that name the key and what is right.

A document is read once, here; everything behind this door can rely on its types and ranges.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.keys import Keys, as_name, kind_of
from bench.suites import is_manifest
from builder.errors import ExperimentError, UsageError
from builder.sources import SourceSpec, parse
from builder.spec import Flavor

GATES = ("core", "full", "none")
PROTOCOLS = ("auto", "lockstep", "sequential")
# Names of files beside those that are named after the arms.
_TAKEN = ("base", "block")
_OPTION = re.compile(r"--(with|without|enable|disable)-[A-Za-z0-9][\w-]*(=.*)?", re.ASCII)


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
    except (OSError, ValueError, RecursionError) as error:
        reason = _why_unreadable(error)
        raise ExperimentError(
            f"The experiment file cannot be read: {reason}.",
            where=str(path),
            hint="`patchbench run FILE` takes a TOML file; experiments/ has examples.",
        ) from error
    return Document(content=content, file=str(path), folder=path.parent, text=text, name=path.stem)


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def understand(document: Document) -> Experiment:
    """The experiment that a document asks for. Relative paths in it start at its folder.

    Raises ExperimentError naming the file, the line where it can be told, and the key.
    """
    reader = _Reader(file=document.file, text=document.text, folder=document.folder)
    return reader.experiment(document.content, document.name)


def load(path: Path) -> Experiment:
    """Read and understand an experiment file."""
    return understand(read(path))


class _Reader(Keys):
    """Reads an experiment."""

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
            name=self.name(document, "", as_name(name)),
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
            self.fail("base", f"is {kind_of(value)}", "a revision or a table")
        self.known(value, "base", ("source", "revision", "flavor", "series", "patch"))
        if not isinstance(value.get("revision"), str) or not value["revision"]:
            self.fail("base.revision", "is missing", "a branch, tag or commit")
        return self.arm(value, "base", "base", flavor, source)

    def candidates(self, value: Any, base: Arm, flavor: Flavor) -> tuple[Arm, ...]:
        if not isinstance(value, list) or not value:
            self.fail(
                "candidate",
                "is missing" if value is None else f"is {kind_of(value)}",
                "one [[candidate]] table or more",
            )
        found = []
        for number, table in enumerate(value, 1):
            key = f"candidate[{number}]"
            if not isinstance(table, dict):
                self.fail(key, f"is {kind_of(table)}", "a [[candidate]] table")
            self.known(table, key, ("name", "source", "revision", "flavor", "series", "patch"))
            arm = self.arm(table, key, "", flavor, base.source)
            if not arm.revision and (arm.series, arm.patches, arm.flavor) == (
                base.series,
                base.patches,
                base.flavor,
            ):
                self.fail(key, "is the base itself", "a series, patch, revision or flavor")
            found.append(arm)
            names = [base.name, *(one.name for one in found)]
            if names.count(arm.name) > 1:
                self.fail(f"{key}.name", f"{arm.name!r} is there twice", "a name for each arm")
            if arm.name in _TAKEN:
                self.fail(f"{key}.name", f"{arm.name!r} is taken", "another name")
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
        default = as_name(stem or revision or chosen.name)
        if default in _TAKEN:
            default += "-candidate"
        return Arm(
            name=self.name(table, key, name or default),
            revision=revision,
            source=self.source(table["source"], f"{key}.source") if "source" in table else source,
            series=series,
            patches=tuple(
                # Not resolved: /dev/fd/63, a shell's <(git diff), leads to no path.
                one if one == "-" else str((self.folder / one).absolute())
                for one in patches
            ),
            flavor=chosen,
        )

    def flavor(self, value: Any, key: str, default: Flavor) -> Flavor:
        if not isinstance(value, dict):
            self.fail(key, f"is {kind_of(value)}", "a table, for example { pgo = true }")
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
        if not _OPTION.fullmatch(option):
            # Others say where to install to, and configure takes abbreviations of them.
            self.fail(key, f"has {option!r}", "options --with-*, --without-*, --enable-* and so on")
        ours = {
            "--enable-option-checking": "it is on, so that no option is lost",
            "--disable-option-checking": "it is on, so that no option is lost",
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
            self.fail(key, f"is {kind_of(value)}", "git, debian, a URL, a path, or a table")
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
            self.fail(key, f"is {kind_of(value)}", "a table")
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
            self.fail("suite", f"is {kind_of(value)}", right)
        for name in names:
            if not isinstance(name, str) or not name:
                self.fail("suite", f"has {kind_of(name)}", right)
        return tuple(
            str((self.folder / name).resolve()) if is_manifest(name) else name for name in names
        )
