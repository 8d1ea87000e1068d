"""Experiment files: TOML in, frozen values out, with messages that name the key and what is right.

A document is read once, here; everything behind this door can rely on its types and ranges.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.flavors import read_flavor
from bench.keys import Keys, as_name, kind_of
from bench.session_options import PROTOCOLS, UNTIL, SessionOptions, read_session
from bench.suites import is_manifest
from bench.variants import VARIANTS
from builder import layout
from builder.errors import ExperimentError, UsageError
from builder.sources import SourceSpec, parse
from builder.spec import Flavor

__all__ = [
    "AA", "BASE", "CANDIDATE", "GATES", "PLACEBO", "PROTOCOLS", "UNTIL",
    "Arm", "Document", "Experiment", "SessionOptions", "load", "read", "understand",
]  # fmt: skip

GATES = ("core", "full", "none")
BASE, CANDIDATE, AA, PLACEBO = "base", "candidate", "aa", "placebo"
"""The kinds of arms."""
_CANDIDATE_KEYS = (
    *("name", "source", "revision", "flavor", "series", "patch", "placebo", "variant", "runtime"),
)
# Names of files beside those that are named after the arms, and names of arms that are added.
_TAKEN = ("base", "block", AA)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One variant as the experiment asks for it.

    An empty `revision` is the base's. `patches` are files, "-" standard input. `placebo` as
    `builder.layout` has them: padding:3. `variant` is the compiled code that it runs, as
    `bench.variants` has them. `runtime` is the path or name of another Python (see
    `builder.runtimes.find`), of which nothing is built: all else is empty then.
    """

    name: str
    revision: str = ""
    source: SourceSpec | None = None
    series: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    placebo: str = ""
    variant: str = ""
    runtime: str = ""
    flavor: Flavor = field(default_factory=Flavor)


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

    @property
    def arms(self) -> tuple[tuple[str, Arm], ...]:
        """Every arm with its kind: the base, the candidates, and what the session adds to them."""
        own = [(self._kind(arm), arm) for arm in self.candidates]
        return ((BASE, self.base), *own, *_added(self.base, self.session))

    def _kind(self, arm: Arm) -> str:
        """A candidate that is the base but for its layout is a placebo."""
        return PLACEBO if arm.placebo and is_base(arm, self.base) else CANDIDATE


def is_base(arm: Arm, base: Arm) -> bool:
    """Whether a candidate asks for the base itself, its layout aside."""
    told = (arm.series, arm.patches, arm.flavor, arm.variant, arm.runtime)
    theirs = (base.series, base.patches, base.flavor, base.variant, base.runtime)
    return not arm.revision and told == theirs


def _added(base: Arm, session: SessionOptions) -> tuple[tuple[str, Arm], ...]:
    added = [(AA, replace(base, name=AA))] if session.aa else []
    for number in range(1, session.placebos + 1):
        placebo = layout.numbered(number)
        added.append((PLACEBO, replace(base, name=_placebo_name(placebo), placebo=placebo)))
    return tuple(added)


def _placebo_name(placebo: str) -> str:
    return f"placebo-{placebo.replace(':', '-')}"


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
        flavor = read_flavor(self, document.get("flavor", {}), "flavor", Flavor())
        source = self.source(document["source"], "source") if "source" in document else None
        if "base" not in document:
            self.fail("base", "is missing", 'a branch, tag or commit, for example base = "3.13"')
        base = self.base(document["base"], flavor, source)
        wheels = self.string(document, "", "wheels", "")
        session = read_session(self, document.get("session", {}))
        if base.runtime and session.placebos:
            self.fail("session.placebos", "needs a base that is built", "a revision as the base")
        added = [arm.name for _kind, arm in _added(base, session)]
        tables = document.get("candidate")
        return Experiment(
            name=self.name(document, "", as_name(name)),
            base=base,
            candidates=()
            if added and tables in (None, [])
            else self.candidates(tables, base, flavor, (*_TAKEN, *added)),
            suite=self.suite(document.get("suite", "quick")),
            gate=self.choice(document, "", "gate", GATES, "core"),
            wheels=str((self.folder / wheels).resolve()) if wheels else "",
            session=session,
        )

    def base(self, value: Any, flavor: Flavor, source: SourceSpec | None) -> Arm:
        if isinstance(value, str) and value:
            return Arm(name=BASE, revision=value, source=source, flavor=flavor)
        if not isinstance(value, dict):
            self.fail("base", f"is {kind_of(value)}", "a revision or a table")
        self.known(
            value, "base", ("source", "revision", "flavor", "series", "patch", "variant", "runtime")
        )
        if "runtime" in value:
            return self.arm(value, "base", BASE, flavor, source)
        if not isinstance(value.get("revision"), str) or not value["revision"]:
            self.fail("base.revision", "is missing", "a branch, tag or commit")
        return self.arm(value, "base", BASE, flavor, source)

    def candidates(
        self, value: Any, base: Arm, flavor: Flavor, taken: tuple[str, ...]
    ) -> tuple[Arm, ...]:
        if not isinstance(value, list) or not value:
            self.fail(
                "candidate",
                "is missing" if value is None else f"is {kind_of(value)}",
                "one [[candidate]] table or more",
            )
        found: list[Arm] = []
        for number, table in enumerate(value, 1):
            key = f"candidate[{number}]"
            if not isinstance(table, dict):
                self.fail(key, f"is {kind_of(table)}", "a [[candidate]] table")
            self.known(table, key, _CANDIDATE_KEYS)
            arm = self.arm(table, key, "", flavor, base.source)
            if is_base(arm, base) and not arm.placebo:
                self.fail(
                    key,
                    "is the base itself",
                    "a series, patch, revision, flavor, variant or runtime",
                )
            if arm.name in (base.name, *(one.name for one in found)):
                self.fail(f"{key}.name", f"{arm.name!r} is there twice", "a name for each arm")
            if arm.name in taken:
                self.fail(f"{key}.name", f"{arm.name!r} is taken", "another name")
            found.append(arm)
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
        placebo = self.placebo(table, key)
        has_variant = "variant" in table
        variant = self.choice(table, key, "variant", VARIANTS, "") if has_variant else ""
        runtime = self.runtime(table, key)
        own = table.get("flavor")
        revision = self.string(table, key, "revision", "")
        chosen = read_flavor(self, own, f"{key}.flavor", flavor) if own is not None else flavor
        stem = "+".join(
            [one.rsplit("/", 1)[-1] for one in series]
            + [Path(one).stem if one != "-" else "stdin" for one in patches]
            + ([_placebo_name(placebo)] if placebo else [])
            + ([Path(runtime).name] if runtime else [])
            + ([variant] if variant else [])
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
            placebo=placebo,
            variant=variant,
            runtime=runtime,
            flavor=chosen,
        )

    def runtime(self, table: Mapping[str, Any], key: str) -> str:
        """A name, or a path that starts at the file's folder."""
        text = self.string(table, key, "runtime", "")
        if not text:
            return ""
        for name in _CANDIDATE_KEYS:
            if name in table and name not in ("name", "runtime"):
                self.fail(
                    f"{key}.{name}",
                    "goes without a runtime: nothing of that is built",
                    "an arm of its own for each",
                )
        if "/" not in text:
            return text
        # Not resolved: the interpreter of a virtual environment is a link.
        return str((self.folder / Path(text).expanduser()).absolute())

    def placebo(self, table: Mapping[str, Any], key: str) -> str:
        text = self.string(table, key, "placebo", "")
        try:
            if text:
                layout.parse(text)
        except ExperimentError as error:
            self.fail(f"{key}.placebo", f"is {text!r}", error.hint)
        return text

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
