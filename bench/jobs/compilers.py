"""The compiler of modules for an interpreter: the Cython that fits, installed when missing."""

from __future__ import annotations

from pathlib import Path

from bench import packages
from bench.jobs.context import Context
from bench.packages import PackageSource
from builder import lock
from builder.errors import RequirementsError
from builder.process import last_lines
from builder.store import guard_writes
from ext import tools
from ext.compile import Compiler, Target

_PIP_SECONDS = 600.0
# Unchanged: Cython would take annotations for C types, and refuse what they do not say.
_DIRECTIVES = ("annotation_typing=False",)


def compiler_for(context: Context, source: PackageSource, target: Target) -> Compiler:
    """Compiles into the home's cache. Raises RequirementsError when Cython or setuptools cannot be
    installed, StoreError when nothing can be written.
    """

    def install(requirement: str, folder: Path) -> None:
        """A pure package, or one for the Python that runs us."""
        context.show.say(f"Installing {requirement}.")
        done = packages.install_here(
            context.runner, source, folder, requirement, timeout=_PIP_SECONDS
        )
        if not done.ok:
            raise RequirementsError(
                f"{requirement} cannot be installed: {packages.pip_error(done)}",
                where=last_lines(packages.anonymous(done.output)),
                hint="Compiling needs it. If this machine has no package index, put its wheel into "
                "a folder and name it with --wheels.",
            )

    home = context.home
    with lock.hold(home.lock("tools")), guard_writes(home.root / "tools"):
        found = tools.provide(home.root / "tools", target.version, install)
    return Compiler(
        runner=context.runner,
        cache=home.root / "modules",
        target=target,
        tools=found,
        directives=_DIRECTIVES,
        say=context.show.say,
    )
