"""The nightly file: which branches and flavors are measured every night, and what is published.

source = "default"              # as in an experiment; a branch may have another
suite = "quick"                 # also gate, wheels, [session], as in an experiment
folder = "nights"               # results, history and state; paths are relative to the file
at = "02:30"                    # when the timer starts a night, local time

[[branch]]
revision = "main"
release = "v3.13.5"             # every night is compared with it and with the night before

[[flavor]]                      # one or more; default: plain
pgo = true
[confirm]                       # the session that measures a suspicion again; default: [session]
[history]
url = "history.sqlite"          # or postgresql://USER@HOST/DATABASE
[site]
folder = "site"
url = "https://speed.example.org/"
[mail]                          # see bench.nightly.mail.delivery
[keep]
nights = 14                     # builds of so many last nights are kept
compact = 30                    # days, after which raw data are packed
raw = 365                       # days, after which they are removed
disk = "50G"                    # limit for the home and the folder together
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import Any

from bench.experiments import (
    BASE,
    ArmRequest,
    Conditions,
    Document,
    Experiment,
    Origin,
    SessionOptions,
    build,
    read,
    read_conditions,
    read_flavor,
    read_session,
    read_source,
    read_suite,
)
from bench.nightly.mail import MailSettings, read_mail
from bench.util import Keys, as_name, kind_of
from builder.builds import Flavor
from builder.sources import SourceSpec

TONIGHT, RELEASE = "tonight", "release"
"""Names of the arms of a night's session beside the base, which is last night's revision."""

_SHARED = ("source", "suite", "gate", "wheels", "session")
_OWN = ("name", "folder", "at", "branch", "flavor", "confirm", "history", "site", "mail", "keep")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([MGT])B?")
_UNITS = {"M": 1e6, "G": 1e9, "T": 1e12}


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A branch that is measured every night: a revision of a source, the name that the history uses
    for it, and the conditions of its sessions.
    """

    name: str
    revision: str
    release: str
    source: SourceSpec | None
    conditions: Conditions


@dataclass(frozen=True, kw_only=True)
class Keep:
    """What is kept: builds of the last `nights` nights; raw data unpacked for `compact` days, then
    packed until they are `raw` days old. `disk` is a limit in bytes; None is no limit.
    """

    nights: int = 14
    compact: int = 30
    raw: int = 365
    disk: float | None = None


@dataclass(frozen=True, kw_only=True)
class Nightly:
    """The content of a nightly file. `mail` None: no mail is sent. `site` None: no site is written;
    `address` is the URL of the site.
    """

    name: str
    file: Path
    folder: Path
    at: time
    branches: tuple[Branch, ...]
    flavors: tuple[Flavor, ...]
    confirm: SessionOptions
    history: str
    site: Path | None
    address: str
    mail: MailSettings | None
    keep: Keep

    @property
    def cache(self) -> Path:
        """The cache of change detection and site; it may be deleted."""
        return self.folder / ".cache"

    @property
    def lines(self) -> tuple[tuple[Branch, Flavor], ...]:
        """Every combination of branch and flavor."""
        return tuple((branch, flavor) for branch in self.branches for flavor in self.flavors)


def load(path: Path) -> Nightly:
    """Read a nightly file. Raises ExperimentError, which names the file, the line and the key."""
    document = read(path)
    keys = Keys(file=document.file, text=document.text, folder=document.folder)
    return _Reader(document=document, keys=keys).nightly(path)


def experiment(
    branch: Branch,
    flavor: Flavor,
    *,
    name: str,
    base: str,
    others: Mapping[str, str],
    session: SessionOptions | None = None,
    suite: tuple[str, ...] = (),
) -> Experiment:
    """The experiment of one session of a night: `base` and `others` (by arm) are revisions.

    Without others the base is measured against itself, since a session needs a candidate.
    """
    arm = ArmRequest(name=BASE, revision=base, source=branch.source, flavor=flavor)
    options = session or branch.conditions.session
    return build(
        Origin(where=f"the branch {branch.name} of the nightly file"),
        name=as_name(name),
        base=arm,
        candidates=[
            replace(arm, name=role, revision=revision) for role, revision in others.items()
        ],
        conditions=replace(
            branch.conditions,
            suite=suite or branch.conditions.suite,
            session=options if others else replace(options, aa=True),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Reads one nightly file."""

    document: Document
    keys: Keys

    def nightly(self, path: Path) -> Nightly:
        content = self.document.content
        self.keys.reject_unknown(content, "", (*_OWN, *_SHARED))
        conditions = read_conditions(self.keys, content)
        folder = self._path(content, "", "folder", "nights")
        site = self._table("site", ("folder", "url"))
        history = self._table("history", ("url",))
        where = self.keys.string(history, "history", "url", "")
        return Nightly(
            name=self.keys.name(content, "", as_name(self.document.name)),
            file=path.absolute(),
            folder=folder,
            at=self._at(),
            branches=self._branches(conditions),
            flavors=self._flavors(),
            confirm=read_session(self.keys, content["confirm"], "confirm")
            if "confirm" in content
            else replace(conditions.session, seed=None),
            history=self._history(where, folder),
            site=self._path(site, "site", "folder", "site") if site else None,
            address=self.keys.string(site, "site", "url", ""),
            mail=read_mail(self.keys, content["mail"]) if "mail" in content else None,
            keep=self._keep(),
        )

    def _branches(self, shared: Conditions) -> tuple[Branch, ...]:
        content = self.document.content
        tables = content.get("branch")
        if not isinstance(tables, list) or not tables:
            self.keys.fail("branch", "is missing", "one [[branch]] table or more")
        source = read_source(self.keys, content["source"]) if "source" in content else None
        branches = [
            self._branch(table, f"branch[{n}]", source, shared) for n, table in enumerate(tables, 1)
        ]
        names = [branch.name for branch in branches]
        for number, name in enumerate(names, 1):
            if name in names[: number - 1]:
                self.keys.fail(f"branch[{number}].name", f"{name!r} is used twice", "another name")
        return tuple(branches)

    def _branch(
        self, table: Any, key: str, source: SourceSpec | None, shared: Conditions
    ) -> Branch:
        if not isinstance(table, dict):
            self.keys.fail(key, f"is {kind_of(table)}", "a [[branch]] table")
        self.keys.reject_unknown(table, key, ("name", "revision", "release", "source", "suite"))
        revision = self.keys.string(table, key, "revision", "")
        if not revision:
            self.keys.fail(f"{key}.revision", "is missing", "a branch of the source")
        own = read_suite(self.keys, table["suite"], f"{key}.suite") if "suite" in table else None
        return Branch(
            name=self.keys.name(table, key, as_name(revision)),
            revision=revision,
            release=self.keys.string(table, key, "release", ""),
            source=read_source(self.keys, table["source"], f"{key}.source")
            if "source" in table
            else source,
            conditions=replace(shared, suite=own or shared.suite),
        )

    def _flavors(self) -> tuple[Flavor, ...]:
        tables = self.document.content.get("flavor", [{}])
        if not isinstance(tables, list) or not tables:
            self.keys.fail("flavor", f"is {kind_of(tables)}", "[[flavor]] tables")
        flavors = [
            read_flavor(self.keys, table, f"flavor[{number}]", Flavor())
            for number, table in enumerate(tables, 1)
        ]
        for number, flavor in enumerate(flavors, 1):
            if flavor in flavors[: number - 1]:
                self.keys.fail(f"flavor[{number}]", "is used twice", "another flavor")
        return tuple(flavors)

    def _at(self) -> time:
        text = self.keys.string(self.document.content, "", "at", "02:30")
        try:
            return time.fromisoformat(text).replace(microsecond=0, tzinfo=None)
        except ValueError:
            self.keys.fail("at", f"is {text!r}", 'a time of the day, "02:30"')

    def _history(self, where: str, folder: Path) -> str:
        if "://" in where:
            return where
        return str((self.document.folder / where).resolve() if where else folder / "history.sqlite")

    def _keep(self) -> Keep:
        table, defaults = self._table("keep", tuple(Keep.__dataclass_fields__)), Keep()
        limits = {"low": 1, "high": 36500}
        text = self.keys.string(table, "keep", "disk", "")
        size = _SIZE.fullmatch(text)
        if text and size is None:
            self.keys.fail("keep.disk", f"is {text!r}", 'a size such as "500M", "50G", "1T"')
        return Keep(
            nights=self.keys.integer(table, "keep", "nights", defaults.nights, **limits),
            compact=self.keys.integer(table, "keep", "compact", defaults.compact, **limits),
            raw=self.keys.integer(table, "keep", "raw", defaults.raw, **limits),
            disk=float(size.group(1)) * _UNITS[size.group(2)] if size else None,
        )

    def _table(self, name: str, known: tuple[str, ...] = ()) -> Mapping[str, Any]:
        table = self.document.content.get(name, {})
        if not isinstance(table, dict):
            self.keys.fail(name, f"is {kind_of(table)}", "a table")
        if known:
            self.keys.reject_unknown(table, name, known)
        return table

    def _path(self, table: Mapping[str, Any], key: str, name: str, default: str) -> Path:
        text = self.keys.string(table, key, name, default)
        if not text:
            self.keys.fail(f"{key}.{name}" if key else name, "is empty", "a folder")
        return (self.document.folder / Path(text).expanduser()).resolve()
