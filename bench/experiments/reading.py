"""Reading a flavor: the table of an experiment file that says how a tree is compiled."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import VARIANTS, is_manifest
from bench.experiments.experiment import (
    AA,
    BASE,
    GATES,
    ArmRequest,
    Experiment,
    _added,
    _placebo_name,
    is_base,
)
from bench.experiments.session_options import (
    MOST_PLACEBOS,
    MOST_REPLICAS,
    PROTOCOLS,
    UNTIL,
    SessionOptions,
)
from bench.util import Keys, as_name, kind_of
from builder.builds import Flavor, layout, loop_flags
from builder.errors import ExperimentError, UsageError
from builder.sources import SourceSpec, parse

_CANDIDATE_KEYS = (
    *("name", "source", "revision", "flavor", "series", "patch", "placebo", "variant", "runtime"),
)
# Names of files beside those that are named after the arms, and names of arms that are added.
_TAKEN = ("base", "block", AA)


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

    def base(self, value: Any, flavor: Flavor, source: SourceSpec | None) -> ArmRequest:
        if isinstance(value, str) and value:
            return ArmRequest(name=BASE, revision=value, source=source, flavor=flavor)
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
        self, value: Any, base: ArmRequest, flavor: Flavor, taken: tuple[str, ...]
    ) -> tuple[ArmRequest, ...]:
        if not isinstance(value, list) or not value:
            self.fail(
                "candidate",
                "is missing" if value is None else f"is {kind_of(value)}",
                "one [[candidate]] table or more",
            )
        found: list[ArmRequest] = []
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
    ) -> ArmRequest:
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
        return ArmRequest(
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


def read_session(keys: Keys, value: Any, key: str = "session") -> SessionOptions:
    """The options that the table `value` gives. Raises ExperimentError naming the key."""
    if not isinstance(value, dict):
        keys.fail(key, f"is {kind_of(value)}", "a table")
    given = SessionOptions()
    keys.known(value, key, tuple(SessionOptions.__dataclass_fields__))
    seed = keys.integer(value, key, "seed", 0, low=0, high=2**32 - 1)
    options = SessionOptions(
        margin=keys.number(value, key, "margin", given.margin, low=0.0001, high=0.5),
        blocks=keys.integer(value, key, "blocks", given.blocks, low=2, high=1000),
        budget=keys.duration(value, key, "budget"),
        protocol=keys.choice(value, key, "protocol", PROTOCOLS, given.protocol),
        process_seconds=keys.number(value, key, "process_seconds", 0.0, low=0.05, high=600)
        if "process_seconds" in value
        else None,
        timeout=keys.duration(value, key, "timeout") or given.timeout,
        seed=seed if "seed" in value else None,
        replicas=keys.integer(value, key, "replicas", 1, low=1, high=MOST_REPLICAS),
        until=keys.choice(value, key, "until", UNTIL, given.until),
        aa=keys.boolean(value, key, "aa", given.aa),
        placebos=keys.integer(value, key, "placebos", 0, low=0, high=MOST_PLACEBOS),
    )
    if options.replicas > options.blocks:
        keys.fail(
            f"{key}.replicas",
            f"is {options.replicas}, and {key}.blocks {options.blocks}",
            "as many blocks as replicas, or more: blocks rotate over the replicas",
        )
    return options


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
