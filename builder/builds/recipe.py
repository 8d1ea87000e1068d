"""Recipes: everything that determines a build, hashed into the recipe's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from builder.files import digest
from builder.sources import Revision

# Incremented when building changes so that older builds are not comparable with new ones.
PROCEDURE = 1


@dataclass(frozen=True, kw_only=True)
class Flavor:
    """How a tree is configured and compiled.

    `computed_gotos` None is configure's own choice. `cflags` are configure's CFLAGS: for all of
    CPython, and for extension modules that are built for it later. `loop_cflags` are for the source
    file of the evaluation loop only (see `builder.builds.loop_flags`).
    """

    pgo: bool = False
    lto: bool = False
    computed_gotos: bool | None = None
    configure: tuple[str, ...] = ()
    cflags: str = ""
    cc: str = "gcc"
    loop_cflags: str = ""

    @property
    def name(self) -> str:
        """A short name for tables: plain, pgo+lto, no-computed-gotos."""
        parts = []
        if self.pgo:
            parts.append("pgo")
        if self.lto:
            parts.append("lto")
        if self.computed_gotos is not None:
            parts.append("computed-gotos" if self.computed_gotos else "no-computed-gotos")
        parts.extend(option.lstrip("-") for option in self.configure)
        if self.cflags:
            parts.append(self.cflags)
        if self.loop_cflags:
            parts.append(f"loop {self.loop_cflags}")
        if self.cc != "gcc":
            parts.append(self.cc)
        return "+".join(parts) or "plain"

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Flavor:
        """A flavor from JSON, with or without its name. Raises KeyError or TypeError."""
        values = {key: value for key, value in data.items() if key != "name"}
        return cls(**values | {"configure": tuple(data["configure"])})

    @property
    def content(self) -> dict[str, Any]:
        """The fields for the recipe's key. `loop_cflags`, a later addition, is left out if empty.

        Builds and results from before that addition therefore keep their keys.
        """
        content = asdict(self)
        if not self.loop_cflags:
            del content["loop_cflags"]
        return content


@dataclass(frozen=True, kw_only=True)
class CompilerIdentity:
    """The compiler: path of the program, first line of --version, SHA-256 of the file."""

    path: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that determines a build.

    `tree` is the git tree after the series was applied, and so includes the content and order of
    the patches; `series` are the names of what was applied, for display. `changed` lists the paths
    that differ from the revision's own tree; they decide which files are regenerated. `replica` and
    `placebo` determine the layout of the machine code (see `builder.builds.layout`); replica 0
    without a placebo is the unchanged tree.
    """

    revision: Revision
    tree: str
    flavor: Flavor
    compiler: CompilerIdentity
    series: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    replica: int = 0
    placebo: str = ""

    @property
    def key(self) -> str:
        """16 hex digits: the name of the build in the store."""
        content = {
            "procedure": PROCEDURE,
            "tree": self.tree,
            "changed": sorted(self.changed),
            "epoch": self.revision.epoch,
            "flavor": self.flavor.content,
            "compiler": asdict(self.compiler),
            "replica": self.replica,
        }
        if self.placebo:  # left out if empty, so that keys from before placebos existed stay valid
            content["placebo"] = self.placebo
        return digest(content)

    @property
    def title(self) -> str:
        """For tables and progress: 3.13.5 plain + compact-int-add."""
        patched = "".join(f" + {name}" for name in self.series)
        patched += f" + placebo {self.placebo}" if self.placebo else ""
        replica = f" (replica {self.replica})" if self.replica else ""
        return f"{self.revision.label} {self.flavor.name}{patched}{replica}"
