"""Recipes: everything that determines a build, hashed into the recipe's key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from builder.files import digest
from builder.sources import Revision
from builder.toolchain import ToolIdentity

# Incremented when building changes so that older builds are not comparable with new ones.
PROCEDURE = 1
_VARIABLES = ("variables", "build_environment", "run_environment")
_LATER = ("loop_cflags", "lto_mode", "bolt", *_VARIABLES)
_SHARED = re.compile(r"--(enable|disable)-shared(=|$)")


@dataclass(frozen=True, kw_only=True)
class Flavor:
    """How a tree is configured and compiled.

    `computed_gotos` None is configure's own choice. `cflags` are configure's CFLAGS: for all of
    CPython, and for extension modules that are built for it later. `loop_cflags` are for the source
    file of the evaluation loop only (see `builder.builds.loop_flags`).

    `lto_mode` is "thin" or "full", "" for configure's choice. Variables are texts NAME=VALUE:
    `variables` those of configure, `build_environment` those of every step of a build. The
    `run_environment` is that of the measured processes: it does not change the build.
    """

    pgo: bool = False
    lto: bool = False
    computed_gotos: bool | None = None
    configure: tuple[str, ...] = ()
    cflags: str = ""
    cc: str = "gcc"
    loop_cflags: str = ""
    lto_mode: str = ""
    bolt: bool = False
    variables: tuple[str, ...] = ()
    build_environment: tuple[str, ...] = ()
    run_environment: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short name for tables: plain, pgo+lto, no-computed-gotos."""
        parts = []
        if self.pgo:
            parts.append("pgo")
        if self.lto:
            parts.append(f"{self.lto_mode}-lto" if self.lto_mode else "lto")
        if self.bolt:
            parts.append("bolt")
        if self.computed_gotos is not None:
            parts.append("computed-gotos" if self.computed_gotos else "no-computed-gotos")
        parts.extend(option.lstrip("-") for option in self.configure)
        if self.cflags:
            parts.append(self.cflags)
        if self.loop_cflags:
            parts.append(f"loop {self.loop_cflags}")
        parts.extend(self.variables)
        parts.extend(f"build {variable}" for variable in self.build_environment)
        if self.cc != "gcc":
            parts.append(self.cc)
        parts.extend(self.run_environment)
        return "+".join(parts) or "plain"

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Flavor:
        """A flavor from JSON, with or without its name. Raises KeyError or TypeError."""
        values = {key: value for key, value in data.items() if key != "name"}
        lists = ("configure", *(name for name in _VARIABLES if name in data))
        return cls(**values | {name: tuple(data[name]) for name in lists})

    @property
    def shared(self) -> bool:
        """Whether the interpreter is a shared library, by an option of configure."""
        options = [option for option in self.configure if _SHARED.match(option)]
        return bool(options) and options[-1] in ("--enable-shared", "--enable-shared=yes")

    @property
    def uses_bolt(self) -> bool:
        """Whether BOLT is used, by the flavor's key or by an option of configure."""
        return self.bolt or "--enable-bolt" in self.configure

    @property
    def makes_stencils(self) -> bool:
        """Whether LLVM makes machine code for a just-in-time compiler: not for its interpreter."""
        jit = [
            option for option in self.configure if option.startswith("--enable-experimental-jit")
        ]
        return bool(jit) and jit[-1].partition("=")[2] in ("", "yes", "yes-off")

    @property
    def as_built(self) -> Flavor:
        """The flavor without what does not change the build."""
        return replace(self, run_environment=())

    @property
    def stated(self) -> dict[str, Any]:
        """The fields, without later additions that have their defaults."""
        content = asdict(self)
        return {name: value for name, value in content.items() if value or name not in _LATER}

    @property
    def content(self) -> dict[str, Any]:
        """The fields for the recipe's key: later additions only if set, so that the builds and
        results from before an addition keep their keys.
        """
        return self.as_built.stated


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
    without a placebo is the unchanged tree. `tools` are the programs beside the compiler, where the
    flavor uses some.
    """

    revision: Revision
    tree: str
    flavor: Flavor
    compiler: CompilerIdentity
    series: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    replica: int = 0
    placebo: str = ""
    tools: tuple[ToolIdentity, ...] = ()

    @property
    def as_built(self) -> Recipe:
        """The recipe without what does not change the build."""
        return replace(self, flavor=self.flavor.as_built)

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
        if self.tools:
            content["tools"] = [asdict(tool) for tool in self.tools]
        return digest(content)

    @property
    def title(self) -> str:
        """For tables and progress: 3.13.5 plain + compact-int-add."""
        patched = "".join(f" + {name}" for name in self.series)
        patched += f" + placebo {self.placebo}" if self.placebo else ""
        replica = f" (replica {self.replica})" if self.replica else ""
        return f"{self.revision.label} {self.flavor.name}{patched}{replica}"
