"""Read experiment files: from TOML to an experiment, with errors that name line and key.

This module checks the types of values; `bench.experiments.build` checks the values.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import VARIANTS
from bench.experiments.build import NOT_BUILT, build
from bench.experiments.experiment import BASE, ArmRequest, ConditionChanges, Experiment
from bench.experiments.shared_keys import (
    origin_of,
    read_conditions,
    read_flavor,
    read_source,
    runtime_place,
)
from bench.util import Keys, as_name, kind_of
from builder.builds import Flavor
from builder.errors import ExperimentError
from builder.toolchain import RUN

_CANDIDATE_KEYS = (
    *("name", "source", "revision", "flavor", "series", "patch", "placebo", "variant", "runtime"),
    "worktree",
)
_CONDITION_KEYS = ("suite", "gate", "wheels", "session")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed TOML file; its `text` is searched for the line of an error."""

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


def experiment_from(document: Document, changes: ConditionChanges | None = None) -> Experiment:
    """Build the experiment of a document, with the changes of a command line.

    Paths are relative to the document's folder. Raises ExperimentError naming the file, the line if
    it is known, and the key; or the option.
    """
    keys = Keys(file=document.file, text=document.text, folder=document.folder)
    return _Reader(keys=keys, changes=changes or ConditionChanges()).experiment(document)


def load(path: Path) -> Experiment:
    """Read an experiment file, and build its experiment."""
    return experiment_from(read(path))


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Reads the tables of an experiment document."""

    keys: Keys
    changes: ConditionChanges

    def experiment(self, document: Document) -> Experiment:
        content, keys = document.content, self.keys
        names = ("name", "base", "source", "candidate", "flavor", *_CONDITION_KEYS)
        keys.reject_unknown(content, "", names)
        shared = ArmRequest(
            flavor=read_flavor(keys, content.get("flavor", {}), "flavor", Flavor()),
            source=read_source(keys, content["source"]) if "source" in content else None,
        )
        if "base" not in content:
            keys.fail("base", "is missing", 'a branch, tag or commit, for example base = "3.13"')
        base = self.base(content["base"], shared)
        conditions = read_conditions(keys, content, self.changes)
        is_alone = not (conditions.session.aa or conditions.session.placebos)
        return build(
            origin_of(keys, self.changes),
            name=keys.name(content, "", as_name(document.name)),
            base=base,
            candidates=self.candidates(
                content.get("candidate"), replace(shared, source=base.source), is_alone
            ),
            conditions=conditions,
        )

    def base(self, value: Any, shared: ArmRequest) -> ArmRequest:
        if isinstance(value, str) and value:
            return replace(shared, name=BASE, revision=value)
        if not isinstance(value, dict):
            self.keys.fail("base", f"is {kind_of(value)}", "a revision or a table")
        self.keys.reject_unknown(
            value, "base", ("source", "revision", "flavor", "series", "patch", "variant", "runtime")
        )
        revision = value.get("revision")
        if "runtime" not in value and not (isinstance(revision, str) and revision):
            self.keys.fail("base.revision", "is missing", "a branch, tag or commit")
        return replace(self.arm(value, "base", shared), name=BASE)

    def candidates(self, value: Any, shared: ArmRequest, is_alone: bool) -> list[ArmRequest]:
        """Return the candidates; none are needed if the session adds arms (not `is_alone`)."""
        if value in (None, []) and not is_alone:
            return []
        if not isinstance(value, list) or not value:
            self.keys.fail(
                "candidate",
                "is missing" if value is None else f"is {kind_of(value)}",
                "one [[candidate]] table or more",
            )
        return [
            self.candidate(table, f"candidate[{number}]", shared)
            for number, table in enumerate(value, 1)
        ]

    def candidate(self, table: Any, key: str, shared: ArmRequest) -> ArmRequest:
        if not isinstance(table, dict):
            self.keys.fail(key, f"is {kind_of(table)}", "a [[candidate]] table")
        self.keys.reject_unknown(table, key, _CANDIDATE_KEYS)
        return self.arm(table, key, shared)

    def arm(self, table: Mapping[str, Any], key: str, shared: ArmRequest) -> ArmRequest:
        """Return the arm of a table, with source and flavor from `shared` unless it sets them."""
        keys, has_variant = self.keys, "variant" in table
        own = table.get("flavor")
        return ArmRequest(
            name=keys.name(table, key, "") if "name" in table else "",
            revision=keys.string(table, key, "revision", ""),
            source=read_source(keys, table["source"], f"{key}.source")
            if "source" in table
            else shared.source,
            series=keys.strings(table, key, "series"),
            patches=tuple(
                # Not resolved: the target of /dev/fd/63, a shell's <(git diff), is not a path.
                patch if patch == "-" else str((keys.folder / patch).absolute())
                for patch in keys.strings(table, key, "patch")
            ),
            placebo=keys.string(table, key, "placebo", ""),
            variant=keys.choice(table, key, "variant", VARIANTS, "") if has_variant else "",
            runtime=self.runtime(table, key),
            worktree=keys.boolean(table, key, "worktree", False),
            flavor=shared.flavor
            if own is None
            else read_flavor(keys, own, f"{key}.flavor", shared.flavor),
        )

    def runtime(self, table: Mapping[str, Any], key: str) -> str:
        """Return a runtime's name, or its path, relative to the file's folder."""
        text = self.keys.string(table, key, "runtime", "")
        for name in _CANDIDATE_KEYS if text else ():
            if name == "flavor" and _has_only_run_environment(table.get(name)):
                continue
            if name in table and name not in ("name", "runtime"):
                self.keys.fail(f"{key}.{name}", NOT_BUILT, "a separate arm for each")
        return runtime_place(text, self.keys.folder)


def _has_only_run_environment(flavor: Any) -> bool:
    """Whether a flavor says nothing of a build, so that it suits a runtime as well."""
    if not isinstance(flavor, dict) or tuple(flavor) != ("environment",):
        return False
    return isinstance(flavor["environment"], dict) and tuple(flavor["environment"]) == (RUN,)
