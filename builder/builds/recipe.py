"""What determines a build: flavor, patches, compiler and replica, hashed into the recipe's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from builder.files import digest
from builder.sources import Revision

# Raised when the way of building changes so that older builds no longer compare with new ones.
PROCEDURE = 1


@dataclass(frozen=True, kw_only=True)
class Flavor:
    """How a tree is configured and compiled.

    `computed_gotos` None leaves configure's own choice. `cflags` are configure's CFLAGS: for all of
    CPython, and for extension modules that are built for it later. `loop_cflags` are for the file
    of the evaluation loop alone (see `builder.builds.loop_flags`).
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
        """A flavor from JSON, with its name or without. Raises KeyError or TypeError."""
        told = {key: value for key, value in data.items() if key != "name"}
        return cls(**told | {"configure": tuple(data["configure"])})

    @property
    def content(self) -> dict[str, Any]:
        """All that it says. What flavors had not always is left out where it says nothing: builds
        made before are found, and their results verified.
        """
        content = asdict(self)
        if not self.loop_cflags:
            del content["loop_cflags"]
        return content


@dataclass(frozen=True, kw_only=True)
class CompilerIdentity:
    """The compiler's identity: the resolved program and what it says of itself."""

    path: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that determines a build.

    `tree` is the git tree after the series was applied (so that the order and content of patches
    are in it), `series` names what was applied, for people. `changed` lists the paths that differ
    from the revision's own tree; they decide what is generated again. `replica` and `placebo` draw
    the layout of the machine code (see `builder.builds.layout`); replica 0 without a placebo is
    the tree as it is.
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
        if self.placebo:  # not there otherwise: builds made before there were placebos are found
            content["placebo"] = self.placebo
        return digest(content)

    @property
    def title(self) -> str:
        """For tables and progress: 3.13.5 plain + compact-int-add."""
        patched = "".join(f" + {name}" for name in self.series)
        patched += f" + placebo {self.placebo}" if self.placebo else ""
        replica = f" (replica {self.replica})" if self.replica else ""
        return f"{self.revision.label} {self.flavor.name}{patched}{replica}"
